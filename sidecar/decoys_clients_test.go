package sidecar_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

// patienceDecoys are silences that have to be waited for.
func patienceDecoys() []decoy {
	crawls := []simulation.Model{{Name: model, TokenInterval: time.Second, LoadTakes: 5 * time.Second}, {Name: other}}
	return []decoy{
		{
			name: "a load of five minutes", pause: 10 * time.Minute,
			world: simulation.Config{Models: []simulation.Model{{Name: model, LoadTakes: 5 * time.Minute, TokenInterval: 250 * time.Millisecond}, {Name: other}}},
			often: func(s *scenario) { s.post("/api/generate", dropping(model)).wait() },
		},
		{
			name: "a prompt of a hundred thousand tokens", world: simulation.Config{Parallel: 1, Models: []simulation.Model{{Name: model, PromptRate: 170}, {Name: other}}},
			often: func(s *scenario) { s.post("/api/generate", reading(400_000, "")).complete() }, pause: time.Minute,
		},
		{
			name: "a prompt of a hundred thousand tokens, answered in one piece", world: simulation.Config{Parallel: 1, Models: []simulation.Model{{Name: model, PromptRate: 170}, {Name: other}}},
			often: func(s *scenario) { s.post("/api/generate", reading(400_000, `,"stream":false`)).complete() }, pause: time.Minute, lonely: true,
		},
		{
			name: "an answer of 40 minutes", world: simulation.Config{Parallel: 1, Models: crawls}, lonely: true,
			often: func(s *scenario) { s.chat(2400).complete() }, pause: time.Minute,
		},
		{
			name: "an answer of 40 minutes in one piece", world: simulation.Config{Parallel: 1, Models: crawls}, lonely: true,
			often: func(s *scenario) { s.chat(2400, `,"stream":false`).complete() }, pause: time.Minute,
		},
		{
			name: "an answer of 40 minutes to a client that bypasses the relay", world: simulation.Config{Parallel: 1, Models: crawls}, lonely: true,
			often: func(s *scenario) { s.must(s.Bypass(s.Context(), model, 2400)) }, pause: time.Minute,
		},
		{
			name: "first chunks that come late from the start", world: simulation.Config{Models: []simulation.Model{{Name: model, FirstChunk: 8 * time.Second}, {Name: other}}},
		},
		{
			name: "a machine that crawls from the start", first: func(s *scenario) { s.Slow(crawling) },
			world: simulation.Config{Models: []simulation.Model{{Name: model, FirstChunk: 300 * time.Millisecond}, {Name: other}}},
		},
	}
}

// dropping has the model unloaded by a client.
func dropping(name string) string { return fmt.Sprintf(`{"model":%q,"keep_alive":"0s"}`, name) }

// reading is a request with a prompt of so many letters.
func reading(letters int, more string) string {
	return fmt.Sprintf(`{"model":%q,"prompt":%q,"options":{"num_predict":20}%s}`, model, strings.Repeat("word ", letters/5), more)
}

// clientDecoys are what clients do, as they like.
func clientDecoys() []decoy {
	turns := simulation.Config{MaxLoaded: 1}
	return []decoy{
		{name: "two models that take turns", world: turns, lonely: true, often: func(s *scenario) {
			s.post("/api/generate", generate(other, 40)).complete()
			s.chat(40).complete()
		}, pause: 20 * time.Second},
		{
			name: "a keep-alive that runs out", env: []string{"CLAWGATE_KEEP_ALIVE=5m"}, lonely: true,
			often: func(s *scenario) { s.chat(10).complete() }, pause: 11 * time.Minute,
		},
		{name: "a queue at capacity for half an hour", world: simulation.Config{Parallel: 1}, once: func(s *scenario) {
			crowd := s.gather(time.Second)
			for range 12 {
				crowd.join(model)
			}
			time.Sleep(30 * time.Minute)
			crowd.leave()
		}},
		{name: "clients with runner options of their own", lonely: true, often: func(s *scenario) {
			s.chat(10).complete()
			s.post("/api/generate", optioned("num_ctx", 8192)).complete()
			s.post("/api/generate", optioned("num_gpu", 0)).complete()
		}, pause: 2 * time.Minute},
		{name: "answers that are short or empty, and right", often: func(s *scenario) {
			s.chat(1).complete()
			s.post("/api/generate", `{"model":"`+model+`"}`).complete()
			s.post("/api/generate", `{"model":"`+other+`","keep_alive":"1m"}`).complete()
		}, pause: 20 * time.Second},
		{name: "embeddings alone", lonely: true, often: func(s *scenario) {
			if c := s.post("/api/embed", `{"model":"`+model+`","input":"hello"}`).wait(); c.status != http.StatusOK {
				s.Errorf("an embedding: %s", c)
			}
		}, pause: 3 * time.Second},
		{name: "a client that reads slowly", often: func(s *scenario) { s.sip() }, pause: time.Minute},
		{name: "bursts of 503", often: func(s *scenario) { s.Overload(true); time.Sleep(time.Minute); s.Overload(false) }, pause: 4 * time.Minute},
		{name: "clients who leave", often: func(s *scenario) {
			c := s.chat(200)
			time.Sleep(3 * time.Second)
			c.cancel()
			c.wait()
		}, pause: 4 * time.Second},
	}
}

func optioned(option string, value int) string {
	return fmt.Sprintf(`{"model":%q,"prompt":"hello","options":{"num_predict":10,%q:%d}}`, model, option, value)
}

// sip reads one answer, a few bytes every five seconds.
func (s *scenario) sip() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://relay/api/chat", strings.NewReader(chat(60)))
	s.must(err)
	response, err := s.clients.Do(request)
	s.must(err)
	defer response.Body.Close()
	for piece := make([]byte, 200); err == nil; time.Sleep(5 * time.Second) {
		_, err = response.Body.Read(piece)
	}
	if !errors.Is(err, io.EOF) {
		s.Errorf("a client that reads slowly was cut: %v", err)
	}
}
