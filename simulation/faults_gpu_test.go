package simulation_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// pace is how long a token of the model takes, beyond the first.
func (v *visit) pace(body string) time.Duration {
	v.Helper()
	began := time.Now()
	_, lines := v.ask("/api/chat", body)
	return (time.Since(began) / time.Duration(len(lines)-1)).Round(time.Millisecond)
}

func (v *visit) hint() evidence.GPUHint {
	v.Helper()
	hint, err := v.GPUHint(v.Context())
	v.must(err)
	return hint
}

func (v *visit) restart() {
	v.Helper()
	v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
	time.Sleep(time.Second)
}

const tokens100 = `,"options":{"num_predict":100}`

func TestLostNodesShowAtTheNextLoad(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		usualPace := v.pace(chat(tokens100))
		v.LoseGPU()
		if pace := v.pace(chat(tokens100)); pace != usualPace || v.ps()[0].SizeVRAM != 20*gib {
			v.Errorf("the loaded model takes %s a token, want %s", pace, usualPace)
		}
		v.ask("/api/generate", unload)
		v.ask("/api/generate", load)
		if models := v.ps(); models[0].SizeVRAM != 0 || models[0].Size != 20*gib {
			v.Errorf("loaded are %+v", models)
		}
		if g := v.gpu(); g.Lost || g.UsedBytes != 0 || len(g.Processes) != 0 {
			v.Errorf("the host sees %+v", g)
		}
		if pace := v.pace(chat(tokens100)); pace < 9*usualPace || pace > 11*usualPace {
			v.Errorf("on the CPU a token takes %s, on the GPU %s", pace, usualPace)
		}
		v.looksHealthy()
		if hint := v.hint(); hint != evidence.GPUFound {
			v.Errorf("the log of a server that found a GPU says %s", hint)
		}
		v.restart()
		v.ask("/api/generate", load)
		if v.ps()[0].SizeVRAM != 20*gib || v.pace(chat(tokens100)) != usualPace {
			v.Error("a restart does not bring the GPU back")
		}
	})
}

func TestBrokenGPUStaysAwayOverRestarts(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.BreakGPU(true)
		for range 2 {
			v.restart()
			v.ask("/api/generate", load)
			if v.hint() != evidence.GPUNotFound || v.ps()[0].SizeVRAM != 0 || v.gpu().UsedBytes != 0 {
				v.Errorf("the log says %s, loaded are %+v", v.hint(), v.ps())
			}
			v.looksHealthy()
		}
		v.BreakGPU(false)
		v.restart()
		v.ask("/api/generate", load)
		if v.hint() != evidence.GPUFound || v.ps()[0].SizeVRAM != 20*gib {
			v.Errorf("after the repair the log says %s, loaded are %+v", v.hint(), v.ps())
		}
	})
}

func TestLostDeviceIsPastHelp(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		answer := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":500}`))
		time.Sleep(time.Second)
		v.LoseDevice()
		v.Advise(evidence.AdviceReboot)
		if used := v.used(time.Minute); used > time.Second {
			v.Errorf("it uses %s", used)
		}
		v.silent("the chat", answer)
		v.looksHealthy()
		if g := v.gpu(); !g.Lost || g.MemoryKnown || g.ProcessesKnown || g.UtilizationPercent != nil || g.Advice != evidence.AdviceReboot {
			v.Errorf("the driver says %+v", g)
		}
		v.must(v.KillRunner())
		<-answer
		if status, lines := v.ask("/api/chat", chat("")); status != 500 {
			v.Errorf("a load says %d %q", status, lines)
		}
		v.restart()
		v.ask("/api/generate", load)
		if v.hint() != evidence.GPUNotFound || v.ps()[0].SizeVRAM != 0 || !v.gpu().Lost {
			v.Errorf("after a restart the log says %s, loaded are %+v", v.hint(), v.ps())
		}
		v.ResetGPU()
		v.restart()
		v.ask("/api/generate", load)
		if g := v.gpu(); g.Lost || g.Advice != "" || g.UsedBytes != 20*gib {
			v.Errorf("after a reset and a restart the driver says %+v", g)
		}
	})
}

func TestHeatSlowsDownAndAPowerCapDoesNot(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		usualPace := v.pace(chat(tokens100))
		v.Throttle(4, 1)
		if pace := v.pace(chat(tokens100)); pace != usualPace || *v.gpu().ClockReasons != 4 {
			v.Errorf("under a power cap a token takes %s, want %s", pace, usualPace)
		}
		v.Throttle(evidence.ClockHardwareThermal, 3)
		if pace := v.pace(chat(tokens100)); pace < 5*usualPace/2 || *v.gpu().ClockReasons != evidence.ClockHardwareThermal {
			v.Errorf("in the heat a token takes %s, otherwise %s", pace, usualPace)
		}
		v.looksHealthy()
		v.Throttle(0, 1)
		if pace := v.pace(chat(tokens100)); pace != usualPace || *v.gpu().ClockReasons != 0 {
			v.Errorf("after it a token takes %s, want %s", pace, usualPace)
		}
	})
}

func TestMismatchLetsRunWhatRunsAndStartsNothing(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.Mismatch(true)
		v.answers(chat(shortReply))
		v.looksHealthy()
		if view := v.View(v.Context()); !view.Known || !view.Mismatch || view.GPUs[0].UsedBytes != 20*gib {
			v.Errorf("the view is %+v", view)
		}
		err := v.Restart(v.Context(), v.inspect().Identity, time.Minute)
		if !errors.Is(err, evidence.ErrStartFailed) {
			v.Errorf("a restart says %v", err)
		}
		c := v.inspect()
		if c.Status != evidence.Exited || c.StartError != "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch" {
			v.Errorf("after it the container is %+v", c)
		}
		v.Mismatch(false)
		v.must(v.Start(v.Context(), c.Identity))
		time.Sleep(time.Second)
		v.answers(chat(shortReply))
		if v.inspect().StartError != "" {
			v.Error("the error of an earlier start is kept")
		}
	})
}

func TestViewCanBeWithheld(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.HideGPU("no permission")
		if view := v.View(v.Context()); view.Known || view.Reason != "no permission" {
			v.Errorf("the view is %+v", view)
		}
		v.HideGPU("")
		v.HangGPU(true)
		began := time.Now()
		if view := v.View(v.Context()); view.Known || view.Reason == "" {
			v.Errorf("the view is %+v", view)
		}
		v.within("the look", time.Since(began), 5*time.Second)
		ctx, cancel := context.WithTimeout(v.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if view := v.View(ctx); view.Known {
			v.Errorf("the view is %+v", view)
		}
		v.within("the look of the impatient", time.Since(began), time.Second)
		v.HangGPU(false)
		v.HideProcesses(true)
		if g := v.gpu(); g.ProcessesKnown || len(g.Processes) != 0 || g.UsedBytes != 20*gib {
			v.Errorf("the GPU is %+v", g)
		}
		v.answers(chat(shortReply)) // through all of it
		v.HideProcesses(false)
		if g := v.gpu(); !g.ProcessesKnown || len(g.Processes) != 1 {
			v.Errorf("the GPU is %+v", g)
		}
	})
}

func TestXidsReachWhoSubscribed(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.RaiseXid(31) // nobody listens
		ctx, cancel := context.WithCancel(v.Context())
		var seen []uint64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			v.Xids(ctx, func(x evidence.Xid) {
				if x.GPU != v.gpu().UUID || !x.At.Equal(time.Now()) {
					v.Errorf("reported is %+v", x)
				}
				seen = append(seen, x.Code)
			})
		}()
		synctest.Wait()
		v.RaiseXid(79)
		v.RaiseXid(154)
		synctest.Wait()
		cancel()
		<-ended
		v.RaiseXid(13)
		if !slices.Equal(seen, []uint64{79, 154}) {
			v.Errorf("reported were %v", seen)
		}
		v.answers(chat(shortReply)) // an error alone breaks nothing
	})
}
