package sidecar

import (
	"context"
	"net"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/probe"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

const (
	// inspectInterval: an inspection is the truth, events are hints that get lost.
	inspectInterval = policy.NextInspection
	// activityInterval is how often the resource counters are read. Two
	// intervals without activity make a still container.
	activityInterval = 2 * time.Second
	// gpuInterval goes with it: a working GPU is no still server. A snapshot of
	// a stub driver took 97 µs.
	gpuInterval = policy.GPUMoves
	// hintPause is between two looks into the log, until it tells something.
	hintPause      = 10 * time.Second
	engineDeadline = 5 * time.Second
)

// LogView reads what Ollama's own log says of the GPUs that it found when the
// container was started last.
type LogView interface {
	GPUHint(ctx context.Context) (evidence.GPUHint, error)
}

// look starts the workers that look at the server for as long as the sidecar
// runs. Each posts what it saw under the generation in which it looked.
func (s *supervisor) look(ctx context.Context) {
	s.workers.Go(func() { periodically(ctx, s.kicks.tcp, func() time.Duration { return s.probeTCP(ctx) }) })
	s.workers.Go(func() { periodically(ctx, s.kicks.api, func() time.Duration { return s.probeAPI(ctx) }) })
	s.workers.Go(func() { periodically(ctx, s.kicks.models, func() time.Duration { return s.readModels(ctx) }) })
	s.workers.Go(func() { periodically(ctx, s.kicks.inspect, func() time.Duration { return s.inspect(ctx) }) })
	s.workers.Go(func() { periodically(ctx, nil, func() time.Duration { return s.readActivity(ctx) }) })
	s.workers.Go(func() { periodically(ctx, nil, func() time.Duration { return s.viewGPU(ctx) }) })
	s.workers.Go(func() { periodically(ctx, nil, func() time.Duration { return s.listLoaded(ctx) }) })
	if s.parts.hints != nil {
		s.workers.Go(func() { periodically(ctx, s.kicks.hint, func() time.Duration { return s.readHint(ctx) }) })
	}
	s.workers.Go(func() {
		err := s.parts.container.Events(ctx, func(e evidence.ContainerEvent) { s.saw(ctx, 0, watch.EventTold{Event: e}) })
		if err != nil && ctx.Err() == nil {
			s.log.Error("the engine's events ended; inspections go on", "err", err)
		}
	})
}

func (s *supervisor) probeTCP(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	across := false
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := s.parts.dial(ctx, network, address)
		across = err == nil && betweenHosts(conn)
		return conn, err
	}
	result := probe.TCP(ctx, dial, s.config.OllamaURL, s.config.TCPTimeout)
	s.saw(ctx, generation, watch.TCPProbed{Result: result, Across: across})
	return s.config.TCPInterval
}

// betweenHosts says that the ends of a connection are known to have two addresses.
func betweenHosts(conn net.Conn) bool {
	near, nearKnown := conn.LocalAddr().(*net.TCPAddr)
	far, farKnown := conn.RemoteAddr().(*net.TCPAddr)
	return nearKnown && farKnown && !near.IP.Equal(far.IP)
}

func (s *supervisor) probeAPI(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	result, list := probe.API(ctx, s.parts.client, probe.APISpec{
		Path: s.config.APIPath, Status: s.config.APIStatus, Model: s.config.Model, Timeout: s.config.APITimeout,
	})
	s.saw(ctx, generation, watch.APIProbed{Result: result, Listed: list})
	if result.Answered {
		s.saw(ctx, generation, watch.ReleaseTold{PsBlocks: s.release(ctx).PsBlocks()})
	}
	if result.Outcome == evidence.Success {
		return s.config.APIInterval
	}
	return min(s.config.APIInterval, s.config.RecheckInterval)
}

// release is which Ollama answers. It is asked for once a run of the server: it
// may be another after each start.
func (s *supervisor) release(ctx context.Context) ollama.Version {
	limited, cancel := context.WithTimeout(ctx, s.config.APITimeout)
	defer cancel()
	version, err := s.parts.client.Release(limited)
	if err != nil {
		s.log.Debug("cannot tell which Ollama it is", "err", err)
	}
	return version
}

func (s *supervisor) inspect(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	limited, cancel := context.WithTimeout(ctx, engineDeadline)
	defer cancel()
	seen := watch.Inspected{Asked: time.Now()}
	container, err := s.parts.container.Inspect(limited)
	if seen.Container = container; err != nil {
		seen.Err = err.Error()
	}
	s.saw(ctx, generation, seen)
	return inspectInterval
}

func (s *supervisor) readActivity(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	limited, cancel := context.WithTimeout(ctx, engineDeadline)
	defer cancel()
	asked := time.Now()
	if reading, err := s.parts.container.Activity(limited); err == nil { // without a reading the view ages into unknown
		s.post(ctx, generation, func() watch.Observation {
			s.report.activity(reading)
			return watch.ActivityRead{Asked: asked, Reading: reading}
		})
	}
	return activityInterval
}

func (s *supervisor) viewGPU(ctx context.Context) time.Duration {
	view := s.parts.gpu.View(ctx)
	s.post(ctx, 0, func() watch.Observation {
		s.report.gpu(view, s.keeper.ContainerID())
		return watch.GPUsSeen{View: view}
	})
	return gpuInterval
}

// listLoaded reads the list of loaded models where no probe does.
func (s *supervisor) listLoaded(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	wanted := func() bool { now := time.Now(); return s.keeper.WantsLoaded(now, s.present(now)) }
	if !ask(ctx, s, wanted) {
		return s.config.RecheckInterval
	}
	limited, cancel := context.WithTimeout(ctx, s.config.APITimeout)
	defer cancel()
	asked := s.parts.processes.mark()
	if loaded, err := s.parts.client.Running(limited); err == nil { // a server that does not answer is the probes' to see
		s.sawLoaded(ctx, generation, loaded, asked)
	}
	return s.config.RecheckInterval
}

// readHint looks into Ollama's log once its API answers: it says there what it
// found, before it listens.
func (s *supervisor) readHint(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	if !ask(ctx, s, s.keeper.WantsHint) {
		return hintPause
	}
	limited, cancel := context.WithTimeout(ctx, engineDeadline)
	defer cancel()
	hint, err := s.parts.hints.GPUHint(limited)
	if err != nil {
		s.log.Debug("cannot read the container's log", "err", err)
		return hintPause
	}
	s.saw(ctx, generation, watch.HintRead{Hint: hint})
	return hintPause
}
