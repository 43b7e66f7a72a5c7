package preflight

import (
	"slices"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestNamesThatLookRight(t *testing.T) {
	containers := []evidence.Container{
		{Name: "old-llm", Image: "ollama/ollama:0.9.6", Status: evidence.Exited},
		{Name: "llm", Image: "registry/ollama/ollama", Status: evidence.Running},
		{Name: "db", Image: "postgres:17", Status: evidence.Running},
		{Name: "Clawgate-Ollama", Image: "sha256:1234", Status: evidence.Running},
		{Name: "project-models-1", Image: "own", Status: evidence.Running},
	}
	if got := lookRight(containers, "models"); !slices.Equal(got, []string{"Clawgate-Ollama", "llm", "project-models-1", "old-llm"}) {
		t.Errorf("found %q", got)
	}
	if got := lookRight(nil, "models"); len(got) > 0 {
		t.Errorf("found %q of nothing", got)
	}
}
