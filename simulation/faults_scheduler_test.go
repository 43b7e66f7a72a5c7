package simulation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

func TestDeadlockServesOnlyTheLoadedModel(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		if err := v.DeadlockScheduler(); !errors.Is(err, simulation.ErrNoRunner) {
			v.Errorf("a deadlock of nothing says %v", err)
		}
		v.ask("/api/generate", load)
		v.must(v.DeadlockScheduler())
		other := v.background(v.Context(), "/api/chat", askLlama)
		wider := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_ctx":8192,"num_predict":2}`))
		time.Sleep(time.Minute)
		v.answers(chat(shortReply))
		time.Sleep(time.Minute)
		if used := v.used(time.Minute); used > time.Second {
			v.Errorf("for those that wait it uses %s", used)
		}
		v.looksHealthy()
		v.silent("the other model", other)
		v.silent("the other context length", wider)
		v.ask("/api/generate", unload)
		if lines := <-other; len(lines) != 33 {
			v.Errorf("after the unload the other model says %q", lines)
		}
		if lines := <-wider; len(lines) != 3 {
			v.Errorf("after the unload the other context length says %q", lines)
		}
	})
}

func TestRestartEndsADeadlock(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.DeadlockScheduler())
		waits := v.background(v.Context(), "/api/chat", askLlama)
		time.Sleep(time.Minute)
		v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
		if lines := <-waits; !strings.HasPrefix(lines[0], "failed") {
			v.Errorf("the request that waited got %q", lines)
		}
		time.Sleep(time.Second)
		v.answers(askLlama)
	})
}

func TestOverloadedServerRefusesAndWorks(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		before := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":500}`))
		time.Sleep(time.Second)
		v.Overload(true)
		for _, path := range []string{"/api/chat", "/v1/chat/completions"} {
			if status, lines := v.ask(path, chat("")); status != 503 || !strings.Contains(lines[0], "server busy, please try again.  maximum pending requests exceeded") {
				v.Errorf("%s answers %d %q", path, status, lines)
			}
		}
		if lines := <-before; len(lines) != 501 {
			v.Errorf("what ran ended after %d lines", len(lines))
		}
		v.within("the CPU time of a minute", v.used(time.Minute), time.Minute)
		if busy := *v.gpu().UtilizationPercent; busy != 100 {
			v.Errorf("the GPU is busy to %d %%", busy)
		}
		v.looksHealthy()
		v.Overload(false)
		v.answers(chat(shortReply))
	})
}

func TestStalledLoadMovesNothing(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		answer := v.background(v.Context(), "/api/chat", chat(shortReply))
		time.Sleep(time.Second)
		v.StallLoads(true)
		time.Sleep(time.Second)
		before, held := v.activity(), v.gpu().UsedBytes
		if held < 8*gib || held > 12*gib {
			v.Errorf("half loaded the GPU holds %d bytes", held)
		}
		time.Sleep(2 * time.Minute)
		v.get("/api/tags")
		after := v.activity()
		if after.CPU-before.CPU > time.Second || after.BlockRead != before.BlockRead || v.gpu().UsedBytes != held {
			v.Errorf("the counters went from %+v to %+v, and the GPU holds %d bytes", before, after, v.gpu().UsedBytes)
		}
		v.silent("the chat", answer)
		v.StallLoads(false)
		if lines := <-answer; len(lines) != 3 {
			v.Errorf("after the stall the answer is %q", lines)
		}
	})
}

func TestOllamaGivesUpAStalledLoad(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.StallLoads(true)
		began := time.Now()
		status, lines := v.ask("/api/chat", chat(""))
		if status != 500 || lines[0] != `{"error":"timed out waiting for llama runner to start - progress 0.00 - "}` {
			v.Errorf("it answers %d %q", status, lines)
		}
		v.within("the stall", time.Since(began), 5*time.Minute)
		time.Sleep(time.Second)
		if len(v.runners()) != 0 {
			v.Error("the runner is still there")
		}
	})
}

func TestRequestRightAfterAFailedLoadGetsARunnerOfItsOwn(t *testing.T) {
	for range 50 { // the two race
		inWorld(t, usual(), func(v *visit) {
			v.FailMemory(qwen, true)
			v.ask("/api/chat", chat(shortReply))
			v.Mend(qwen)
			began := time.Now()
			v.answers(chat(shortReply))
			if took := time.Since(began); took < 2*time.Second {
				v.Errorf("it was answered after %s, by a runner that has not loaded the model", took)
			}
		})
	}
}
