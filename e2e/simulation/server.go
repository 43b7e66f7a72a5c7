//go:build e2e

package simulation

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
	"github.com/clawdbot/clawgate/simulation"
)

// limits are what both servers are started with.
const (
	slots    = 1
	maxQueue = 2
)

// server is an Ollama with a model, and the hand that breaks it. Its methods may
// be called from the test's own goroutine only.
type server interface {
	url() string
	runners(t *testing.T) []int      // process numbers of those that hold a model
	used(t *testing.T) time.Duration // CPU time of the one runner, or of all that there is
	freezeRunner(t *testing.T)
	thawRunner(t *testing.T)
	killRunner(t *testing.T)
	freezeServer(t *testing.T)
	thawServer(t *testing.T)
	crash(t *testing.T) // and comes back by itself
	damage(t *testing.T, model string, what simulation.Damage)
	breakAdapter(t *testing.T, model string)
	mend(t *testing.T, model string)
}

// genuine is a real Ollama in a container.
type genuine struct{ parts.Ollama }

func startGenuine(t *testing.T) server {
	t.Helper()
	o := parts.StartOllama(t, parts.OllamaConfig{Env: map[string]string{
		"OLLAMA_NUM_PARALLEL": strconv.Itoa(slots), "OLLAMA_MAX_QUEUE": strconv.Itoa(maxQueue),
	}})
	parameters := tinymodel.Parameters()
	parameters["num_thread"] = 1     // threads that wait for each other's turn take most of a busy machine
	parameters["temperature"] = 50.0 // see hot
	// Heavy enough that a prompt keeps it busy for a while.
	o.CreateModelWith(t, model, tinymodel.Config{Embedding: 256, Layers: 4}, map[string]any{"parameters": parameters})
	return genuine{o}
}

func (g genuine) url() string                     { return g.URL }
func (g genuine) runners(t *testing.T) []int      { return g.RunnerPIDs(t) }
func (g genuine) used(t *testing.T) time.Duration { return g.Runner(t).CPUTime(t) }
func (g genuine) freezeRunner(t *testing.T)       { g.Runner(t).Freeze(t) }
func (g genuine) thawRunner(t *testing.T)         { g.Runner(t).Thaw(t) }
func (g genuine) killRunner(t *testing.T)         { g.Runner(t).Kill(t) }
func (g genuine) freezeServer(t *testing.T)       { g.Server(t).Freeze(t) }
func (g genuine) thawServer(t *testing.T)         { g.Server(t).Thaw(t) }
func (g genuine) crash(t *testing.T)              { g.Server(t).Kill(t) }

// simulated is a world on a real socket.
type simulated struct {
	*simulation.World
	address string
}

func startSimulated(t *testing.T) server {
	t.Helper()
	return simulate(t, simulation.Config{Models: []simulation.Model{brisk(model)}})
}

// brisk is a model that is about as fast as the real one here.
func brisk(name string) simulation.Model {
	return simulation.Model{
		Name: name, LoadTakes: 200 * time.Millisecond, FirstChunk: 20 * time.Millisecond, TokenInterval: 2 * time.Millisecond, PromptRate: 500,
	}
}

func simulate(t *testing.T, config simulation.Config) server {
	t.Helper()
	config.Parallel, config.MaxQueue = slots, maxQueue
	world := simulation.New(config)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 2)
	go func() { ended <- world.Run(ctx) }()
	go func() { ended <- world.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return simulated{world, listener.Addr().String()}
}

func (s simulated) url() string { return "http://" + s.address }

func (s simulated) runners(t *testing.T) (pids []int) {
	t.Helper()
	processes, err := s.Processes(t.Context())
	must(t, err)
	for _, p := range processes {
		if strings.Contains(p.Command, " --model ") {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

func (s simulated) used(t *testing.T) time.Duration {
	t.Helper()
	activity, err := s.Activity(t.Context())
	must(t, err)
	return activity.CPU
}

func (s simulated) freezeRunner(t *testing.T) { t.Helper(); must(t, s.FreezeRunner()) }
func (s simulated) thawRunner(t *testing.T)   { t.Helper(); must(t, s.ThawRunner()) }
func (s simulated) killRunner(t *testing.T)   { t.Helper(); must(t, s.KillRunner()) }
func (s simulated) freezeServer(t *testing.T) { t.Helper(); must(t, s.FreezeServer()) }
func (s simulated) thawServer(t *testing.T)   { t.Helper(); must(t, s.ThawServer()) }
func (s simulated) crash(t *testing.T)        { t.Helper(); must(t, s.Crash()) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
