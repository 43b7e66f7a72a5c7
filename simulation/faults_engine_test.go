package simulation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

func TestStartsThatFailAreNotTriedAgain(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.FailStarts(2, "driver failed programming external connectivity")
		v.must(v.Crash()) // the policy's start fails too
		time.Sleep(time.Hour)
		c := v.inspect()
		if c.Status != evidence.Exited || c.ExitCode != 128 || c.StartError != "driver failed programming external connectivity" {
			v.Errorf("an hour later the container is %+v", c)
		}
		if err := v.Start(v.Context(), c.Identity); !errors.Is(err, evidence.ErrStartFailed) || !strings.Contains(err.Error(), c.StartError) {
			v.Errorf("a start says %v", err)
		}
		v.must(v.Start(v.Context(), c.Identity))
		time.Sleep(time.Second)
		v.looksHealthy()
		if v.inspect().StartError != "" {
			v.Error("the error of an earlier start is kept")
		}
	})
}

func TestMissedExitLeavesTheServerAnswering(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.StickStop(true)
		before := v.inspect()
		began := time.Now()
		err := v.Stop(v.Context(), before.Identity, 30*time.Second)
		if !errors.Is(err, evidence.ErrWontDie) || !strings.Contains(err.Error(), "tried to kill container, but did not receive an exit event") {
			v.Errorf("the stop says %v", err)
		}
		v.within("the stop", time.Since(began), 44*time.Second)
		if c := v.inspect(); c.Status != evidence.Running || c.Identity != before.Identity {
			v.Errorf("after it the container is %+v", c)
		}
		v.answers(chat(shortReply))
		v.StickStop(false)
		v.must(v.Restart(v.Context(), before.Identity, 30*time.Second))
		time.Sleep(time.Second)
		v.answers(chat(shortReply))
	})
}

func TestLostEventsSayNothingAndInspectionsDo(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		events, stop := v.record()
		defer stop()
		v.LoseEvents(true)
		v.must(v.OperatorStop(v.Context()))
		if v.inspect().Status != evidence.Exited {
			v.Error("the inspection does not show the stop")
		}
		v.LoseEvents(false)
		v.must(v.OperatorStart(v.Context()))
		if got := events(); got != "resync, start" {
			v.Errorf("the events are %s", got)
		}
	})
}

func TestSlowEngineTakesItsTime(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.SlowEngine(20 * time.Second)
		began := time.Now()
		id := v.inspect().Identity
		v.within("the inspection", time.Since(began), 20*time.Second)
		ctx, cancel := context.WithTimeout(v.Context(), 5*time.Second)
		defer cancel()
		if _, err := v.Activity(ctx); !errors.Is(err, context.DeadlineExceeded) {
			v.Errorf("the impatient get %v", err)
		}
		if err := v.Serving(); !errors.Is(err, simulation.ErrNoRunner) {
			v.Errorf("without a loaded model the world says %v", err)
		}
		v.answers(askLlama)
		began = time.Now()
		v.must(v.Serving())
		v.within("a look past the engine", time.Since(began), 0)
		v.must(v.Restart(v.Context(), id, time.Minute))
		v.within("the restart", time.Since(began), 20*time.Second+300*time.Millisecond)
		v.SlowEngine(0)
		began = time.Now()
		v.inspect()
		v.within("the inspection after it", time.Since(began), 0)
	})
}

func TestAddressMovesAtTheNextStart(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		old := v.inspect().Address
		reaches := func(host string) bool {
			conn, err := v.Dial(v.Context(), "tcp", host+":11434")
			if err != nil {
				return false
			}
			conn.Close()
			return true
		}
		v.MoveAddress()
		if v.inspect().Address != old || !reaches(old) {
			v.Error("the address moved before the start")
		}
		v.restart()
		moved := v.inspect().Address
		if moved == old || reaches(old) || !reaches(moved) || !reaches("ollama") {
			v.Errorf("the address was %s and is %s", old, moved)
		}
		v.restart()
		if v.inspect().Address != moved {
			v.Error("it moved once more")
		}
	})
}

func TestSilentStartAcceptsAndAnswersLater(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.SilentStart(time.Minute)
		v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
		began := time.Now()
		time.Sleep(time.Second)
		conn, err := v.Dial(v.Context(), "tcp", "ollama:11434")
		v.must(err)
		conn.Close()
		if hint := v.hint(); hint != evidence.GPUHintUnknown {
			v.Errorf("it has found its GPUs already: %s", hint)
		}
		ctx, cancel := context.WithTimeout(v.Context(), 10*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ollama/api/version", nil)
		v.must(err)
		if response, err := v.client.Do(request); err == nil {
			response.Body.Close()
			v.Error("it answers")
		}
		v.looksHealthy() // waits
		v.within("the silence", time.Since(began), time.Minute+300*time.Millisecond)
		if hint := v.hint(); hint != evidence.GPUFound {
			v.Errorf("after it the log says %s", hint)
		}
		v.must(v.Stop(v.Context(), v.inspect().Identity, time.Minute))
		v.must(v.Start(v.Context(), v.inspect().Identity))
		time.Sleep(time.Second)
		began = time.Now()
		v.must(v.Stop(v.Context(), v.inspect().Identity, time.Minute))
		v.within("the stop of a silent server", time.Since(began), 300*time.Millisecond)
	})
}

func TestFullDiskEndsPullsAlone(t *testing.T) {
	config := usual()
	config.Models = append(config.Models, simulation.Model{Name: "new:1b", Missing: true, PullTakes: 20 * time.Second})
	inWorld(t, config, func(v *visit) {
		pull := v.background(v.Context(), "/api/pull", `{"model":"new:1b"}`)
		time.Sleep(5 * time.Second)
		v.FillDisk(true)
		lines := <-pull
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, `{"error":"`) || !strings.HasSuffix(last, `no space left on device"}`) {
			v.Errorf("the pull ended with %s", last)
		}
		v.looksHealthy()
		v.answers(chat(shortReply))
		v.FillDisk(false)
		began := time.Now()
		lines = <-v.background(v.Context(), "/api/pull", `{"model":"new:1b"}`)
		if last := lines[len(lines)-1]; last != `{"status":"success"}` {
			v.Errorf("the next pull ended with %s", last)
		}
		v.within("the rest of the pull", time.Since(began), 15*time.Second)
	})
}
