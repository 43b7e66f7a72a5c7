//go:build e2e

package recovery

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

// crowd is a closed-loop load: each client asks again as soon as it was answered.
type crowd struct {
	stop    context.CancelFunc
	done    sync.WaitGroup
	mu      sync.Mutex
	answers []parts.Answer
	refused []string // no response at all
}

// gather begins the load, which ends with the test at the latest. The clients
// begin no new question after stop and finish those that they have.
func gather(t *testing.T, chat parts.Chat, clients int) *crowd {
	t.Helper()
	going, stop := context.WithCancel(t.Context())
	c := &crowd{stop: stop}
	ctx := t.Context()
	for range clients {
		c.done.Go(func() {
			for going.Err() == nil {
				c.ask(ctx, chat)
			}
		})
	}
	t.Cleanup(c.end)
	return c
}

func (c *crowd) ask(ctx context.Context, chat parts.Chat) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	answer, err := chat.Do(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.refused = append(c.refused, err.Error())
		return
	}
	c.answers = append(c.answers, answer)
}

func (c *crowd) end() {
	c.stop()
	c.done.Wait()
}

func (c *crowd) answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.answers)
}

// check holds the promise: whoever had no byte yet has a whole answer, and
// whoever's answer was cut was told.
func (c *crowd) check(t *testing.T) (whole, cut int) {
	t.Helper()
	for _, problem := range c.refused {
		t.Errorf("a client was not answered at all: %s", problem)
	}
	for _, answer := range c.answers {
		switch {
		case answer.Complete():
			whole++
		case answer.Chunks > 0 && answer.ErrorLine != "" && !answer.Clean:
			cut++
		default:
			t.Errorf("a request that had not received a byte failed, or one was cut without a word: %s\n%s", answer, answer.Body)
		}
	}
	t.Logf("%d whole answers, %d cut", whole, cut)
	return whole, cut
}

// shared starts a project whose model takes one core at most: a crowd and two
// servers share what the machine has, and threads that wait for each other's
// turn take most of it.
func shared(t *testing.T, further map[string]string) *stand {
	t.Helper()
	s := bare(t, further)
	s.awaitAdmin(t)
	s.server.AwaitUp(t)
	parameters := tinymodel.Parameters()
	parameters["num_thread"] = 1
	s.server.CreateModelWith(t, parts.Model, tinymodel.Config{}, map[string]any{"parameters": parameters})
	s.awaitState(t, "ready", time.Minute)
	return s
}

// twoSidecars starts a project whose gateway also knows the sidecar of another.
func twoSidecars(t *testing.T) (first, second *stand) {
	t.Helper()
	second = shared(t, nil)
	first = shared(t, map[string]string{"CLAWGATE_GATEWAY_SIDECARS": "http://sidecar:18789,http://second:18789"})
	second.Sidecar.Join(t, first.Name+"_relay", "second")
	parts.Await(t, 30*time.Second, "the gateway to know both", func() bool {
		_, metrics, err := get(t.Context(), first.DoorAdmin(t)+"/metrics")
		return err == nil && strings.Count(string(metrics), "\nclawgate_gateway_sidecar_up{") == 2 &&
			!strings.Contains(string(metrics), "18789\"} 0")
	})
	return first, second
}

func TestAFrozenOllamaIsNotSeenThroughADoorWithTwoSidecars(t *testing.T) {
	first, second := twoSidecars(t)
	load := gather(t, parts.Chat{URL: first.door, Model: parts.Model, Tokens: 5}, 8)
	parts.Await(t, time.Minute, "some answers", func() bool { return load.answered() > 20 })

	runner := second.Ollama.Runner(t)
	runner.Freeze(t)
	// If no answer was under way just then, Ollama finds out and replaces the runner
	// itself (10 s); else it is isolated and unloaded. Either way it has to go.
	parts.Await(t, time.Minute, "the frozen runner to be gone", func() bool { return !runner.Alive() })
	t.Logf("remedies: %v", second.remedies(t))
	second.awaitState(t, "ready", time.Minute)
	after := load.answered()
	parts.Await(t, time.Minute, "answers after the recovery", func() bool { return load.answered() > after+20 })
	load.end()
	if whole, _ := load.check(t); whole == 0 {
		t.Error("nobody was answered")
	}
	if first.remedies(t) != 0 {
		t.Error("the sidecar that worked was healed, too")
	}
}

func TestTheRelayRestartsAndTheDoorStays(t *testing.T) {
	s := shared(t, nil)
	load := gather(t, parts.Chat{URL: s.door, Model: parts.Model, Tokens: 5}, 8)
	parts.Await(t, time.Minute, "some answers", func() bool { return load.answered() > 20 })
	refused := connections(t, s.door)

	for range 2 {
		s.Sidecar.Server(t).Kill(t) // as a crash would; the engine starts it again
		before := load.answered()
		parts.Await(t, time.Minute, "answers through the relay that came back", func() bool { return load.answered() > before+20 })
	}
	load.end()
	load.check(t)
	if n := refused(); n != 0 {
		t.Errorf("%d connections to the gateway were refused", n)
	}
}

// connections opens a connection to the door every few milliseconds, and tells
// at the end how many were refused.
func connections(t *testing.T, door string) (refused func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	count, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			connection, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", strings.TrimPrefix(door, "http://"))
			if err == nil {
				_ = connection.Close()
			} else if ctx.Err() == nil {
				count++
			}
		}
	}()
	return func() int { cancel(); <-done; return count }
}
