package sidecar_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

// Clients of another model come right before each probe, so that the model loses its
// place, and is loaded again for the probe. It has not become slow.
func TestALoadExplainsALateFirstChunk(t *testing.T) {
	t.Parallel()
	world := simulation.Config{GPUBytes: 14 << 30, Models: []simulation.Model{
		{Name: model, Bytes: 12 << 30, LoadTakes: 4 * time.Second}, {Name: other, Bytes: 4 << 30, LoadTakes: 2 * time.Second}}}
	play(t, setup{world: world}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		s.chat(3).complete()
		time.Sleep(time.Minute)
		s.log.heard = func(n note) {
			if n.message == "verdict changed" && n.with["to"] == string(verdict.Slow) {
				s.Errorf("a load was taken for slowness: %s", n.with["sentence"])
			}
		}
		beside := s.probesBehind(other)
		for range 20 {
			time.Sleep(30 * time.Second)
		}
		if n := beside.Load(); n < 10 {
			s.Errorf("%d probes came behind another model's client", n)
		}
	})
}

// probesBehind has a client ask another model right before each probe, and counts them.
func (s *scenario) probesBehind(name string) *atomic.Int64 {
	count := &atomic.Int64{}
	s.odd.inPlace(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.URL.Path == "/api/chat" && strings.Contains(string(body), model) {
			count.Add(1)
			s.post("/api/generate", fmt.Sprintf(`{"model":%q,"prompt":"hello"%s}`, name, short))
			time.Sleep(time.Millisecond)
		}
		s.ServeHTTP(w, r)
	})
	return count
}
