package preflight

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/probe"
)

const (
	// engineDeadline is for one call; the adapter's own deadlines are shorter
	// and say more.
	engineDeadline  = 8 * time.Second
	resolveDeadline = 3 * time.Second
	// gpuDeadline is over what NVML may take to start: seconds for each GPU
	// where the driver does not persist.
	gpuDeadline  = 40 * time.Second
	diskDeadline = 5 * time.Second
)

// Parts are what is looked at. All fields but Helper are needed.
type Parts struct {
	Config    config.Config
	Engine    Engine
	GPU       GPU
	Helper    Helper // nil where CLAWGATE_GPU_RESET is off
	Dial      probe.DialFunc
	Resolve   Resolve
	Transport http.RoundTripper // to Ollama
}

// Look gathers the facts, one after the other. It takes seconds where all is
// well, and about a minute where nothing answers.
func Look(ctx context.Context, p Parts) Facts {
	return Facts{
		Config:    p.Config,
		Engine:    lookAtEngine(ctx, p.Engine),
		Server:    lookAtServer(ctx, p),
		GPU:       lookAtGPU(ctx, p.GPU),
		Helper:    lookAtHelper(ctx, p.Helper),
		StateDir:  within(ctx, diskDeadline, func() error { return writableFolder(p.Config.StateDir) }),
		HealthLog: within(ctx, diskDeadline, func() error { return writableLog(p.Config.HealthLog) }),
	}
}

func lookAtEngine(ctx context.Context, engine Engine) engineFacts {
	var facts engineFacts
	facts.Err = limited(ctx, engineDeadline, func(ctx context.Context) (err error) {
		facts.Container, err = engine.Inspect(ctx)
		return err
	})
	if facts.Err == nil && facts.Container.Status == evidence.Absent {
		// The guard refuses it: then there is nothing to suggest.
		_ = limited(ctx, engineDeadline, func(ctx context.Context) (err error) {
			facts.Neighbours, err = engine.Neighbours(ctx)
			return err
		})
	}
	if !facts.running() {
		return facts
	}
	for _, call := range []struct {
		name callName
		do   func(context.Context) error
	}{
		{callActivity, func(ctx context.Context) error { _, err := engine.Activity(ctx); return err }},
		{callProcesses, func(ctx context.Context) error { _, err := engine.Processes(ctx); return err }},
		{callEvents, func(ctx context.Context) error { return openEvents(ctx, engine) }},
		{callLog, func(ctx context.Context) error { _, err := engine.LogTail(ctx, 1); return err }},
	} {
		facts.Calls = append(facts.Calls, engineCall{call.name, limited(ctx, engineDeadline, call.do)})
	}
	return facts
}

// errEvents says that the stream of events did not open. The adapter goes on
// trying and does not tell why.
var errEvents = errors.New("the stream of events does not open")

// openEvents waits for the stream to be open, and closes it.
func openEvents(ctx context.Context, history History) error {
	ctx, closeStream := context.WithCancel(ctx)
	defer closeStream()
	open := false
	err := history.Events(ctx, func(event evidence.ContainerEvent) {
		open = open || event.Action == evidence.Resync
		closeStream() // open, or the engine is away: both are an answer
	})
	if err == nil && !open {
		return errEvents
	}
	return err
}

func lookAtServer(ctx context.Context, p Parts) serverFacts {
	facts := serverFacts{TCP: probe.TCP(ctx, p.Dial, p.Config.OllamaURL, p.Config.TCPTimeout)}
	if !facts.reached() {
		return facts
	}
	client := ollama.NewClient(p.Config.OllamaURL, p.Transport)
	facts.VersionErr = limited(ctx, p.Config.APITimeout, func(ctx context.Context) (err error) {
		facts.Version, err = client.Version(ctx)
		return err
	})
	// Without an answer there is nothing to compare, and no connection either.
	_ = limited(ctx, resolveDeadline, func(ctx context.Context) (err error) {
		facts.Addresses, err = p.Resolve(ctx, "ip", p.Config.OllamaURL.Hostname())
		return err
	})
	facts.API, _ = probe.API(ctx, client, probe.APISpec{
		Path: p.Config.APIPath, Status: p.Config.APIStatus, Model: p.Config.Model, Timeout: p.Config.APITimeout,
	})
	return facts
}

func lookAtGPU(ctx context.Context, gpu GPU) evidence.GPUView {
	ctx, cancel := context.WithTimeout(ctx, gpuDeadline)
	defer cancel()
	return gpu.FreshView(ctx)
}

func lookAtHelper(ctx context.Context, helper Helper) error {
	if helper == nil {
		return nil
	}
	return limited(ctx, engineDeadline, helper.Ready)
}

// limited gives one call its deadline.
func limited(ctx context.Context, limit time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return call(ctx)
}

// within gives a deadline to what knows no context. What hangs in a file system
// is left behind; the process is about to end.
func within(ctx context.Context, limit time.Duration, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the disk did not answer within %s", limit)
	}
}
