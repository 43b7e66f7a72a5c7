package simulation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

const (
	unload     = `{"model":"qwen3:32b","keep_alive":0}`
	loadLlama  = `{"model":"llama3:8b"}`
	askLlama   = `{"model":"llama3:8b","messages":[{"role":"user","content":"hello"}]}`
	shortReply = `,"options":{"num_predict":2}`
)

// looksHealthy checks that all answers which say nothing about inference come.
func (v *visit) looksHealthy() {
	v.Helper()
	for _, path := range []string{"/", "/api/version", "/api/tags", "/api/ps"} {
		v.get(path)
	}
	if c := v.inspect(); c.Status != evidence.Running {
		v.Errorf("the container is %s", c.Status)
	}
}

// gpu is the only GPU.
func (v *visit) gpu() evidence.GPU {
	v.Helper()
	view := v.View(v.Context())
	if !view.Known || len(view.GPUs) != 1 {
		v.Fatalf("the view is %+v", view)
	}
	return view.GPUs[0]
}

// used is the CPU time of the next d.
func (v *visit) used(d time.Duration) time.Duration {
	v.Helper()
	before := v.activity().CPU
	time.Sleep(d)
	return v.activity().CPU - before
}

// silent checks that a request has no answer yet.
func (v *visit) silent(what string, answer <-chan []string) {
	v.Helper()
	select {
	case lines := <-answer:
		v.Errorf("%s was answered: %q", what, lines)
	default:
	}
}

// answers checks that a short chat is answered.
func (v *visit) answers(body string) {
	v.Helper()
	if status, lines := v.ask("/api/chat", body); status != 200 || len(lines) < 2 {
		v.Errorf("the chat is answered with %d %q", status, lines)
	}
}

func TestSpinningRunnerWorksAndSaysNothing(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		if err := v.SpinRunner(); !errors.Is(err, simulation.ErrNoRunner) {
			v.Errorf("spinning nothing says %v", err)
		}
		v.ask("/api/generate", load)
		v.must(v.SpinRunner())
		answer := v.background(v.Context(), "/api/chat", chat(shortReply))
		time.Sleep(time.Second)
		v.within("the CPU time of a minute", v.used(time.Minute), time.Minute)
		if busy := *v.gpu().UtilizationPercent; busy != 100 {
			v.Errorf("the GPU is busy to %d %%", busy)
		}
		v.looksHealthy()
		v.silent("the chat", answer)
		v.must(v.ThawRunner())
		if lines := <-answer; len(lines) != 3 {
			v.Errorf("after the end of it the answer is %q", lines)
		}
		if used := v.used(time.Minute); used > time.Second {
			v.Errorf("idle it uses %s", used)
		}
	})
}

func TestUnloadEndsAnIdleSpinningRunner(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.SpinRunner())
		v.ask("/api/generate", unload)
		time.Sleep(time.Second)
		if len(v.runners()) != 0 {
			v.Error("it is still there")
		}
		v.answers(chat(shortReply))
	})
}

func TestStuckRunnerIsStoppingForEver(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.StickRunner())
		v.answers(chat(shortReply)) // nothing shows before an unload
		v.ask("/api/generate", unload)
		answer := v.background(v.Context(), "/api/chat", chat(shortReply))
		time.Sleep(10 * time.Minute)
		v.looksHealthy()
		if models := v.ps(); len(models) != 1 || !models[0].ExpiresAt.Before(time.Now().Add(-9*time.Minute)) {
			v.Errorf("loaded are %+v", models)
		}
		if used := v.used(time.Minute); used > time.Second {
			v.Errorf("meanwhile it uses %s", used)
		}
		v.silent("the chat", answer)
		v.must(v.KillRunner())
		if lines := <-answer; len(lines) != 3 {
			v.Errorf("after the runner's end the answer is %q", lines)
		}
	})
}

func TestRestartEndsAStuckRunner(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.StickRunner())
		v.ask("/api/generate", unload)
		v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
		time.Sleep(time.Second)
		v.answers(chat(shortReply))
	})
}

func TestOrphanKeepsItsMemoryUntilTheContainerEnds(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		orphan := v.runners()[0].PID
		v.must(v.OrphanRunner())
		time.Sleep(time.Hour)
		v.looksHealthy()
		if len(v.ps()) != 0 || len(v.runners()) != 1 || v.gpu().UsedBytes != 20*gib {
			v.Errorf("listed %v, running %v, used %d", v.ps(), v.runners(), v.gpu().UsedBytes)
		}
		v.answers(chat(shortReply))
		v.ask("/api/generate", unload)
		time.Sleep(time.Second)
		if g := v.gpu(); g.UsedBytes != 20*gib || len(g.Processes) != 1 || g.Processes[0].PID != orphan {
			v.Errorf("after an unload the GPU is %+v", g)
		}
		v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
		if used := v.gpu().UsedBytes; used != 0 {
			v.Errorf("after the restart %d bytes are used", used)
		}
	})
}

func TestRunnerKilledForMemoryMarksTheContainer(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		events, stop := v.record()
		defer stop()
		answer := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":500}`))
		time.Sleep(time.Second)
		v.must(v.KillRunnerForMemory())
		if lines := <-answer; lines[len(lines)-1] != `{"error":"an error was encountered while running the model: unexpected EOF"}` {
			v.Errorf("the stream ended with %s", lines[len(lines)-1])
		}
		v.answers(chat(shortReply))
		time.Sleep(time.Hour)
		if c := v.inspect(); c.Status != evidence.Running || !c.OOMKilled {
			v.Errorf("an hour later the container is %+v", c)
		}
		v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
		if v.inspect().OOMKilled {
			v.Error("a new start keeps OOMKilled")
		}
		if got := events(); got != "resync, oom, kill 15, die 0, stop, start" {
			v.Errorf("the events are %s", got)
		}
	})
}

func TestLingeringRequestKeepsItsSlot(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.Linger(true)
		ctx, leave := context.WithTimeout(v.Context(), time.Second)
		defer leave()
		<-v.background(ctx, "/api/chat", chat(`,"options":{"num_predict":500}`))
		began := time.Now()
		v.looksHealthy()
		v.within("the work that nobody wants", v.used(time.Second), time.Second)
		v.answers(chat(shortReply))
		v.within("the wait for the slot and the answer", time.Since(began), 5*time.Second+120*time.Millisecond)
		v.Linger(false)
		ctx, leave = context.WithTimeout(v.Context(), time.Second)
		defer leave()
		<-v.background(ctx, "/api/chat", chat(`,"options":{"num_predict":500}`))
		began = time.Now()
		v.answers(chat(shortReply))
		v.within("the next answer", time.Since(began), 120*time.Millisecond)
	})
}
