package probe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// ReadySpec says how the readiness probe asks, and what it takes for an answer.
type ReadySpec struct {
	Path   string
	Prompt string
	Model  string
	// Pattern must match the content; nil takes any content.
	Pattern *regexp.Regexp
	// Varied asks for some tokens instead of one, and demands two different
	// symbols in them: for a model whose answers had nothing in them. It means
	// nothing where an embedding is asked for.
	Varied bool
	// FirstChunk is when a chunk with content has to be there for a timely success.
	FirstChunk time.Duration
	// ListTimeout bounds the look at what is loaded, which comes first.
	ListTimeout time.Duration
	// Spare is why the model is not to be asked for a token: only what is loaded
	// is looked at then. Empty to ask.
	Spare string
	// Unlisted has the model asked even if the list of what is loaded lacks it. A
	// token proves it, whatever the list says: Ollama lists a runner by the name that
	// loaded it, and other names of the same weights are served by it. A model that
	// is not in memory is loaded by that.
	Unlisted bool
	// Runner says whether a model in memory has the runner of Model, by whatever name it
	// is there, and by which name that runner is asked: by another of the same weights it
	// might be replaced. Nil goes by Model's own name.
	Runner func(evidence.LoadedModel) (name string, its bool)
	// Options are the runner options that the model is known to be loaded with.
	// Others would make Ollama throw the loaded runner away (measured).
	Options func(evidence.LoadedModel) ollama.RunnerOptions
}

// WaitsForList is what an attempt waits for first. When that does not come, it
// is the server that is silent, not the model.
const WaitsForList = "the list of loaded models"

const (
	// patternTokens is how many tokens a pattern gets to match: one is seldom a word.
	patternTokens = 32
	// variedTokens is how many tokens a model gets to say two different symbols.
	variedTokens = 16
)

// Sighting is what the readiness probe learned before it asked for a token.
type Sighting struct {
	Loaded []evidence.LoadedModel
}

// Ready asks the loaded model for one token and parses the chunks of the
// answer. It sends nothing to a model that is not loaded, because that would
// load it, and leaving would abort the load; but see ReadySpec.Unlisted.
//
// It stays open until the answer is there or ctx ends: a chunk that comes late
// tells slow from dead. overdue is called when the first chunk's deadline has
// passed without an answer, and again if the attempt goes on to wait for
// something else; never after Ready has returned. Both functions are called by
// one goroutine at a time and must not block for long.
//
// The caller must call rest, which reads the answer's end and returns when it
// has come or ctx has ended. An Ollama whose client leaves between two chunks
// can lose the slot for ever: the goroutine that has the next chunk to deliver
// waits for a reader that is gone, and keeps the slot (0.9.6, ChatHandler's
// unbuffered channel; seen with a probe that left after its first chunk).
func Ready(ctx context.Context, client *ollama.Client, spec ReadySpec, sighted func(Sighting), overdue func(waitsFor string)) (result evidence.ProbeResult, rest func()) {
	attempt := &readiness{spec: spec, began: time.Now(), overdue: overdue, waitsFor: WaitsForList}
	return attempt.run(ctx, client, sighted), attempt.rest
}

func (r *readiness) run(ctx context.Context, client *ollama.Client, sighted func(Sighting)) evidence.ProbeResult {
	r.timer = time.AfterFunc(r.spec.FirstChunk, r.deadlinePassed)
	defer r.end()
	defer func() { _ = r.timer.Stop() }()
	loaded, result := r.look(ctx, client)
	if result != nil {
		return *result
	}
	sighted(Sighting{Loaded: loaded})
	m, found := r.spec.find(loaded)
	switch {
	case found:
		r.spec.Model = m.Name
	case !r.spec.Unlisted:
		notLoaded := r.result(evidence.Unknown, fmt.Sprintf("the model %q is not loaded", r.spec.Model))
		notLoaded.Answered, notLoaded.Unloaded = true, true
		return notLoaded
	}
	if r.spec.Spare != "" {
		return r.result(evidence.Unknown, r.spec.Spare)
	}
	options := r.options(m)
	r.nowWaitsFor("a first chunk")
	return r.ask(ctx, client, options)
}

// find is the model in memory that has the runner, by the name by which it is asked; else
// the model that is looked for, of which nothing is known.
func (s ReadySpec) find(loaded []evidence.LoadedModel) (m evidence.LoadedModel, found bool) {
	normal := ollama.NormalizeModel(s.Model)
	for _, m := range loaded {
		name, its := s.Model, m.Name == normal
		if s.Runner != nil {
			name, its = s.Runner(m)
		}
		if its {
			m.Name = name
			return m, true
		}
	}
	return evidence.LoadedModel{Name: normal}, false
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

// options stops the clock meanwhile: they are asked of the engine, and a slow
// engine is no slow model.
func (r *readiness) options(loaded evidence.LoadedModel) ollama.RunnerOptions {
	spent, pending := time.Since(r.began), r.timer.Stop()
	options := r.spec.Options(loaded)
	r.began = time.Now().Add(-spent)
	if pending {
		r.timer.Reset(r.spec.FirstChunk - spent)
	}
	return options
}

// maxErrorBody is how much of an error answer is read, in bytes.
const maxErrorBody = 16 << 10

func (r *readiness) ask(ctx context.Context, client *ollama.Client, options ollama.RunnerOptions) evidence.ProbeResult {
	resp, err := client.Stream(ctx, r.spec.Path, r.spec.body(options)) //nolint:bodyclose // rest closes it
	if err != nil {
		return r.failed(err, r.spec.FirstChunk)
	}
	r.body = resp.Body
	var result evidence.ProbeResult
	if resp.StatusCode == http.StatusOK {
		result = r.read(resp.Body)
	} else {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // the status alone is a verdict
		result = r.refusedWith(resp.StatusCode, ollama.ErrorText(body))
	}
	result.Answered = true
	return result
}

// tokens is how many the model is asked for.
func (s ReadySpec) tokens() int {
	switch {
	case s.Pattern != nil:
		return patternTokens
	case s.Varied:
		return variedTokens
	}
	return 1
}

func (s ReadySpec) body(options ollama.RunnerOptions) map[string]any {
	all := map[string]any{"num_predict": s.tokens()}
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
