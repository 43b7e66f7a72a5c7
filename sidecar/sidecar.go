package sidecar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/serve"
	"github.com/clawdbot/clawgate/sidecar/admin"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/healthlog"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/probe"
	"github.com/clawdbot/clawgate/sidecar/recovery"
	"github.com/clawdbot/clawgate/sidecar/relay"
	"github.com/clawdbot/clawgate/sidecar/replay"
	"github.com/clawdbot/clawgate/sidecar/runners"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// Engine is the container as a whole: what is watched and what is remedied.
type Engine interface {
	Container
	recovery.Engine
	Processes(ctx context.Context) ([]evidence.Process, error)
}

// Parts are what the sidecar is joined from. Those that
// may be nil say so.
type Parts struct {
	Config config.Config
	Engine Engine
	GPU    GPU
	Leaks  recovery.LeakCheck
	// Reset frees a GPU whose memory nobody holds; nil where that is not wanted.
	Reset *recovery.GPUReset
	// Fresh looks at the GPUs through a new initialisation of the driver's library,
	// as a container that is started does; nil to do without.
	Fresh func(ctx context.Context) evidence.GPUView
	// Hints reads Ollama's log; nil where that cannot be had.
	Hints LogView
	// Wall is the wall clock; nil for the system's.
	Wall func() time.Time
	// Resources are what there is for connections and requests; nothing for
	// crowd.Available.
	Resources crowd.Resources
	// Dial opens connections to Ollama; nil for the network's own.
	Dial probe.DialFunc
	// Record gets what is seen and decided, see package replay; nil for nobody.
	Record   io.Writer
	Registry *prometheus.Registry
	Log      *slog.Logger
	Version  string
}

// Sidecar is one relay with its supervisor. It is made by New and run once.
type Sidecar struct {
	config     config.Config
	supervisor *supervisor
	relay      *relay.Relay
	admin      http.Handler
	metrics    *admin.Metrics
	health     *healthlog.Log
	limits     crowd.Limits
	log        *slog.Logger
}

// New joins the parts. It starts nothing. What an earlier run left in the state
// folder and cannot be read is logged and done without.
func New(parts Parts) *Sidecar {
	journal, err := recovery.OpenJournal(parts.Config.StateDir)
	if err != nil {
		parts.Log.Error("the budget and the intent of an earlier run are lost", "err", err)
	}
	if parts.Dial == nil {
		parts.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	if parts.Wall == nil {
		parts.Wall = time.Now
	}
	s := &Sidecar{
		config: parts.Config, log: parts.Log,
		metrics: admin.NewMetrics(parts.Registry),
		health:  healthlog.New(parts.Config.HealthLog, parts.Log),
		limits: crowd.Limits{Connections: parts.Config.MaxConnections, Requests: parts.Config.MaxRequests, HeaderBytes: int(parts.Config.MaxHeaderBytes)}.
			Within(cmp.Or(parts.Resources, crowd.Available()), int64(parts.Config.BufferMaxBytes)),
	}
	s.supervisor = newSupervisor(parts, journal, s.metrics, s.health)
	s.relay = newRelay(parts, s.limits.Requests, s.supervisor, s.metrics)
	s.supervisor.join(s.relay, parts)
	s.metrics.ReadLoad(s.relay.Load)
	s.admin = admin.New(admin.Config{
		Status: func() admin.Status { return *s.supervisor.report.status.Load() },
		Ready: func() (bool, string) {
			report := s.supervisor.report.ready.Load()
			return report.ready, report.reason
		},
		Control: control{s.supervisor}, Token: parts.Config.AdminToken.Reveal(),
		Listen: parts.Config.AdminListen, Hosts: parts.Config.AdminHosts, Gatherer: parts.Registry, Log: parts.Log,
	})
	return s
}

const dialTimeout = 5 * time.Second

func newSupervisor(parts Parts, journal *recovery.Journal, metrics *admin.Metrics, health *healthlog.Log) *supervisor {
	transport := &http.Transport{DialContext: parts.Dial, DisableCompression: true, IdleConnTimeout: 10 * time.Second}
	s := &supervisor{
		config: parts.Config, keeper: policy.New(settings(parts.Config)), log: parts.Log,
		parts: instruments{
			container: parts.Engine, gpu: parts.GPU, hints: parts.Hints, dial: parts.Dial, transport: transport, journal: journal,
			client: ollama.NewClient(parts.Config.OllamaURL, transport), clock: &clock{wall: parts.Wall}, xids: &xidReports{},
			processes: &processes{view: parts.Engine, ledger: runners.NewLedger()},
		},
		inbox: make(chan message, 1024), kicks: newKicks(), cancels: cancels{probes: map[uint64]context.CancelFunc{}},
		report: reporter{metrics: metrics, health: health, log: parts.Log, version: parts.Version, started: time.Now()},
	}
	if parts.Record != nil {
		s.record = replay.NewRecorder(parts.Record)
	}
	s.report.ready.Store(&readyReport{reason: "nothing is proven yet"})
	s.report.status.Store(&admin.Status{Version: parts.Version, State: string(policy.Starting), Verdict: admin.VerdictStatus{Name: string(verdict.Unproven), Sentence: "nothing is proven yet"}})
	return s
}

// settings are those that decisions depend on.
func settings(c config.Config) policy.Settings {
	keepAlive := time.Duration(c.KeepAlive)
	if c.KeepAlive.Forever() {
		keepAlive = -1
	}
	return policy.Settings{
		Model: c.Model, Main: ollama.NormalizeModel(c.Model), Container: c.Container,
		Observe: c.Mode == config.Observe, Pull: c.Pull, OffGPU: offGPU(ollama.RunnerOptions(c.Options)),
		KeepAlive: keepAlive, FailureThreshold: c.FailureThreshold, SuccessThreshold: c.SuccessThreshold,
		FirstChunkTimeout: c.FirstChunkTimeout, LoadTimeout: c.LoadTimeout,
		ReadyInterval: c.ReadyInterval, RecheckInterval: c.RecheckInterval, DrainTimeout: c.DrainTimeout, IdleWait: c.IdleWait,
		RestartBudget: c.RestartBudget, RestartWindow: c.RestartWindow, LeakTolerance: uint64(c.LeakTolerance), Seed: rand.Uint64(),
	}
}

func newRelay(parts Parts, maxRequests int, s *supervisor, metrics *admin.Metrics) *relay.Relay {
	c := parts.Config
	return relay.New(relay.Config{
		Upstream: c.OllamaURL, Model: c.Model, KeepAlive: time.Duration(c.KeepAlive), Dial: parts.Dial,
		QueueLength: c.QueueLength, MaxInFlight: c.MaxInFlight, QueueTimeout: c.QueueTimeout,
		Hold: c.Hold, HoldMax: c.HoldMax, RetryAfter: c.RetryAfter,
		FirstChunkTimeout: c.FirstChunkTimeout, StallTimeout: c.StallTimeout, MaxTokens: c.MaxTokens,
		UploadRate: int64(c.MinUploadRate), ReplayMaxBytes: int64(c.ReplayMaxBytes), BufferMaxBytes: int64(c.BufferMaxBytes), MaxRequests: maxRequests,
		Runners: s.parts.processes.ledger, Signs: s.sawSign, Relist: s.kicks.models.kick, Working: s.workedLately, Metrics: metrics, Log: parts.Log,
	})
}

// join closes the circle: the relay reports to the supervisor, which steers it.
func (s *supervisor) join(r *relay.Relay, parts Parts) {
	p := &s.parts
	p.relay = r
	p.catalogue = newCatalogue(p.client, ollama.NormalizeModel(parts.Config.Model))
	p.abilities.told = func(title string) ollama.Abilities { return p.catalogue.is().Titled(title).Abilities }
	p.options = &runnerOptions{
		processes: parts.Engine, client: p.client, traffic: r.RunnerOptions, changed: p.processes.ledger.ChangedAt,
		blobs: map[string]string{}, known: map[string]ollama.RunnerOptions{},
	}
	p.ladder = &recovery.Ladder{
		Engine: parts.Engine, View: parts.Engine, Server: p.client, GPU: parts.GPU, Leaks: parts.Leaks,
		Reset: parts.Reset, Fresh: parts.Fresh, Journal: p.journal, Log: parts.Log, Cancel: p.cancelRequests, InUse: p.inUse,
		StopTimeout: parts.Config.StopTimeout, SettleDelay: parts.Config.SettleDelay, LeakWait: parts.Config.LeakWait,
	}
}

// Listeners are what the sidecar serves on. Run closes them.
type Listeners struct{ Relay, Admin net.Listener }

// Listen opens both listeners, as configured.
func Listen(ctx context.Context, c config.Config) (Listeners, error) {
	var lc net.ListenConfig
	relayListener, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return Listeners{}, fmt.Errorf("cannot listen for requests (CLAWGATE_LISTEN): %w", err)
	}
	adminListener, err := lc.Listen(ctx, "tcp", c.AdminListen)
	if err != nil {
		return Listeners{}, errors.Join(fmt.Errorf("cannot listen for the operator (CLAWGATE_ADMIN_LISTEN): %w", err), relayListener.Close())
	}
	return Listeners{Relay: relayListener, Admin: adminListener}, nil
}

// Run serves until ctx ends, then says that it is not ready, lets the requests
// in flight end for at most the drain timeout, and returns when everything that
// it started has ended.
func (s *Sidecar) Run(ctx context.Context, listeners Listeners) error {
	group, running := errgroup.WithContext(ctx)
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	group.Go(func() error { return s.health.Run(background) })
	group.Go(func() error { return s.supervisor.loop(background) })
	group.Go(func() error {
		defer stopBackground() // the supervisor watches over the drain, too
		return s.serve(running, listeners)
	})
	return group.Wait()
}

func (s *Sidecar) serve(ctx context.Context, listeners Listeners) error {
	s.log.Info("serving", "relay", listeners.Relay.Addr().String(), "admin", listeners.Admin.Addr().String(),
		"max_connections", s.limits.Connections, "max_requests", s.limits.Requests, "upstream", s.config.OllamaURL.String(), "model", s.config.Model, "mode", s.config.Mode)
	return serve.Until(ctx, s.drain,
		serve.Side{Server: serve.New(s.relay, s.log), Listener: listeners.Relay, Crowd: crowd.Config{
			Connections: s.limits.Connections, HeaderBytes: s.limits.HeaderBytes, Log: s.log,
		}},
		serve.Side{Server: serve.New(s.admin, s.log), Listener: listeners.Admin, Crowd: crowd.Config{Connections: serve.AdminConnections}})
}

// drain lets requests end. A second signal ends the process at once.
func (s *Sidecar) drain(ctx context.Context) {
	s.supervisor.draining.Store(true)
	s.log.Info("draining", "timeout", s.config.DrainTimeout)
	limited, cancel := context.WithTimeout(ctx, s.config.DrainTimeout)
	defer cancel()
	if err := s.relay.Drain(limited); err != nil {
		s.log.Warn("requests were cut at the end of the drain", "err", err)
	}
}
