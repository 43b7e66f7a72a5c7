package sidecar

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/sidecar/relay"
	"github.com/clawdbot/clawgate/sidecar/runners"
)

func TestTheServersSlotsAreReadAsTheServerReadsThem(t *testing.T) {
	for setting, want := range map[string]string{"4": `"slots":4`, `"4"`: `"slots":4`, "'4'": `"slots":4`, "": `"slots":1`, "many": `"slots":1`} {
		p := &instruments{relay: relay.New(relay.Config{}), processes: &processes{ledger: runners.NewLedger()}}
		p.adapt(map[string]string{"OLLAMA_NUM_PARALLEL": setting})
		answer := httptest.NewRecorder()
		p.relay.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/-/ready", nil))
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("OLLAMA_NUM_PARALLEL=%s: %s, want %s", setting, answer.Body, want)
		}
	}
}
