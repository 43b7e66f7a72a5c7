package probe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/clawdbot/clawgate/sidecar/evidence"
	"github.com/clawdbot/clawgate/sidecar/ollama"
)

// ReadySpec says how the readiness probe asks, and what it takes for an answer.
type ReadySpec struct {
	Path   string
	Prompt string
	Model  string
	// Pattern must match the content; nil takes any content.
	Pattern *regexp.Regexp
	// FirstChunk is when a chunk with content has to be there for a timely success.
	FirstChunk time.Duration
	// ListTimeout bounds the look at what is loaded, which comes first.
	ListTimeout time.Duration
	// Spare is why the model is not to be asked for a token: only what is loaded
	// is looked at then. Empty to ask.
	Spare string
	// Options are the runner options that the model is known to be loaded with.
	// Others would make Ollama throw the loaded runner away (measured).
	Options func(evidence.LoadedModel) ollama.RunnerOptions
}

// WaitsForList is what an attempt waits for first. When that does not come, it
// is the server that is silent, not the model.
const WaitsForList = "the list of loaded models"

// patternTokens is how many tokens a pattern gets to match: one is seldom a word.
const patternTokens = 32

// Sighting is what the readiness probe learned before it asked for a token.
type Sighting struct {
	Loaded []evidence.LoadedModel
}

// Ready asks the loaded model for one token and parses the chunks of the
// answer. It sends nothing to a model that is not loaded, because that would
// load it, and leaving would abort the load.
//
// It stays open until the answer is there or ctx ends: a chunk that comes late
// tells slow from dead. overdue is called when the first chunk's deadline has
// passed without an answer, and again if the attempt goes on to wait for
// something else; never after Ready has returned. Both functions are called by
// one goroutine at a time and must not block for long.
func Ready(ctx context.Context, client *ollama.Client, spec ReadySpec, sighted func(Sighting), overdue func(waitsFor string)) evidence.ProbeResult {
	attempt := &readiness{spec: spec, began: time.Now(), overdue: overdue, waitsFor: WaitsForList}
	timer := time.AfterFunc(spec.FirstChunk, attempt.deadlinePassed)
	defer attempt.end()
	defer timer.Stop()
	loaded, result := attempt.look(ctx, client)
	if result != nil {
		return *result
	}
	sighted(Sighting{Loaded: loaded})
	for _, m := range loaded {
		if m.Name == ollama.NormalizeModel(spec.Model) {
			if spec.Spare != "" {
				return attempt.result(evidence.Unknown, spec.Spare)
			}
			attempt.nowWaitsFor("a first chunk")
			return attempt.ask(ctx, client, m)
		}
	}
	notLoaded := attempt.result(evidence.Unknown, fmt.Sprintf("the model %q is not loaded", spec.Model))
	notLoaded.Answered, notLoaded.Unloaded = true, true
	return notLoaded
}

func (r *readiness) look(ctx context.Context, client *ollama.Client) ([]evidence.LoadedModel, *evidence.ProbeResult) {
	limited, cancel := context.WithTimeout(ctx, r.spec.ListTimeout)
	defer cancel()
	loaded, err := client.Running(limited)
	if err == nil {
		return loaded, nil
	}
	result := r.failed(err, r.spec.ListTimeout)
	result.Server, result.Answered = true, ollama.IsAnswer(err)
	return nil, &result
}

func (r *readiness) ask(ctx context.Context, client *ollama.Client, loaded evidence.LoadedModel) evidence.ProbeResult {
	resp, err := client.Stream(ctx, r.spec.Path, r.spec.body(r.spec.Options(loaded)))
	if err != nil {
		return r.failed(err, r.spec.FirstChunk)
	}
	defer resp.Body.Close()
	var result evidence.ProbeResult
	if resp.StatusCode == http.StatusOK {
		result = r.read(resp.Body)
	} else {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // the status alone is a verdict
		result = r.refusedWith(resp.StatusCode, ollama.ErrorText(body))
	}
	result.Answered = true
	return result
}

func (s ReadySpec) body(options ollama.RunnerOptions) map[string]any {
	all := map[string]any{"num_predict": 1}
	if s.Pattern != nil {
		all["num_predict"] = patternTokens
	}
	for name, value := range options {
		all[name] = value
	}
	body := map[string]any{"model": s.Model, "stream": true, "options": all}
	switch s.Path {
	case "/api/generate":
		body["prompt"], body["think"] = s.Prompt, false
	case "/api/embed":
		body["input"] = s.Prompt
	default:
		body["messages"] = []map[string]string{{"role": "user", "content": s.Prompt}}
		body["think"] = false // 0.9.6 and 0.17.4 take false from every model
	}
	return body
}
