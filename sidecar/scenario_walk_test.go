package sidecar_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/simulation"
)

const (
	walkTakes = 90 * time.Minute
	// excused is for how long after a fault a remedy for it may come.
	excused = 45 * time.Second
	// noticed is how long a dead model may be presented as alive.
	noticed = 3 * time.Minute
)

// walk is a scenario of random faults, acts of people and decoys. It knows what
// is really broken, and holds every remedy and every claim against that.
type walk struct {
	*scenario
	random *rand.Rand

	mu      sync.Mutex
	frozen  []int             // process numbers of runners that were frozen
	weights string            // of the main model, on its runner's command line
	stuck   evidence.Identity // the run whose server is frozen
	fault   time.Time         // the last moment at which something was broken
	byHand  time.Time         // since when a person keeps the container down; zero while nobody does
	stopped []time.Time       // when the sidecar stopped the container
	deadFor time.Duration     // how long the model has been dead and called ready
}

// TestRandomWalk plays hours of random trouble. CLAWGATE_WALK_SEED plays another
// walk than the usual ones.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, 2, 3}
	if text := os.Getenv("CLAWGATE_WALK_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal("CLAWGATE_WALK_SEED is a whole number: ", err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			var record bytes.Buffer
			play(t, setup{
				record: &record,
				world: simulation.Config{Parallel: 2, Seed: seed, Models: []simulation.Model{
					{Name: model, LoadTakes: 20 * time.Second, TokenInterval: 50 * time.Millisecond}, {Name: other, LoadTakes: 5 * time.Second},
				}},
				env: []string{"CLAWGATE_LOAD_TIMEOUT=2m", "CLAWGATE_DRAIN_TIMEOUT=2m"},
			}, func(s *scenario) {
				w := &walk{scenario: s, random: rand.New(rand.NewPCG(seed, 2))}
				w.engine.judge = w.judgeRemedy
				w.roam()
			})
			decidedAgain(t, &record)
		})
	}
}

func (w *walk) roam() {
	w.learnWeights()
	endTruth := w.every(5*time.Second, w.judgeClaims)
	endClients := w.every(9*time.Second, w.client)
	for began := time.Now(); time.Since(began) < walkTakes; {
		w.pause(5*time.Second, 8*time.Minute)
		w.trouble()
	}
	w.mend()
	time.Sleep(10 * time.Minute)
	if state := w.log.state(); state != policy.Ready {
		w.Errorf("after everything was mended it is %s: %s", state, w.verdict().Sentence)
	}
	endClients()
	endTruth()
	w.chat(3).complete()
}

// pick is a whole number below n. The main goroutine and the client share it.
func (w *walk) pick(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

func (w *walk) pause(least, most time.Duration) {
	time.Sleep(least + time.Duration(w.pick(int(most-least))))
}

// trouble is one random thing that happens. Errors of the acts are no matter:
// what they wanted to break may be broken already.
func (w *walk) trouble() {
	ctx := w.Context()
	kinds := []struct {
		name string
		act  func()
	}{
		{"the runners freeze", w.freezeRunners},
		{"the runners freeze, and go on", func() { w.freezeRunners(); w.pause(time.Second, time.Minute); w.thaw() }},
		{"the server freezes", w.freezeServer},
		{"the server freezes, and goes on", func() { w.freezeServer(); w.pause(time.Second, time.Minute); w.thaw() }},
		{"a runner dies", func() { w.broke(); _ = w.KillRunner() }},
		{"the server crashes", func() { w.broke(); _ = w.Crash() }},
		{"a person stops the container", func() { w.hands(w.OperatorStop(ctx), 20*time.Minute); _ = w.OperatorStart(ctx); w.undone() }},
		{"a person pauses the container", func() { w.hands(w.OperatorPause(ctx), 10*time.Minute); _ = w.OperatorUnpause(ctx); w.undone() }},
		{"a person makes the container anew", func() { w.broke(); _ = w.OperatorRecreate(ctx) }},
		{"the engine is away", func() { w.EngineAway(true); w.pause(time.Second, 10*time.Minute); w.EngineAway(false) }},
		{"the machine crawls", func() { w.Slow(30); w.pause(time.Minute, 15*time.Minute); w.Slow(1) }},
		{"a stranger asks for a long answer", func() { go func() { _ = w.Bypass(ctx, model, 6_000) }() }},
		{"Clawgate is restarted", func() { w.stop(); w.start() }},
	}
	kind := kinds[w.pick(len(kinds))]
	w.log.remark(kind.name)
	kind.act()
}

func (w *walk) broke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = time.Now()
}

// learnWeights tells the main model's runner from others by its weights.
func (w *walk) learnWeights() {
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, httptest.NewRequestWithContext(w.Context(), http.MethodPost, "/api/show", strings.NewReader(`{"model":"`+model+`"}`)))
	_, after, _ := strings.Cut(answer.Body.String(), "sha256-")
	w.weights = after[:64]
}

func (w *walk) freezeRunners() {
	if w.FreezeRunner() != nil {
		return
	}
	processes, _ := w.Processes(w.Context())
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range processes[min(1, len(processes)):] {
		w.frozen = append(w.frozen, p.PID)
	}
}

func (w *walk) freezeServer() {
	container, err := w.Inspect(w.Context())
	if w.FreezeServer() != nil || err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck = container.Identity
}

func (w *walk) thaw() {
	w.broke()
	_, _ = w.ThawRunner(), w.ThawServer()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen, w.stuck = nil, evidence.Identity{}
}

// hands is a person's act that keeps the container down for a while.
func (w *walk) hands(err error, most time.Duration) {
	if err != nil {
		return
	}
	w.mu.Lock()
	w.byHand = time.Now()
	w.mu.Unlock()
	w.pause(time.Second, most)
}

func (w *walk) undone() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byHand = time.Time{}
}

// mend undoes whatever may still be broken.
func (w *walk) mend() {
	w.log.remark("everything is mended")
	w.EngineAway(false)
	w.Slow(1)
	_ = w.OperatorUnpause(w.Context())
	w.thaw()
	if container := w.inspect(); container.Status == evidence.Exited {
		_ = w.OperatorStart(w.Context())
	}
}

// broken says what is wrong with the server now, and whether that leaves the
// main model unable to answer; empty when nothing is wrong.
func (w *walk) broken() (what string, dead bool) {
	container, err := w.World.Inspect(w.Context())
	if err != nil {
		return "", false // the engine is away: what there is cannot be seen, here neither
	}
	processes, _ := w.Processes(w.Context())
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case container.Status != evidence.Running:
		return "the container is " + string(container.Status), true
	case container.Identity == w.stuck:
		return "the server is frozen", true
	}
	for _, p := range processes {
		if slices.Contains(w.frozen, p.PID) {
			what, dead = "a runner is frozen", dead || strings.Contains(p.Command, w.weights)
		}
	}
	return what, dead
}

// judgeRemedy holds a remedy against what is really broken.
func (w *walk) judgeRemedy(act string) {
	broken, _ := w.broken()
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if (broken == "" || !w.byHand.IsZero()) && now.Sub(w.fault) > excused {
		w.Errorf("after %s: %s, although nothing has been broken for %s", now.Sub(w.log.began), act, now.Sub(w.fault))
	}
	finishing := len(w.stopped) > 0 && now.Sub(w.stopped[len(w.stopped)-1]) < 2*time.Minute
	if !w.byHand.IsZero() && now.Sub(w.byHand) > time.Second && !finishing {
		w.Errorf("after %s: %s, although a person keeps the container down", now.Sub(w.log.began), act)
	}
	if act != "stop" {
		return
	}
	w.stopped = append(w.stopped, now)
	if n := len(w.stopped); n > 3 && now.Sub(w.stopped[n-4]) < time.Hour {
		w.Errorf("after %s: four restarts within %s, the budget is three an hour", now.Sub(w.log.began), now.Sub(w.stopped[n-4]))
	}
}

// judgeClaims holds what the sidecar says against what is really broken.
func (w *walk) judgeClaims() {
	broken, dead := w.broken()
	status := w.status()
	if status.Verdict.Sentence == "" {
		w.Errorf("the verdict %s has no sentence", status.Verdict.Name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !dead || !status.Gate.Open || len(status.Gate.ModelsClosed) > 0 {
		w.deadFor = 0
	} else if w.deadFor += 5 * time.Second; w.deadFor == noticed {
		w.Errorf("after %s: %s for %s, and the gate is open", time.Since(w.log.began), broken, w.deadFor)
	}
	if broken != "" && w.byHand.IsZero() {
		w.fault = time.Now()
	}
}

// client sends one random request, and looks at its fate in the background.
func (w *walk) client() {
	kind, tokens := w.pick(6), 1+w.pick(400)
	switch kind {
	case 0:
		w.fate(w.post("/api/generate", generate(other, tokens)))
	case 1:
		w.fate(w.chat(tokens, `,"stream":false`))
	case 2:
		w.fate(w.post("/api/chat", chat(tokens), "Prefer", "wait=60"))
	case 3:
		w.fate(w.chat(tokens))
	}
}

// fate checks that no answer looks complete that is not.
func (w *walk) fate(c *call) {
	go func() {
		c.wait()
		if c.status == http.StatusOK && c.err == nil && !strings.Contains(c.body, `"done":true`) && !strings.Contains(c.body, `"error"`) {
			w.Errorf("an answer looks complete: %s", c)
		}
	}()
}
