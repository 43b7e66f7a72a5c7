package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

const (
	// unloadDeadline bounds the call that asks Ollama to drop the model: with a
	// frozen runner it blocks while Ollama pings that for up to ten seconds.
	unloadDeadline = 15 * time.Second
	// runnerGone is how long the runner's process may take to end. Ollama kills
	// it with SIGKILL; on a real server it was gone within 10 ms.
	runnerGone = 15 * time.Second
	lookUp     = 5 * time.Second
	// topPause: each list of processes is an event in the engine's ring of 256.
	topPause = time.Second
)

// Unload is the least disruptive remedy: cancel our requests to the model, have
// Ollama drop it, and see its runner's process gone. Nothing may be sent to the
// model before that: a request that arrives earlier keeps the frozen runner.
func (l *Ladder) Unload(ctx context.Context, model string) Report {
	return l.unload(ctx, model, func(report *Report) {
		report.do("cancel our requests", func() (string, error) { return fmt.Sprintf("%d cancelled", l.Cancel(model)), nil })
	})
}

// unload clears the way right before it touches the model: looking at the
// processes takes as long as the engine wants. Without their list the runner's end
// cannot be seen, and is taken for granted.
func (l *Ladder) unload(ctx context.Context, model string, clearWay func(*Report)) Report {
	var report Report
	report.Snapshot = l.GPU.View(ctx)
	var before []evidence.Process
	var blob string
	listed := report.try("look at the runners", func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, lookUp)
		defer cancel()
		processes, err := l.View.Processes(ctx)
		before = runners(processes)
		blob = l.blob(ctx, model)
		return fmt.Sprintf("%d runners", len(before)), err
	})
	clearWay(&report)
	report.do("ask Ollama to unload the model", func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, unloadDeadline)
		defer cancel()
		return "", l.Server.Unload(ctx, model)
	})
	report.do("see the runner gone", func() (string, error) {
		if !listed {
			return "nobody can tell", pause.For(ctx, topPause)
		}
		return "", until(ctx, runnerGone, doubling, func(ctx context.Context) (bool, error) {
			processes, err := l.View.Processes(ctx)
			return err == nil && gone(before, runners(processes), blob), err
		})
	})
	return report
}

// blob asks which weights the model's runner has on its command line. Without
// an answer the runner is found by elimination.
func (l *Ladder) blob(ctx context.Context, model string) string {
	blob, err := l.Server.Blob(ctx, model)
	if err != nil {
		l.Log.Debug("cannot tell the model's weights", "model", model, "err", err)
	}
	return blob
}

// runners picks Ollama's runners out of the container's processes. They were
// named "ollama_llama_server", then "ollama runner", since 0.30 "llama-server" (read in 0.30.0).
func runners(processes []evidence.Process) []evidence.Process {
	var found []evidence.Process
	for _, p := range processes {
		program, arguments, _ := strings.Cut(p.Command, " ")
		if strings.HasSuffix(program, "llama-server") || strings.HasSuffix(program, "ollama_llama_server") ||
			strings.HasSuffix(program, "ollama") && strings.HasPrefix(arguments, "runner") {
			found = append(found, p)
		}
	}
	return found
}

// gone says that the model's runner of before is not among those of now. If the
// runner cannot be told by its weights, one of them has to be gone.
func gone(before, now []evidence.Process, blob string) bool {
	suspects := before
	if blob != "" {
		suspects = slices.DeleteFunc(slices.Clone(before), func(p evidence.Process) bool {
			return !strings.Contains(p.Command, blob)
		})
		if len(suspects) == 0 { // the model had no runner to lose
			return true
		}
	}
	left := 0
	for _, p := range suspects {
		if slices.ContainsFunc(now, func(q evidence.Process) bool { return q.PID == p.PID }) {
			left++
		}
	}
	if blob != "" {
		return left == 0
	}
	return len(before) == 0 || left < len(suspects)
}
