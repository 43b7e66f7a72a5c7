package dockerctl

import (
	"net/http"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestNeighboursAreListedByTheirNames(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/json", http.StatusOK,
		`[{"Names":["/llm","/app/llm"],"Image":"ollama/ollama:latest","State":"running"},{"Names":["/db"],"Image":"postgres:17","State":"exited"}]`)
	found, err := fake.serve(t).Neighbours(t.Context())
	if err != nil || len(found) != 2 {
		t.Fatalf("found %+v (%v), want two", found, err)
	}
	if llm := found[0]; llm.Name != "llm" || llm.Image != "ollama/ollama:latest" || llm.Status != evidence.Running {
		t.Errorf("the first is %+v", llm)
	}
	if found[1].Status != evidence.Exited {
		t.Errorf("the second is %+v, want it exited", found[1])
	}

	fake.answerJSON("GET /containers/json", http.StatusForbidden, "<html><body><h1>403 Forbidden</h1></body></html>") // as the guard does
	if _, err := fake.serve(t).Neighbours(t.Context()); err == nil {
		t.Error("a refused call gives no error")
	}
}
