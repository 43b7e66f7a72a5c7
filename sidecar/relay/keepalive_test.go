package relay

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNobodyEndsTheMainModelsRunner(t *testing.T) {
	const rest = `"messages":[{"content":"x"}]`
	for name, c := range map[string]struct {
		model, more string
		keep        time.Duration
		cut         bool
	}{
		"its name":                  {model, `,"keep_alive":2`, -1, true},
		"a copy":                    {"gpt-4", `,"keep_alive":2`, -1, true},
		"a persona":                 {"persona", `,"Keep_Alive":"2m"`, -1, true},
		"a variant":                 {"tuned", `,"keep_alive":2`, -1, true},
		"for nothing":               {"persona", `,"keep_alive":0`, -1, true},
		"a number that overflows":   {"persona", `,"keep_alive":1e300`, -1, true},
		"shorter than it is kept":   {"persona", `,"keep_alive":"59m"`, time.Hour, true},
		"as long as it is kept":     {"persona", `,"keep_alive":"1h"`, time.Hour, false},
		"for ever":                  {"persona", `,"keep_alive":-1`, -1, false},
		"as it is":                  {"persona", ``, -1, false},
		"nothing":                   {"persona", `,"keep_alive":null`, -1, false},
		"another model":             {"other", `,"keep_alive":2`, -1, false},
		"one that is not listed":    {"nobodys", `,"keep_alive":2`, -1, false},
		"a server that keeps none":  {"persona", `,"keep_alive":2`, 0, false},
		"a body that is not held":   {"persona", `,"keep_alive":2,"images":["` + strings.Repeat("x", 1<<20) + `"]`, -1, false},
		"the last of two is longer": {"persona", `,"keep_alive":2,"keep_alive":-1`, -1, false},
	} {
		inWorld(t, func(config *Config) { config.Model, config.KeepAlive, config.MaxTokens = model, c.keep, 0 }, func(w *world) {
			w.know(family())
			body := `{"model":"` + c.model + `",` + rest + c.more + `}`
			if got := w.post("/api/chat", body); got.status != 200 {
				w.Errorf("%s: %d %s", name, got.status, got.body)
			}
			if c.cut {
				body = `{"model":"` + c.model + `",` + rest + `}`
			}
			if len(w.served) != 1 || w.served[0] != body {
				w.Errorf("%s: Ollama got %.200q", name, w.served)
			}
		})
	}
}

func TestAnUnloadIsNeverALoad(t *testing.T) {
	for _, body := range []string{`{"model":"persona","keep_alive":0}`, `{"model":"persona","keep_alive":"400ms"}`} {
		inWorld(t, func(c *Config) { c.Model, c.KeepAlive = model, -1 }, func(w *world) {
			w.know(family())
			w.post("/api/generate", body)
			if len(w.served) != 1 || w.served[0] != body {
				w.Errorf("%s: Ollama got %q", body, w.served)
			}
		})
	}
}

func TestACappedRequestEndsNoRunnerEither(t *testing.T) {
	inWorld(t, func(c *Config) { c.Model, c.KeepAlive, c.MaxTokens = model, -1, 100 }, func(w *world) {
		w.know(family())
		w.post("/api/generate", `{"keep_alive":2,"model":"persona","prompt":"x"}`)
		if want := `{"model":"persona","prompt":"x","options":{"num_predict":100}}`; !slices.Equal(w.served, []string{want}) {
			w.Errorf("Ollama got %q", w.served)
		}
	})
}
