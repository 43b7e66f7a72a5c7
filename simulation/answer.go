package simulation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// chunk is a part of an answer, or all of it.
type chunk struct {
	at       time.Time // by the clock on the wall
	model    string
	text     string
	thinking string
	reason   string // why the answer is complete; empty while it is not
	finished *totals
}

// totals are what Ollama counts of a complete answer.
type totals struct {
	began, loaded, first time.Time
	promptTokens, tokens int
}

// shape puts a chunk into the form of one API.
type shape func(chunk) any

func (s *server) chat(out *reply, r *http.Request, asked *request) {
	s.complete(out, r, asked, len(asked.Messages) == 0, delivery{part: chatShape, whole: chatShape, verb: "chat"})
}

func (s *server) generate(out *reply, r *http.Request, asked *request) {
	if s.world.local(asked.model()) == nil {
		out.missing(asked)
		return
	}
	s.complete(out, r, asked, asked.Prompt == "", delivery{part: generateShape, whole: generateShape, verb: "generate"})
}

// delivery says how an answer reaches the client.
type delivery struct {
	part, whole shape
	events      bool   // server-sent events instead of lines
	verb        string // what Ollama calls it
}

// complete serves every call that generates. One that has nothing to generate
// from loads the model, or unloads it with a keep_alive of 0.
func (s *server) complete(out *reply, r *http.Request, asked *request, empty bool, to delivery) {
	began := time.Now()
	if s.list.pass(r.Context()) != nil {
		return
	}
	m := s.world.local(asked.model())
	switch {
	case m == nil:
		out.unknown(asked)
		return
	case asked.Think != nil && *asked.Think && !m.Thinking && !m.Embeds:
		out.error(http.StatusBadRequest, "registry.ollama.ai/library/"+m.Name+
			" does not support thinking. Pull the model again to get the latest version with full thinking support")
		return
	case empty && asked.KeepAlive != nil && *asked.KeepAlive < keepAlive(time.Second):
		if runner := s.runnerOf(m); runner != nil {
			s.evict(runner)
		}
		out.json(http.StatusOK, s.shaped(to.whole, chunk{model: asked.model(), reason: "unload"}))
		return
	case !s.speaks(m):
		out.error(http.StatusBadRequest, fmt.Sprintf("%q does not support %s", asked.model(), to.verb))
		return
	}
	ctx, done := context.WithCancel(r.Context())
	defer done() // ends the hold on the runner
	runner, err := s.runnerFor(ctx, m, asked)
	if err != nil {
		out.failed(asked, err)
		return
	}
	if empty {
		out.json(http.StatusOK, s.shaped(to.whole, chunk{model: asked.model(), reason: "load"}))
		return
	}
	a := &answer{out: out, asked: asked, to: to, began: began, loaded: time.Now(), words: s.world.words()}
	a.give(ctx, runner)
}

// unknown answers a request for a model that is not on the disk, where it was to
// be loaded.
func (r *reply) unknown(asked *request) {
	r.error(http.StatusNotFound, fmt.Sprintf("model %q not found, try pulling it first", asked.model()))
}

// missing does so where the model was looked up before.
func (r *reply) missing(asked *request) {
	r.error(http.StatusNotFound, fmt.Sprintf("model '%s' not found", asked.model()))
}

// speaks says that the server takes the model for one that generates.
func (s *server) speaks(m *model) bool {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.world.speaks(m)
}

func (s *server) runnerFor(ctx context.Context, m *model, asked *request) (*runner, error) {
	s.world.mu.Lock()
	options := m.options(asked, s.world.release)
	s.world.mu.Unlock()
	return s.acquire(ctx, m, options, asked.KeepAlive.duration())
}

// failed answers a request that got no runner.
func (r *reply) failed(asked *request, err error) {
	r.moving()
	switch {
	case errors.Is(err, errGone):
		r.unknown(asked)
	case errors.Is(err, errBusy):
		r.error(http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, context.Canceled):
		r.error(499, "request canceled") // the client is gone; the status is for the log
	default:
		r.error(http.StatusInternalServerError, err.Error())
	}
}

// answer is one answer while it is made.
type answer struct {
	out                 *reply
	asked               *request
	to                  delivery
	began, loaded, made time.Time
	words               *rand.Rand
	hollow              *hollow // what is wrong with it, or nil
	text, thought       strings.Builder
}

func (a *answer) streams() bool {
	if a.asked.Stream == nil {
		return !a.out.openAI
	}
	return *a.asked.Stream
}

func (a *answer) give(ctx context.Context, r *runner) {
	n := a.length(r)
	prompt := a.asked.text()
	err := r.generate(ctx, prompt, n, func(token int) error {
		if token == 0 {
			a.made = time.Now()
		}
		return a.token(token, n)
	})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.fail(err)
		return
	}
	reason := "stop"
	if a.hollow.silent() {
		n = 0
	} else if n != r.model.Tokens {
		reason = "length"
	}
	a.finish(chunk{model: a.asked.model(), reason: reason, finished: &totals{
		began: a.began, loaded: a.loaded, first: a.made, promptTokens: tokensOf(prompt), tokens: n,
	}})
}

// length is how many tokens the answer has. One that is to say nothing still has
// its prompt read.
func (a *answer) length(r *runner) int {
	flaws := r.flaws()
	a.hollow = flaws.hollow
	switch limit := a.asked.limit(); {
	case a.hollow.silent():
		return 1
	case limit > 0:
		return limit
	case flaws.endless:
		return math.MaxInt
	}
	return r.model.Tokens
}

// token adds one word to the answer; a model that was asked to think does so in
// the first half.
func (a *answer) token(token, n int) error {
	word := vocabulary[a.words.IntN(len(vocabulary))] + " "
	switch {
	case a.hollow.silent():
		return nil
	case a.hollow != nil:
		word = a.hollow.text
	}
	part := chunk{model: a.asked.model(), text: word}
	if a.asked.Think != nil && *a.asked.Think && token < n/2 {
		part.text, part.thinking = "", word
	}
	if a.streams() {
		return a.send(part)
	}
	a.text.WriteString(part.text)
	a.thought.WriteString(part.thinking)
	return nil
}

func (a *answer) send(part chunk) error {
	shaped := a.out.server.shaped(a.to.part, part)
	if a.to.events {
		return a.out.event(encode(shaped))
	}
	return a.out.line(shaped)
}

func (a *answer) finish(last chunk) {
	if !a.streams() {
		last.text, last.thinking = a.text.String(), a.thought.String()
		a.out.json(http.StatusOK, a.out.server.shaped(a.to.whole, last))
		return
	}
	if a.send(last) == nil && a.to.events {
		_ = a.out.event([]byte("[DONE]"))
	}
}

// fail ends the answer with the runner's error. A stream has its status 200
// already, or gets it now; OpenAI's form of it has no place for the error and
// ends after a chunk that is empty, its model too, without "[DONE]".
func (a *answer) fail(err error) {
	switch {
	case !a.streams():
		a.out.error(http.StatusInternalServerError, err.Error())
	case a.to.events:
		_ = a.send(chunk{})
	default:
		_ = a.out.line(map[string]any{"error": err.Error()})
	}
}

// words is the source of the next answer's words: the same for the same seed
// and the same order of requests.
func (w *World) words() *rand.Rand {
	w.mu.Lock()
	defer w.mu.Unlock()
	return rand.New(rand.NewPCG(w.config.Seed, w.random.Uint64())) //nolint:gosec // repeatable on purpose
}

var vocabulary = strings.Fields("the a model answers token by token while water finds its way down an old stone stair and nobody counts")
