// Package simulation is an Ollama server, the container around it and a GPU,
// which break on command. It serves the demo, the tests and the soak.
//
// Its Ollama behaves as the real one was measured and read to behave (0.9.6,
// its scheduler above all): loads that end with the request that wanted them,
// one pending loop that a frozen runner holds up, an unload that does nothing
// while a request is in flight. Later releases differ by Config.Version. Its
// container follows Docker's restart policy. The counters, processes, logs and GPU
// memory that it reports agree with what it is doing.
//
// Its models are told apart as Ollama tells them: a runner for each file of weights,
// whatever names there are for it, and whatever becomes of a name.
//
// Each fault has a switch, named after the list of faults by its F number: what
// shows, what goes on looking healthy, and what ends it are those of the real one.
// The same switches make the decoys, which look like faults and are none.
//
// It knows nothing of the sidecar, and makes no model answer sensibly. Its host is
// one container, one GPU, one engine and a clock on the wall (see [World.Now]).
//
// Everything runs on plain time and net connections, so that a [World] works in
// a testing/synctest bubble (see [World.Dial]) and on real sockets (see
// [World.Serve]). Its actors are offset by microseconds of their own: timers of
// one virtual instant would run in any order.
package simulation

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Config describes a world. The zero value of a field takes its default.
type Config struct {
	Container string // its name; clawgate-ollama
	Version   string // of Ollama; 0.9.6
	Models    []Model

	Parallel  int           // slots of each model; 1
	MaxLoaded int           // models loaded at once; 3
	MaxQueue  int           // requests that wait to be placed; 512
	KeepAlive time.Duration // 5 min; negative is for ever, and a nanosecond none at all

	// GPUBytes is the memory of the simulated GPU; 0 means a CPU host.
	GPUBytes uint64

	StartTakes time.Duration // from the process's start until it listens; 300 ms
	StopTakes  time.Duration // from SIGTERM until the process is gone; 300 ms

	Seed uint64
}

// Model is one model in the world. The zero value of a field takes its default.
type Model struct {
	Name          string
	Weights       string        // the name of the model whose weights it has; its own
	Bytes         int64         // on disk and in memory; 1 GiB
	LoadTakes     time.Duration // 2 s
	FirstChunk    time.Duration // from a free slot to the first token; 100 ms
	TokenInterval time.Duration // 20 ms
	// PromptRate is how many prompt tokens are evaluated a second, on top of
	// FirstChunk; 0 means at once.
	PromptRate float64
	Tokens     int  // length of an answer without num_predict; 32
	Thinking   bool // it has the thinking ability
	Embeds     bool // it gives vectors, and cannot speak
	// System and Parameters are a persona's own; of the parameters, those that are a
	// runner's decide which runner serves it.
	System     string
	Parameters map[string]any
	// Adapter is the name of an adapter that is put on the weights; empty for none.
	Adapter string
	// Missing models are in the registry but not on the disk.
	Missing   bool
	PullTakes time.Duration // 10 s
}

// World is the simulated server, container and GPU. Nothing happens before
// [World.Run]. All methods are safe for concurrent use.
type World struct {
	config  Config
	release release
	writes  chan struct{} // the engine changes one thing at a time

	mu          sync.Mutex
	ctx         context.Context // Run's; nil before
	closed      bool
	tasks       sync.WaitGroup // added to only under mu while not closed
	random      *rand.Rand
	staggered   int
	lastPID     int
	slow        float64
	jump        time.Duration // of the clock on the wall
	models      []*model
	flaws       map[string]flaws // by the digest of the weights
	badAdapters map[string]bool  // by the digest of the adapter
	container   container
	address     address
	server      *server // the running process; nil while there is none
	changed     chan struct{}
	meter       meter
	gpu         device
	engine      engine
	engineAway  bool
	subscribers map[*subscriber]bool
	log         []string

	overloaded, lingering, diskFull, psCrashes bool
	silence                                    time.Duration // of a server that was started

	loads  *gate // closed while loads stand still
	driver *gate // closed while the driver holds on to its processes
}

// New makes a world at rest. It panics when two models have the same name.
func New(config Config) *World {
	config = withDefaults(config)
	w := &World{
		config:      config,
		release:     parseRelease(config.Version),
		writes:      make(chan struct{}, 1),
		random:      rand.New(rand.NewPCG(config.Seed, 1)), //nolint:gosec // repeatable on purpose
		lastPID:     4000,
		slow:        1,
		changed:     make(chan struct{}),
		subscribers: map[*subscriber]bool{},
		flaws:       map[string]flaws{},
		badAdapters: map[string]bool{},
		address:     address{last: 2},
		gpu:         device{watchers: map[*xidWatcher]bool{}},
		loads:       newGate(),
		driver:      newGate(),
	}
	for _, m := range config.Models {
		if w.find(m.Name) != nil {
			panic("simulation: two models are called " + m.Name)
		}
		w.models = append(w.models, newModel(m, w.now()))
	}
	w.container = w.newContainer()
	return w
}

// Run starts the container and keeps the world going until ctx ends. Then it
// cuts every connection, waits for all that it started, and returns nil.
func (w *World) Run(ctx context.Context) error {
	w.mu.Lock()
	if w.ctx != nil {
		w.mu.Unlock()
		return errors.New("simulation: the world runs already")
	}
	w.ctx = ctx
	server := w.launch()
	w.mu.Unlock()
	server.listen() // the first start takes no time, so that a caller can dial at once
	<-ctx.Done()

	w.mu.Lock()
	w.closed = true
	server = w.server
	w.mu.Unlock()
	if server != nil {
		server.die()
	}
	w.tasks.Wait()
	return nil
}

// spawn runs f until the world ends; f has to heed a context that ends with it.
// w.mu is held.
func (w *World) spawn(f func()) {
	if !w.closed && w.ctx != nil {
		w.tasks.Go(f)
	}
}

// change makes one change of state, after counting what the state before it
// has used.
func (w *World) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	f()
}

// stagger gives the next actor's own offset. w.mu is held.
func (w *World) stagger() time.Duration {
	w.staggered++
	return time.Duration(1+w.staggered%997) * time.Microsecond
}

// slowed stretches a piece of work by the factor of [World.Slow]. w.mu is held.
func (w *World) slowed(d time.Duration) time.Duration { return time.Duration(float64(d) * w.slow) }

func (w *World) nextPID() int {
	w.lastPID += 1 + w.random.IntN(9)
	return w.lastPID
}

func withDefaults(c Config) Config {
	c.Container = cmp.Or(c.Container, "clawgate-ollama")
	c.Version = cmp.Or(c.Version, "0.9.6")
	c.Parallel = cmp.Or(c.Parallel, 1)
	c.MaxLoaded = cmp.Or(c.MaxLoaded, 3)
	c.MaxQueue = cmp.Or(c.MaxQueue, 512)
	c.KeepAlive = cmp.Or(c.KeepAlive, 5*time.Minute)
	if c.KeepAlive < 0 {
		c.KeepAlive = forever
	}
	c.StartTakes = cmp.Or(c.StartTakes, 300*time.Millisecond)
	c.StopTakes = cmp.Or(c.StopTakes, 300*time.Millisecond)
	return c
}
