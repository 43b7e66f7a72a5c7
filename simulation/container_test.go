package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/simulation"
)

// record keeps the container's events from now on.
func (v *visit) record() (events func() string, stop func()) {
	ctx, cancel := context.WithCancel(v.Context())
	var seen []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = v.Events(ctx, func(e evidence.ContainerEvent) {
			text := string(e.Action)
			switch e.Action {
			case evidence.ActionKill:
				text += " " + e.Signal
			case evidence.ActionDie:
				text += fmt.Sprint(" ", e.ExitCode)
			default:
			}
			seen = append(seen, text)
		})
	}()
	synctest.Wait() // it is subscribed
	return func() string {
			synctest.Wait()
			return strings.Join(seen, ", ")
		}, func() {
			cancel()
			<-done
		}
}

func TestActsAreSeenInEventsAndInspection(t *testing.T) {
	for _, test := range []struct {
		name   string
		act    func(v *visit) error
		status evidence.Status // an hour later
		code   int
		events string
	}{
		{"docker stop", func(v *visit) error { return v.OperatorStop(v.Context()) }, evidence.Exited, 0, "kill 15, die 0, stop"},
		{"docker kill", func(v *visit) error { return v.OperatorKill(v.Context()) }, evidence.Exited, 137, "kill 9, die 137"},
		{"docker pause", func(v *visit) error { return v.OperatorPause(v.Context()) }, evidence.Paused, 0, "pause"},
		{"docker rm -f", func(v *visit) error { return v.OperatorRemove(v.Context()) }, evidence.Absent, 0, "die 137, destroy"},
		{"recreate", func(v *visit) error { return v.OperatorRecreate(v.Context()) }, evidence.Running, 0, "die 137, destroy, create, start"},
		{"stop and start", func(v *visit) error {
			return errors.Join(v.OperatorStop(v.Context()), v.OperatorStart(v.Context()))
		}, evidence.Running, 0, "kill 15, die 0, stop, start"},
		{"pause and unpause", func(v *visit) error {
			return errors.Join(v.OperatorPause(v.Context()), v.OperatorUnpause(v.Context()))
		}, evidence.Running, 0, "pause, unpause"},
		{"our restart", func(v *visit) error {
			return v.Restart(v.Context(), v.inspect().Identity, time.Minute)
		}, evidence.Running, 0, "kill 15, die 0, stop, start"},
		{"our stop of a frozen server", func(v *visit) error {
			return errors.Join(v.FreezeServer(), v.Stop(v.Context(), v.inspect().Identity, time.Second))
		}, evidence.Exited, 137, "kill 15, kill 9, die 137, stop"},
		{"crash", func(v *visit) error { return v.Crash() }, evidence.Running, 0, "die 137, start"},
		{"crash and docker stop", func(v *visit) error {
			return errors.Join(v.Crash(), v.OperatorStop(v.Context()))
		}, evidence.Exited, 137, "die 137"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, usual(), func(v *visit) {
				events, stop := v.record()
				defer stop()
				v.must(test.act(v))
				time.Sleep(time.Hour)
				if c := v.inspect(); c.Status != test.status || c.ExitCode != test.code {
					v.Errorf("an hour later it is %s with exit code %d, want %s and %d", c.Status, c.ExitCode, test.status, test.code)
				}
				if got := events(); got != "resync, "+test.events {
					v.Errorf("the events are %s\nwant resync, %s", got, test.events)
				}
			})
		})
	}
}

// An adapter shows no more of the environment than is read of it.
func TestAllSettingsThatAreShownAreRead(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		if env := v.inspect().Env; len(env) == 0 || !maps.Equal(env, ollama.SettingsOf(env)) {
			v.Errorf("the environment is %v", env)
		}
	})
}

func TestWritesNameWhatWasJudged(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		old := v.inspect().Identity
		time.Sleep(time.Second)
		v.must(v.OperatorRecreate(v.Context()))
		if now := v.inspect(); now.ID == old.ID || !now.StartedAt.After(old.StartedAt) {
			v.Errorf("the recreated container is %+v", now.Identity)
		}
		for what, err := range map[string]error{
			"stop":    v.Stop(v.Context(), old, time.Second),
			"start":   v.Start(v.Context(), old),
			"restart": v.Restart(v.Context(), old, time.Second),
		} {
			if !errors.Is(err, evidence.ErrChanged) {
				v.Errorf("%s of an earlier run says %v", what, err)
			}
		}
		v.must(v.OperatorPause(v.Context()))
		if err := v.Restart(v.Context(), v.inspect().Identity, time.Second); !errors.Is(err, evidence.ErrPaused) {
			v.Errorf("a restart of a paused container says %v", err)
		}
	})
}

func TestStopGoesOnWithoutItsCaller(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.must(v.FreezeServer())
		ctx, leave := context.WithTimeout(v.Context(), time.Second)
		defer leave()
		if err := v.Stop(ctx, v.inspect().Identity, 30*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			v.Errorf("the stop says %v", err)
		}
		time.Sleep(30 * time.Second)
		if c := v.inspect(); c.Status != evidence.Exited {
			v.Errorf("the container is %s", c.Status)
		}
	})
}

func TestEngineAwayAnswersNothingAndServingGoesOn(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		events, stop := v.record()
		defer stop()
		id := v.inspect().Identity
		time.Sleep(time.Millisecond)
		v.EngineAway(true)
		_, inspect := v.Inspect(v.Context())
		_, activity := v.Activity(v.Context())
		_, processes := v.Processes(v.Context())
		for what, err := range map[string]error{
			"inspect": inspect, "activity": activity, "processes": processes, "restart": v.Restart(v.Context(), id, time.Second),
		} {
			if !errors.Is(err, simulation.ErrEngineAway) {
				v.Errorf("%s says %v", what, err)
			}
		}
		v.get("/api/tags")
		v.must(v.Crash())
		time.Sleep(time.Minute)
		if _, err := v.Dial(v.Context(), "tcp", "ollama:11434"); err == nil {
			v.Error("the restart policy acted without the engine")
		}
		v.EngineAway(false)
		time.Sleep(time.Second)
		v.get("/api/tags")
		if got := events(); got != "resync, engine_lost, resync, start" {
			v.Errorf("the events are %s", got)
		}
	})
}

func TestCountersAndGPUFollowTheWork(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		gpu := func() evidence.GPU {
			view := v.View(v.Context())
			if !view.Known || len(view.GPUs) != 1 {
				v.Fatalf("the view is %+v", view)
			}
			return view.GPUs[0]
		}
		if g := gpu(); g.UsedBytes != 0 || len(g.Processes) != 0 {
			v.Errorf("before any load the GPU holds %d bytes", g.UsedBytes)
		}
		answer := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":200}`))
		time.Sleep(time.Second)
		if g := gpu(); g.UsedBytes < 9*gib || g.UsedBytes > 11*gib {
			v.Errorf("half loaded the GPU holds %d bytes", g.UsedBytes)
		}
		if read := v.activity().BlockRead; read < 9*gib || read > 11*gib {
			v.Errorf("half loaded it has read %d bytes", read)
		}
		time.Sleep(1500 * time.Millisecond)
		before := v.activity()
		time.Sleep(time.Second)
		after := v.activity()
		v.within("a second's generation", after.CPU-before.CPU, time.Second)
		if after.NetTx <= before.NetTx || after.BlockRead != before.BlockRead {
			v.Errorf("generating, the counters went from %+v to %+v", before, after)
		}
		g := gpu()
		if g.UsedBytes != 20*gib || g.FreeBytes != 28*gib || *g.UtilizationPercent != 100 || g.Processes[0].PID != v.runners()[0].PID ||
			g.Processes[0].ContainerID != v.inspect().ID {
			v.Errorf("generating, the GPU is %+v", g)
		}
		<-answer
		v.must(v.OperatorStop(v.Context()))
		if g := gpu(); g.UsedBytes != 0 {
			v.Errorf("after the stop the GPU holds %d bytes", g.UsedBytes)
		}
		if _, err := v.Activity(v.Context()); !errors.Is(err, simulation.ErrNotRunning) {
			v.Errorf("the activity of a stopped container is %v", err)
		}
	})
}

func TestHostWithoutAGPUHasNoView(t *testing.T) {
	config := usual()
	config.GPUBytes = 0
	inWorld(t, config, func(v *visit) {
		v.ask("/api/generate", load)
		if view := v.View(v.Context()); view.Known || view.Reason == "" {
			v.Errorf("the view is %+v", view)
		}
		if models := v.ps(); models[0].SizeVRAM != 0 {
			v.Errorf("loaded are %+v", models)
		}
		lines, err := v.LogTail(v.Context(), 100)
		v.must(err)
		if log := strings.Join(lines, "\n"); !strings.Contains(log, "library=cpu") || !strings.Contains(log, `POST "/api/generate"`) {
			v.Errorf("the log is\n%s", log)
		}
	})
}

func TestSocketIsClosedWhileTheServerIsDown(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := usual()
	config.StartTakes, config.StopTakes = time.Millisecond, time.Millisecond
	world := simulation.New(config)
	ended := make(chan error, 2)
	worldCtx, end := context.WithCancel(ctx)
	go func() { ended <- world.Run(worldCtx) }()
	go func() { ended <- world.Serve(worldCtx, listener) }()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String()+"/api/version", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		return err
	}
	if err := get(); err != nil { // the socket is open, so this waits for the server
		t.Fatal(err)
	}
	if err := world.OperatorStop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := get(); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("while it is down a request says %v", err)
	}
	if err := world.OperatorStart(ctx); err != nil {
		t.Fatal(err)
	}
	for err := get(); err != nil; err = get() { // the kernel does not say when a socket opens
		if ctx.Err() != nil {
			t.Fatalf("it does not come back: %v", err)
		}
	}
	end()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
