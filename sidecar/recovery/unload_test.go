package recovery

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAnUnloadGoesStepByStep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.unloads = 10 * time.Millisecond
		began := time.Now()
		report := w.ladder.Unload(w.Context(), model)
		if report.Err != nil || !report.Snapshot.Known {
			t.Errorf("%+v", report)
		}
		w.expect("gpu", "top", "blob qwen3:32b", "cancel qwen3:32b", "unload qwen3:32b", "top")
		expectSteps(t, report, "look at the runners", "cancel our requests", "ask Ollama to unload the model", "see the runner gone")
		if took := time.Since(began); took > poll {
			t.Errorf("Clawgate waited %s for a runner that was gone in %s", took, w.unloads)
		}
		if report.Steps[0].Detail != "1 runners" || report.Steps[1].Detail != "2 cancelled" {
			t.Errorf("%+v", report.Steps)
		}
		w.expectIntents()
	})
}

func TestNothingIsUnloadedThatWasNotCancelled(t *testing.T) {
	inWorld(t, func(w *world) {
		w.takes["cancel"] = time.Minute // a request that is slow to end
		w.ladder.Unload(w.Context(), model)
		w.expect("gpu", "top", "blob qwen3:32b", "cancel qwen3:32b", "unload qwen3:32b", "top")
	})
}

func TestAnUnloadThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		took   time.Duration
		err    string
	}{
		"a runner that stays":   {func(w *world) { w.unloads = -1 }, runnerGone, "cannot see the runner gone: gave up after 15s"},
		"a server that hangs":   {func(w *world) { w.hangs["unload"] = true }, unloadDeadline, "cannot ask Ollama to unload the model: context deadline exceeded"},
		"a server that refuses": {func(w *world) { w.fails["unload"] = errBroken }, 0, "cannot ask Ollama to unload the model: broken"},
		"a view lost on the way": {func(w *world) {
			cancel := w.ladder.Cancel
			w.ladder.Cancel = func(model string) int { w.fails["top"] = errBroken; return cancel(model) }
		}, runnerGone, "cannot see the runner gone: gave up after 15s: broken"},
	} {
		inWorld(t, func(w *world) {
			c.change(w)
			began := time.Now()
			report := w.ladder.Unload(w.Context(), model)
			if report.Err == nil || !strings.HasPrefix(report.Err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", name, report.Err, c.err)
			}
			if took := time.Since(began); took != c.took {
				t.Errorf("%s: took %s, want %s", name, took, c.took)
			}
		})
	}
}

// An engine that does not list processes is no reason to climb to a restart.
func TestAnUnloadThatNobodySees(t *testing.T) {
	for name, blind := range map[string]func(w *world){
		"an engine that does not see": func(w *world) { w.fails["top"] = errBroken },
		"an engine that hangs":        func(w *world) { w.hangs["top"] = true },
	} {
		inWorld(t, func(w *world) {
			blind(w)
			report := w.ladder.Unload(w.Context(), model)
			if report.Err != nil || w.goneAt.IsZero() {
				t.Errorf("%s: %v, unloaded %v", name, report.Err, !w.goneAt.IsZero())
			}
			if last := stepOf(t, report, "see the runner gone"); last.Detail != "nobody can tell" || last.Took != topPause {
				t.Errorf("%s: %+v", name, last)
			}
		})
	}
}

func TestARunnerIsFoundByEliminationWhenItsWeightsAreUnknown(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"the server does not tell":   func(w *world) { w.blob = "" },
		"the server does not know":   func(w *world) { w.blob, w.fails["blob"] = "", errBroken },
		"the server does not answer": func(w *world) { w.blob, w.hangs["blob"] = "", true },
	} {
		inWorld(t, func(w *world) {
			change(w)
			if report := w.ladder.Unload(w.Context(), model); report.Err != nil {
				t.Errorf("%s: %v", name, report.Err)
			}
		})
		inWorld(t, func(w *world) {
			change(w)
			w.unloads = -1
			if report := w.ladder.Unload(w.Context(), model); report.Err == nil {
				t.Errorf("%s: took a runner that stays for gone", name)
			}
		})
	}
}

func TestAnUnloadEndsWithClawgate(t *testing.T) {
	inWorld(t, func(w *world) {
		w.unloads = -1
		ctx, end := context.WithTimeout(w.Context(), time.Second)
		defer end()
		report := w.ladder.Unload(ctx, model)
		if !errors.Is(report.Err, ctx.Err()) || !strings.Contains(report.Err.Error(), "gave up after 1s") {
			t.Error(report.Err)
		}
	})
}

func TestWhichProcessesAreRunners(t *testing.T) {
	for command, want := range map[string]bool{
		"/bin/ollama serve":    false,
		"ollama":               false,
		"/bin/ollama":          false,
		"/bin/ollama run qwen": false,
		"sh -c ollama runner":  false,
		"[ollama] <defunct>":   false,
		"/usr/bin/ollama runner --model " + blob + " --ctx-size 4096":       true,
		"/bin/ollama runner --ollama-engine --model " + blob:                true,
		"/usr/lib/ollama/llama-server --model " + blob:                      true,
		"/tmp/ollama1/runners/cuda_v12/ollama_llama_server --model " + blob: true,
	} {
		if got := len(runners([]evidence.Process{{PID: 7, Command: command}})) == 1; got != want {
			t.Errorf("%q is a runner: %v, want %v", command, got, want)
		}
	}
}

func TestWhichRunnerIsGone(t *testing.T) {
	ours := evidence.Process{PID: 10, Command: "/bin/ollama runner --model " + blob}
	other := evidence.Process{PID: 11, Command: "/bin/ollama runner --model " + others}
	fresh := evidence.Process{PID: 12, Command: ours.Command}
	list := func(processes ...evidence.Process) []evidence.Process { return processes }
	for name, c := range map[string]struct {
		before, now []evidence.Process
		blob        string
		want        bool
	}{
		"ours":                             {list(ours, other), list(other), blob, true},
		"the other one":                    {list(ours, other), list(ours), blob, false},
		"none":                             {list(ours, other), list(ours, other), blob, false},
		"ours, and it is there anew":       {list(ours, other), list(other, fresh), blob, true},
		"there was none of ours":           {list(other), list(other), blob, true},
		"there was none at all":            {nil, nil, blob, true},
		"one of unknown ones":              {list(ours, other), list(other), "", true},
		"no unknown one":                   {list(ours, other), list(ours, other), "", false},
		"no unknown one, and another came": {list(ours), list(ours, fresh), "", false},
		"there was no unknown one":         {nil, list(fresh), "", true},
	} {
		if got := gone(c.before, c.now, c.blob); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
