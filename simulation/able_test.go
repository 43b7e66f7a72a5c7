package simulation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

func TestAbleTellsWhatSpeaksAgainstAnAnswer(t *testing.T) {
	inBoth(t, func(v *visit) {
		v.speaks(chatWith(qwen))
		time.Sleep(time.Second) // the request has let go of its runner
		for name, fault := range map[string]struct {
			on, off func()
			model   string
		}{
			"a frozen runner":     {func() { v.must(v.FreezeRunnerOf(persona)) }, func() { v.must(v.ThawRunnerOf(qwen)) }, qwen},
			"a spinning runner":   {func() { v.must(v.SpinRunnerOf(qwen)) }, func() { v.must(v.ThawRunner()) }, qwen},
			"a frozen server":     {func() { v.must(v.FreezeServer()) }, func() { v.must(v.ThawServer()) }, llama},
			"an overload":         {func() { v.Overload(true) }, func() { v.Overload(false) }, qwen},
			"half a file":         {func() { v.DamageFile(llama, simulation.Half) }, func() { v.Mend(llama) }, llama},
			"no file":             {func() { v.DamageFile(qwen, simulation.Gone) }, func() { v.Mend(qwen) }, qwen},
			"a broken adapter":    {func() { v.BreakAdapter(adapted, true) }, func() { v.Mend(adapted) }, adapted},
			"loads that stand":    {func() { v.StallLoads(true) }, func() { v.StallLoads(false) }, llama},
			"no memory":           {func() { v.FailMemory(llama, true) }, func() { v.Mend(llama) }, llama},
			"another's memory":    {func() { v.Foreign(46 * gib) }, func() { v.Foreign(0) }, llama},
			"a poisoned model":    {func() { v.Poison(qwen, true) }, func() { v.Mend(qwen) }, qwen},
			"worthless answers":   {func() { v.Hollow(qwen, "@", true) }, func() { v.Mend(qwen) }, qwen},
			"a pause":             {func() { v.must(v.OperatorPause(v.Context())) }, func() { v.must(v.OperatorUnpause(v.Context())) }, qwen},
			"a driver that holds": {func() { v.StickDriver(true) }, func() { v.StickDriver(false) }, qwen},
		} {
			if err := v.Able(fault.model); err != nil {
				v.Errorf("before %s: %v", name, err)
			}
			fault.on()
			if v.Able(fault.model) == nil {
				v.Errorf("with %s it is able", name)
			}
			fault.off()
			if err := v.Able(fault.model); err != nil {
				v.Errorf("after %s: %v", name, err)
			}
		}
		if v.Able("nope") == nil {
			v.Error("a model that is not there is able")
		}
		busy := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":100}`))
		time.Sleep(time.Second)
		for model, able := range map[string]bool{qwen: false, persona: false, tuned: false, llama: true} { // all slots, and a runner in use
			if got := v.Able(model) == nil; got != able {
				v.Errorf("beside an answer %s is able: %v", model, got)
			}
		}
		<-busy
		v.must(v.DeadlockScheduler())
		if v.Able(qwen) != nil || v.Able(llama) == nil {
			v.Errorf("with a deadlock: %v, %v", v.Able(qwen), v.Able(llama))
		}
		v.restart()
		time.Sleep(time.Second)
		if err := v.Able(qwen); err != nil {
			v.Errorf("after a restart: %v", err)
		}
	})
}

// TestAModelThatLoadsIsAbleWhileTheLoadMoves.
func TestAModelThatLoadsIsAbleWhileTheLoadMoves(t *testing.T) {
	inBoth(t, func(v *visit) {
		loads := v.background(v.Context(), "/api/generate", load)
		time.Sleep(time.Second)
		if err := v.Able(qwen); err != nil {
			v.Errorf("while it loads: %v", err)
		}
		v.StallLoads(true)
		if v.Able(qwen) == nil {
			v.Error("it is able while the load stands still")
		}
		v.StallLoads(false)
		<-loads
	})
}

// TestAnOldServerThatWaitsPlacesNobody, and a new one those that are loaded.
func TestAnOldServerThatWaitsPlacesNobody(t *testing.T) {
	for version, serves := range map[string]bool{"0.9.6": false, "0.32.14": true} {
		inWorld(t, weights(version), func(v *visit) {
			v.ask("/api/generate", load)
			v.ask("/api/generate", loadLlama)
			v.must(v.StickRunner())
			v.ask("/api/generate", unload)
			if v.Able(qwen) == nil {
				v.Errorf("%s: a runner that is told to end is able", version)
			}
			reload := v.background(v.Context(), "/api/chat", chat(shortReply))
			time.Sleep(time.Second)
			if able := v.Able(llama) == nil; able != serves {
				v.Errorf("%s: beside a wait for an unload a loaded model is able: %v", version, able)
			}
			if v.Able(embedder) == nil {
				v.Errorf("%s: beside a wait for an unload another one is loaded", version)
			}
			v.must(v.KillRunner())
			<-reload
		})
	}
}

// TestADeadlockSparesWhatIsLoaded, though a request waits.
func TestADeadlockSparesWhatIsLoaded(t *testing.T) {
	inBoth(t, func(v *visit) {
		v.ask("/api/generate", load)
		v.must(v.DeadlockScheduler())
		ctx, leave := context.WithCancel(v.Context())
		waits := v.background(ctx, "/api/chat", askLlama)
		time.Sleep(time.Second)
		if err := v.Able(qwen); err != nil || v.Able(llama) == nil {
			v.Errorf("the loaded one: %v, the other: %v", err, v.Able(llama))
		}
		leave()
		<-waits
	})
}

func TestAServerThatStartsIsNotAble(t *testing.T) {
	c := weights("0.9.6")
	c.StartTakes = 10 * time.Second
	inWorld(t, c, func(v *visit) {
		v.must(v.Crash())
		time.Sleep(5 * time.Second)
		if v.Able(qwen) == nil {
			v.Error("it does not listen yet, and is able")
		}
		time.Sleep(10 * time.Second)
		if err := v.Able(qwen); err != nil {
			v.Error(err)
		}
		v.SilentStart(time.Minute)
		v.must(v.Crash())
		time.Sleep(20 * time.Second)
		if v.Able(qwen) == nil {
			v.Error("it looks for GPUs, and is able")
		}
	})
}

// TestRoomIsMadeOfWhatIsIdle: a model that does not fit waits for what is in use.
func TestRoomIsMadeOfWhatIsIdle(t *testing.T) {
	for name, change := range map[string]func(*simulation.Config){
		"of the memory": func(c *simulation.Config) { c.GPUBytes = 22 * gib },
		"of the list":   func(c *simulation.Config) { c.MaxLoaded = 1 },
	} {
		c := weights("0.32.14")
		change(&c)
		inWorld(t, c, func(v *visit) {
			v.speaks(chatWith(qwen))
			time.Sleep(time.Second)
			if err := v.Able(llama); err != nil {
				v.Errorf("%s: beside an idle model: %v", name, err)
			}
			busy := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":100}`))
			time.Sleep(time.Second)
			if v.Able(llama) == nil {
				v.Errorf("%s: it is able beside a model in use", name)
			}
			<-busy
		})
	}
}

// TestWhoIsAbleAnswers: after any faults, a request for a model that is said to be able
// is answered, as soon as it was loaded.
func TestWhoIsAbleAnswers(t *testing.T) {
	asked := 0
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			config := weights([]string{"0.9.6", "0.32.14"}[seed%2])
			config.Seed = seed
			inWorld(t, config, func(v *visit) { asked += v.askTheAble(rand.New(rand.NewPCG(seed, 4))) })
		})
	}
	if asked < 200 {
		t.Errorf("only %d were able", asked)
	}
}

func (v *visit) askTheAble(random *rand.Rand) (asked int) {
	broken := slices.Concat(switches, []struct {
		name string
		on   func(v *visit)
		off  func(v *visit)
	}{
		{"files", func(v *visit) { v.DamageFile(llama, simulation.Damage(1+random.IntN(3))) }, func(v *visit) { v.Mend(llama) }},
		{"adapter", func(v *visit) { v.BreakAdapter(adapted, true) }, func(v *visit) { v.Mend(adapted) }},
		{"one runner", func(v *visit) { _ = v.FreezeRunnerOf(embedder) }, func(v *visit) { _ = v.ThawRunnerOf(embedder) }},
	})
	for range 40 {
		one := broken[random.IntN(len(broken))]
		if random.IntN(2) == 0 || one.off == nil {
			one.on(v)
		} else {
			one.off(v)
		}
		time.Sleep(time.Duration(random.IntN(20_000)) * time.Millisecond)
		model := []string{qwen, persona, tuned, adapted, llama, embedder}[random.IntN(6)]
		path, body := "/api/chat", chatWith(model)
		if model == embedder {
			path, body = "/api/embed", `{"model":"embedder","input":"a"}`
		}
		able := v.Able(model)
		ctx, cancel := context.WithTimeout(v.Context(), 30*time.Second)
		response, err := v.post(ctx, path, body)
		switch {
		case able != nil:
		case err != nil:
			v.Errorf("after %s %s is able, and says nothing: %v", one.name, model, err)
		case response.StatusCode != http.StatusOK:
			v.Errorf("after %s %s is able, and says %d %q", one.name, model, response.StatusCode, v.lines(response))
		default:
			asked++
		}
		if err == nil {
			response.Body.Close()
		}
		cancel()
		time.Sleep(10 * time.Second) // what it has begun ends
	}
	return asked
}
