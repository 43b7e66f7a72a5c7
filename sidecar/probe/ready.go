package probe

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// ReadySpec says how the readiness probe asks, and what it takes for an answer.
type ReadySpec struct {
	// Path is where the model is asked; empty for what it can, as far as Abilities tell.
	// Then a model that refuses one question is asked another one.
	Path      string
	Abilities ollama.Abilities
	// Learned takes what an answer has shown the model to be able to, after it refused a
	// question; the zero value when it has refused all, so that nothing is known of it.
	// It is called by the goroutine that called Ready, before that returns; nil for nobody.
	Learned func(ollama.Abilities)

	Prompt string // of every question
	Model  string
	// Pattern must match the content; nil takes any content. It means nothing where an
	// embedding is asked for.
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

// Ready asks the loaded model for one token, or one embedding, and reads the
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
	if r.spec.Path != "" {
		return r.ask(ctx, client, r.spec.Path, options)
	}
	return r.askWhatItCan(ctx, client, options)
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
