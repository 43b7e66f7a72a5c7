package simulation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

const load = `{"model":"qwen3:32b"}`

func TestFrozenRunnerLeavesTheServerAnswering(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		if err := v.FreezeRunner(); !errors.Is(err, simulation.ErrNoRunner) {
			v.Errorf("freezing nothing says %v", err)
		}
		v.ask("/api/generate", load)
		answer := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":500}`))
		time.Sleep(time.Second)
		v.must(v.FreezeRunner())
		before := v.activity()
		time.Sleep(time.Minute)
		after := v.activity()
		if after.CPU != before.CPU || after.NetTx != before.NetTx {
			v.Errorf("a frozen runner used %s of CPU and sent %d bytes", after.CPU-before.CPU, after.NetTx-before.NetTx)
		}
		if len(v.ps()) != 1 || len(v.runners()) != 1 {
			v.Error("a frozen runner is not listed")
		}
		select {
		case lines := <-answer:
			v.Errorf("the stream ended with %q", lines)
		default:
		}
		v.must(v.ThawRunner())
		if lines := <-answer; len(lines) != 501 {
			v.Errorf("after the thaw the answer has %d lines", len(lines))
		}
	})
}

func TestUnloadOfAFrozenIdleRunnerHeals(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.FreezeRunner())
		frozen := v.runners()[0].PID
		v.ask("/api/generate", `{"model":"qwen3:32b","keep_alive":0}`)
		synctest.Wait()
		if runners := v.runners(); len(runners) != 0 {
			v.Errorf("after the unload there are %v", runners)
		}
		began := time.Now()
		v.ask("/api/chat", chat(`,"options":{"num_predict":1}`))
		v.within("load and first token", time.Since(began), 2*time.Second+100*time.Millisecond)
		if v.runners()[0].PID == frozen {
			v.Error("the frozen runner is back")
		}
	})
}

func TestUnloadDoesNothingWhileARequestIsInFlight(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		ctx, leave := context.WithCancel(v.Context())
		stuck := v.background(ctx, "/api/chat", chat(""))
		time.Sleep(50 * time.Millisecond)
		v.must(v.FreezeRunner())
		if status, lines := v.ask("/api/generate", `{"model":"qwen3:32b","keep_alive":0}`); status != 200 {
			v.Errorf("the unload answers %d %q", status, lines)
		}
		time.Sleep(time.Minute)
		if len(v.runners()) != 1 {
			v.Error("the runner went although a request was in flight")
		}
		leave()
		<-stuck
		synctest.Wait()
		if runners := v.runners(); len(runners) != 0 {
			v.Errorf("after the request ended there are %v", runners)
		}
	})
}

func TestServerItselfReplacesAFrozenIdleRunner(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.FreezeRunner())
		began := time.Now()
		status, lines := v.ask("/api/chat", chat(`,"options":{"num_predict":1}`))
		if status != 200 || len(lines) != 2 {
			v.Errorf("status %d, %q", status, lines)
		}
		v.within("ping, unload, load and first token", time.Since(began), 10*time.Second+250*time.Millisecond+2*time.Second+100*time.Millisecond)
	})
}

func TestPingOfAFrozenRunnerHoldsUpAnUnload(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.FreezeRunner())
		probe := v.background(v.Context(), "/api/chat", chat(""))
		time.Sleep(3 * time.Second)
		began := time.Now()
		v.ask("/api/generate", `{"model":"qwen3:32b","keep_alive":0}`)
		v.within("the unload", time.Since(began), 7*time.Second)
		<-probe
	})
}

func TestKilledRunnerCutsStreamsAndIsReplaced(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		killed := v.runners()[0].PID
		native := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":500}`))
		time.Sleep(time.Second)
		waiting := v.background(v.Context(), "/v1/chat/completions", chat(`,"stream":true`))
		time.Sleep(time.Second)
		v.must(v.KillRunner())
		lines := <-native
		if last := lines[len(lines)-1]; last != `{"error":"an error was encountered while running the model: unexpected EOF"}` {
			v.Errorf("the stream ended with %s", last)
		}
		if lines := <-waiting; len(lines) != 1 || !strings.Contains(lines[0], `"model":""`) {
			v.Errorf("the waiting stream says %q, want an empty chunk and no end", lines)
		}
		if len(v.runners()) != 0 || len(v.ps()) != 1 {
			v.Error("the dead runner should be gone from the processes and still be listed")
		}
		if status, _ := v.ask("/api/chat", chat("")); status != 200 || v.runners()[0].PID == killed {
			v.Error("the next request did not load the model again")
		}
	})
}

func TestRunnerKilledInPromptOrLoadIsAnError(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		loading := v.background(v.Context(), "/api/chat", chat(""))
		time.Sleep(time.Second)
		v.must(v.KillRunner())
		if lines := <-loading; lines[0] != `{"error":"llama runner process has terminated: signal: killed"}` {
			v.Errorf("killed while loading: %q", lines)
		}
		v.ask("/api/generate", load)
		prompt := v.background(v.Context(), "/api/chat", chat(""))
		time.Sleep(50 * time.Millisecond)
		v.must(v.KillRunner())
		if lines := <-prompt; !strings.Contains(lines[0], "model runner has unexpectedly stopped") {
			v.Errorf("killed before the first token: %q", lines)
		}
	})
}

func TestFrozenServerAcceptsAndIsSilent(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.must(v.FreezeServer())
		conn, err := v.Dial(v.Context(), "tcp", "ollama:11434")
		if err != nil {
			v.Fatalf("a frozen server refuses connections: %v", err)
		}
		conn.Close()
		ctx, leave := context.WithTimeout(v.Context(), time.Hour)
		defer leave()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ollama/api/tags", nil)
		v.must(err)
		if response, err := v.client.Do(request); err == nil {
			response.Body.Close()
			v.Error("a frozen server answered")
		}
		began := time.Now()
		v.must(v.Restart(v.Context(), v.inspect().Identity, 5*time.Second))
		v.within("the restart", time.Since(began), 5*time.Second)
		time.Sleep(301 * time.Millisecond)
		if got := v.get("/"); got != "Ollama is running" {
			v.Errorf("after the restart it says %s", got)
		}
	})
}

func TestThawedServerGoesOn(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		answer := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":100}`))
		time.Sleep(3 * time.Second)
		v.must(v.FreezeServer())
		before := v.activity().CPU
		time.Sleep(time.Minute)
		if used := v.activity().CPU - before; used != 0 {
			v.Errorf("a frozen server used %s of CPU", used)
		}
		v.must(v.ThawServer())
		if lines := <-answer; len(lines) != 101 {
			v.Errorf("after the thaw the answer has %d lines", len(lines))
		}
	})
}

func TestCrashCutsStreamsAndThePolicyBringsItBack(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		time.Sleep(time.Minute)
		stream := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":500}`))
		time.Sleep(time.Second)
		before := v.inspect()
		v.must(v.Crash())
		if lines := <-stream; !strings.HasPrefix(lines[len(lines)-1], "cut: unexpected EOF") {
			v.Errorf("the stream ended with %q", lines[len(lines)-1])
		}
		if c := v.inspect(); c.Status != evidence.Restarting || c.ExitCode != 137 || c.StartedAt != before.StartedAt {
			v.Errorf("after the crash: %+v", c)
		}
		if _, err := v.Dial(v.Context(), "tcp", "ollama:11434"); err == nil || !strings.Contains(err.Error(), "connection refused") {
			v.Errorf("a dead server is dialled with %v", err)
		}
		time.Sleep(410 * time.Millisecond)
		if c := v.inspect(); c.Status != evidence.Running || c.RestartCount != 1 || c.ID != before.ID || !c.StartedAt.After(before.StartedAt) {
			v.Errorf("after the policy's restart: %+v", c)
		}
		if len(v.ps()) != 0 {
			v.Error("the models survived the crash")
		}
	})
}

func TestRestartPolicyBacksOff(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		time.Sleep(time.Minute)
		down := func() time.Duration {
			v.must(v.Crash())
			began := time.Now()
			for v.inspect().Status != evidence.Running {
				time.Sleep(time.Millisecond)
			}
			return time.Since(began)
		}
		v.within("the first pause", down(), 100*time.Millisecond)
		v.within("the second pause", down(), 200*time.Millisecond)
		v.within("the third pause", down(), 400*time.Millisecond)
		time.Sleep(10 * time.Second)
		v.within("the pause after a good run", down(), 100*time.Millisecond)
	})
}

func TestSlowServerWorksAllTheTimeWithLessCPU(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.Slow(20)
		began := time.Now()
		before := v.activity().CPU
		v.ask("/api/chat", chat(`,"options":{"num_predict":11}`))
		v.within("the slow answer", time.Since(began), 20*(100+10*20)*time.Millisecond)
		v.within("its CPU time", v.activity().CPU-before, 300*time.Millisecond)
	})
}

func TestBypassOccupiesTheSlot(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		done := make(chan error, 1)
		go func() { done <- v.Bypass(v.Context(), qwen, 500) }()
		time.Sleep(time.Second)
		began := time.Now()
		v.ask("/api/chat", chat(`,"options":{"num_predict":1}`))
		v.within("the wait behind the other client", time.Since(began), 100*time.Millisecond+499*20*time.Millisecond-time.Second+100*time.Millisecond)
		v.must(<-done)
		if err := v.Bypass(v.Context(), "nope", 1); err == nil || !strings.Contains(err.Error(), "not found") {
			v.Errorf("a bypass to an unknown model says %v", err)
		}
	})
}
