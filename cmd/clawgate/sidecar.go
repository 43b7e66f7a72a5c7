package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/clawdbot/clawgate/dockerctl"
	"github.com/clawdbot/clawgate/environment"
	"github.com/clawdbot/clawgate/evidence"
	gateway "github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/gpu"
	"github.com/clawdbot/clawgate/loglimit"
	"github.com/clawdbot/clawgate/sidecar"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/recovery"
)

// eventsBack is how far back the engine's events are read at the start, to tell
// a container that a person stopped from one that crashed. The engine keeps no
// more than 256 of them.
const eventsBack = 24 * time.Hour

// gpuResetSuffix makes the helper's name out of the container's, as
// compose/gpu.yaml and the guard's rules do.
const gpuResetSuffix = "-gpu-reset"

// runSidecar joins the real engine and the real GPUs with the sidecar.
func runSidecar(ctx context.Context, _ []string) int {
	settings, err := config.Load(os.Environ(), gateway.Variables()...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	log := newLog(settings.LogLevel, settings.LogFormat)
	engine, err := dockerctl.New("", settings.Container, log, dockerctl.EventsSince(time.Now().Add(-eventsBack)))
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot use the container engine (DOCKER_HOST, CLAWGATE_CONTAINER): %v\n", err)
		return exitUsage
	}
	defer func() { _ = engine.Close() }() // idle connections only
	helper, err := resetHelper(settings, engine)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	if err := watchOver(ctx, settings, engine, helper, log); err != nil {
		log.Error("the sidecar ended", "err", err)
		return exitFailure
	}
	return exitOK
}

// resetHelper is the container that resets the GPU; nil where that is not wanted.
func resetHelper(settings config.Config, engine *dockerctl.Container) (*dockerctl.Helper, error) {
	if !settings.GPUReset {
		return nil, nil
	}
	helper, err := engine.Helper(settings.Container + gpuResetSuffix)
	if err != nil {
		return nil, fmt.Errorf("cannot use the helper that resets the GPU (CLAWGATE_GPU_RESET): %w", err)
	}
	return helper, nil
}

// gpuView is the GPU's adapter, and the goroutine that it needs.
type gpuView interface {
	sidecar.GPU
	// FreshView has the time that a driver's initialisation takes.
	FreshView(ctx context.Context) evidence.GPUView
	Run(ctx context.Context) error
	// Suspend lets go of every GPU until resume is called.
	Suspend(ctx context.Context) (resume func(), err error)
}

// engineView is the container's adapter, and its log.
type engineView interface {
	sidecar.Engine
	sidecar.LogView
}

// gpuOff looks at nothing.
type gpuOff struct{ gpu.Off }

func (gpuOff) Run(context.Context) error { return nil }

func watchOver(ctx context.Context, settings config.Config, engine engineView, helper *dockerctl.Helper, log *slog.Logger) error {
	var view gpuView = gpuOff{}
	var xids func(evidence.Xid)
	if settings.GPU != config.GPUOff {
		view = gpu.NewClient(gpu.Config{
			LibraryPath: settings.NVMLLibrary, Log: log,
			OnXid: func(xid evidence.Xid) { xids(xid) },
		})
	}
	var reset *recovery.GPUReset
	if helper != nil {
		reset = &recovery.GPUReset{View: view, Helper: helper}
	}
	tolerance := uint64(settings.LeakTolerance)
	s := sidecar.New(sidecar.Parts{
		Config: settings, Engine: engine, Hints: engine, GPU: view, Fresh: view.FreshView, Reset: reset, Log: log, Version: version(), Registry: prometheus.NewRegistry(),
		Leaks: func(before, after evidence.GPUView, owner evidence.GPUOwner) evidence.LeakReport {
			return gpu.Leak(before, after, owner, tolerance)
		},
	})
	xids = s.SawXid
	group, ctx := errgroup.WithContext(ctx)
	ended, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group.Go(func() error { return view.Run(ended) }) // the drain still looks at the GPUs
	group.Go(func() error {
		defer end()
		if settings.GPU == config.GPURequired {
			if v := view.FreshView(ctx); !v.Known {
				return fmt.Errorf("CLAWGATE_GPU=required, and the GPUs cannot be seen: %s", v.Reason)
			}
		}
		listeners, err := sidecar.Listen(ctx, settings)
		if err != nil {
			return err
		}
		return s.Run(ctx, listeners)
	})
	return group.Wait()
}

// newLog writes to stderr, within bounds that no client, server or engine can lift.
func newLog(level slog.Level, format environment.LogFormat) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == environment.LogText {
		return slog.New(loglimit.New(slog.NewTextHandler(os.Stderr, options)))
	}
	return slog.New(loglimit.New(slog.NewJSONHandler(os.Stderr, options)))
}
