package sidecar

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/probe"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const (
	// inspectInterval: an inspection is the truth, events are hints that get lost.
	inspectInterval = 10 * time.Second
	// activityInterval is how often the resource counters are read. Two
	// intervals without activity make a still container.
	activityInterval = 2 * time.Second
	// gpuInterval goes with it: a working GPU is no still server. A snapshot of
	// a stub driver took 97 µs.
	gpuInterval    = 2 * time.Second
	engineDeadline = 5 * time.Second
)

// kicks are the periodic workers that can be woken.
type kicks struct{ tcp, api, inspect, hint kick }

func newKicks() kicks {
	return kicks{tcp: make(kick, 1), api: make(kick, 1), inspect: make(kick, 1), hint: make(kick, 1)}
}

func (k kicks) all() {
	k.tcp.kick()
	k.api.kick()
	k.inspect.kick()
}

// watch starts the workers that look at the server for as long as the sidecar
// runs. Each posts what it saw under the generation in which it looked.
func (s *supervisor) watch(ctx context.Context) {
	s.workers.Go(func() { periodically(ctx, s.kicks.tcp, func() time.Duration { return s.probeTCP(ctx) }) })
	s.workers.Go(func() { periodically(ctx, s.kicks.api, func() time.Duration { return s.probeAPI(ctx) }) })
	s.workers.Go(func() { periodically(ctx, s.kicks.inspect, func() time.Duration { return s.inspect(ctx) }) })
	s.workers.Go(func() { periodically(ctx, nil, func() time.Duration { return s.readActivity(ctx) }) })
	s.workers.Go(func() { periodically(ctx, nil, func() time.Duration { return s.viewGPU(ctx) }) })
	s.workers.Go(func() { periodically(ctx, nil, func() time.Duration { return s.lookAtLoaded(ctx) }) })
	if s.hints != nil {
		s.workers.Go(func() { periodically(ctx, s.kicks.hint, func() time.Duration { return s.readHint(ctx) }) })
	}
	s.workers.Go(func() {
		err := s.container.Events(ctx, func(e evidence.ContainerEvent) {
			s.post(ctx, 0, func() { s.sawEvent(e) })
		})
		if err != nil && ctx.Err() == nil {
			s.log.Error("the engine's events ended; inspections go on", "err", err)
		}
	})
}

func (s *supervisor) probeTCP(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	remote := false
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(ctx, network, address)
		remote = err == nil && betweenHosts(conn)
		return conn, err
	}
	result := probe.TCP(ctx, dial, s.config.OllamaURL, s.config.TCPTimeout)
	s.post(ctx, generation, func() {
		if result.Outcome == evidence.Success {
			s.role.reachedAcross(remote)
			s.sawListener(result.At)
		}
		s.seen.tcp = s.seen.tcp.Add(result)
		s.seen.reached = s.seen.reached || result.Outcome == evidence.Success
		s.report.probed(s, result)
	})
	return s.config.TCPInterval
}

// sawListener takes a connection that was made. After one that was refused it is to
// another run of the server, and where that is not the container no inspection tells of
// it: what was proven before is proven anew.
func (s *supervisor) sawListener(now time.Time) {
	if s.refused() && s.apart(now) != "" && !s.remedy.running {
		s.log.Info("the server that is not the container was started again")
		s.anew(now)
	}
}

func (s *supervisor) probeAPI(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	result, list := probe.API(ctx, s.client, probe.APISpec{
		Path: s.config.APIPath, Status: s.config.APIStatus, Model: s.config.Model, Timeout: s.config.APITimeout,
	})
	s.post(ctx, generation, func() {
		s.sawAPI(result)
		s.models.sawListed(list, s.mainModel(), s.refusals.model)
		s.report.listed(probe.Names(list))
		if list != nil {
			s.relay.SetListed(probe.Names(list))
		}
		s.report.probed(s, result)
	})
	if result.Answered {
		release := s.release(ctx)
		s.post(ctx, generation, func() { s.seen.release = release })
	}
	if result.Outcome == evidence.Success {
		return s.config.APIInterval
	}
	return min(s.config.APIInterval, s.config.RecheckInterval)
}

// sawAPI takes a look at the list of models. One that does not come is reason to ask
// the model itself: the list may be all that is slow.
func (s *supervisor) sawAPI(result evidence.ProbeResult) {
	s.seen.api = s.seen.api.Add(result)
	switch {
	case result.Outcome == evidence.Success, result.Missing:
		s.heardServer(result.At.Add(-result.Took), result.At)
	case result.Answered: // oddly, so that it may be a proxy in front of nobody
		s.askWhoAnswers(s.run)
	}
	if result.Answered && !s.seen.answered {
		s.kicks.hint.kick()
	}
	s.seen.answered = s.seen.answered || result.Answered
	if s.seen.api.Failures == 1 && !result.Answered && !result.Unresolved && s.machine.State == policy.Ready {
		s.probeNow(result.At)
	}
}

// release is which Ollama answers. It is asked for once a run of the server: it
// may be another after each start.
func (s *supervisor) release(ctx context.Context) ollama.Version {
	limited, cancel := context.WithTimeout(ctx, s.config.APITimeout)
	defer cancel()
	version, err := s.client.Release(limited)
	if err != nil {
		s.log.Debug("cannot tell which Ollama it is", "err", err)
	}
	return version
}

func (s *supervisor) inspect(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	limited, cancel := context.WithTimeout(ctx, engineDeadline)
	defer cancel()
	asked := time.Now()
	container, err := s.container.Inspect(limited)
	s.post(ctx, generation, func() { s.sawContainer(asked, time.Now(), container, err) })
	return inspectInterval
}

func (s *supervisor) readActivity(ctx context.Context) time.Duration {
	generation := s.current(ctx)
	limited, cancel := context.WithTimeout(ctx, engineDeadline)
	defer cancel()
	asked := time.Now()
	if reading, err := s.container.Activity(limited); err == nil { // without a reading the view ages into unknown
		s.post(ctx, generation, func() {
			s.role.read(asked, reading)
			s.askWhoAnswers(ctx)
			s.sawActivity(reading)
			s.report.activity(reading)
		})
	}
	return activityInterval
}

// sawActivity takes a reading of the container's counters. They say nothing of a server
// that is another one.
func (s *supervisor) sawActivity(reading evidence.Activity) {
	if s.apart(reading.SeenAt) != "" {
		s.seen.pulse = verdict.Pulse{}
		s.working.Store(0)
		return
	}
	s.seen.pulse = s.seen.pulse.Add(reading)
	s.working.Store(s.seen.pulse.LastActive().UnixNano())
}

func (s *supervisor) viewGPU(ctx context.Context) time.Duration {
	view := s.gpu.View(ctx)
	s.post(ctx, 0, func() {
		s.sawView(view)
		s.report.gpu(s, view)
	})
	return gpuInterval
}

// gpuBusyPercent is what a GPU that evaluates a prompt or generates exceeds by
// far, and a desktop on the same card hardly reaches.
const gpuBusyPercent = 25

// gpuWorks says that a GPU is at work on which the container holds memory, or
// might: where nobody tells who holds what, every GPU might be its.
func gpuWorks(view evidence.GPUView, containerID string) bool {
	return slices.ContainsFunc(view.GPUs, func(g evidence.GPU) bool {
		if g.UtilizationPercent == nil || *g.UtilizationPercent < gpuBusyPercent {
			return false
		}
		foreign := slices.ContainsFunc(g.Processes, func(p evidence.GPUProcess) bool { return p.ContainerID != "" })
		ours := slices.ContainsFunc(g.Processes, func(p evidence.GPUProcess) bool { return p.ContainerID == containerID })
		return ours || !foreign
	})
}

// current asks the loop for the generation that a look belongs to, before it
// is taken: what began under an old server must not speak about the new one.
func (s *supervisor) current(ctx context.Context) uint64 {
	answer := make(chan uint64, 1)
	s.post(ctx, 0, func() { answer <- s.generation })
	select {
	case generation := <-answer:
		return generation
	case <-ctx.Done():
		return 0
	}
}
