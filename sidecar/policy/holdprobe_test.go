package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestWhatSpeaksAgainstAProbe(t *testing.T) {
	const load = "a model may be loading, and this Ollama does not tell what is loaded meanwhile"
	blocks := func(k *Keeper) { k.seen.Server.PsBlocks = true }
	waitsForLoad := inFlight(asking(otherOne, time.Second))
	quietly := func(k *Keeper) {
		draining(k)
		k.machine.Plan.WhenQuiet, k.remedy.drainedAt = true, now
	}
	check(t, func(k *Keeper) string { return k.holdProbe(k.picture()) }, map[string]decided[string]{
		"nothing":                              when(""),
		"a remedy":                             when("a remedy is under way", stands(Recovering)),
		"a drain at a quiet moment":            when("a remedy waits for the container to come to rest", quietly),
		"not one that still waits for streams": when("", quietly, func(k *Keeper) { k.remedy.drainedAt = time.Time{} }),
		"not one that cannot wait":             when("", quietly, func(k *Keeper) { k.machine.Plan.WhenQuiet = false }),
		"not one that was called off":          when("", quietly, func(k *Keeper) { k.machine.Plan = Plan{} }),
		"a load of the model":                  when("the model is being loaded", beingLoaded(mainOne)),
		"not one of another":                   when("", beingLoaded(otherOne)),
		"a pull":                               when("the model is being pulled", pulls),
		"a container that does not run":        when("the container does not run", container(evidence.Exited)),
		"not while nobody can ask the engine":  when("", container(evidence.Exited), engineLost),
		"not one that is not known yet":        when("", container(evidence.Exited), func(k *Keeper) { k.seen.Container.Known = false }),
		"a list that waits for a load":         when(load, blocks, atWork, waitsForLoad),
		"not if nothing may be loading":        when("", blocks, atWork),
		"nor if the list comes at once":        when("", atWork, waitsForLoad),
		"users who prove the same":             when("1 requests are in flight, and the server works on them", atWork, inFlight(asking(mainOne, time.Second))),
		"not users of another model":           when("", atWork, waitsForLoad),
		"not users whose answers are empty":    when("", atWork, inFlight(asking(mainOne, time.Second)), hollowly(mainOne)),
	})
}

func TestAProbeGoesOutBesideUsers(t *testing.T) {
	long, moments := 2*time.Minute, time.Second
	check(t, func(k *Keeper) bool { return k.whileInFlight(k.picture()) == "" }, map[string]decided[bool]{
		"not while the server works on them":           when(false, atWork, inFlight(asking(mainOne, moments))),
		"until the model has answered after an Xid":    when(true, atWork, inFlight(asking(mainOne, moments)), doubtedGPU, unproved),
		"not after that":                               when(false, atWork, inFlight(asking(mainOne, moments)), doubtedGPU),
		"not because nothing is proven":                when(false, atWork, inFlight(asking(mainOne, moments)), unproved),
		"until a server apart has answered":            when(true, inFlight(asking(mainOne, moments)), another, unproved),
		"not after that either":                        when(false, inFlight(asking(mainOne, moments)), another),
		"while one waits in a still server":            when(true, inFlight(asking(mainOne, 3*time.Second))),
		"while one does, though a stream has moved":    when(true, inFlight(asking(mainOne, 3*time.Second), chunk(otherOne, 2*time.Second)), lastTraffic(0)),
		"not while it has not waited for long":         when(false, inFlight(asking(mainOne, moments))),
		"in doubt, while one has no token":             when(true, atWork, inFlight(asking(mainOne, moments)), unclear(mainOne)),
		"when all have heard nothing for a minute":     when(true, atWork, inFlight(asking(mainOne, besideSilence))),
		"though one more has just come":                when(true, atWork, inFlight(asking(mainOne, long), asking(mainOne, moments))),
		"not a moment before":                          when(false, atWork, inFlight(asking(mainOne, besideSilence-1))),
		"not while the model moves for any of two":     when(false, atWork, inFlight(chunk(mainOne, moments), chunk(mainOne, long))),
		"not while the model moves for one":            when(false, atWork, inFlight(asking(mainOne, long), chunk(mainOne, besideSilence-1))),
		"though another model moves":                   when(true, atWork, inFlight(asking(mainOne, long), chunk(otherOne, moments))),
		"when its last piece came a minute ago":        when(true, atWork, inFlight(chunk(mainOne, long), chunk(mainOne, besideSilence))),
		"not if an answer ended within a minute":       when(false, atWork, inFlight(asking(mainOne, long)), lastTraffic(besideSilence-1)),
		"when that was a minute ago":                   when(true, atWork, inFlight(asking(mainOne, long)), lastTraffic(besideSilence)),
		"when nobody sees the server, and it is still": when(true, unwatched, inFlight(asking(mainOne, moments), asking(mainOne, 30*time.Second))),
		"not before that is silence":                   when(false, unwatched, inFlight(asking(mainOne, 10*time.Second))),
	})
}

func TestOnlyProbesKeepTheModelInMemory(t *testing.T) {
	readySince := func(d time.Duration) given { return func(k *Keeper) { k.since = ago(d) } }
	keepAlive := func(d time.Duration) given { return func(k *Keeper) { k.settings.KeepAlive = d } }
	check(t, (*Keeper).resting, map[string]decided[bool]{
		"not before its keep-alive has passed": when(false, readySince(5*time.Minute)),
		"after that":                           when(true, readySince(5*time.Minute+1)),
		"not while a client's holds":           when(false, readySince(hour), lastTraffic(5*time.Minute)),
		"after a client's":                     when(true, readySince(hour), lastTraffic(5*time.Minute+1)),
		"not because of one before that":       when(false, readySince(time.Minute), lastTraffic(hour)),
		"not if it is to stay for ever":        when(false, readySince(hour), keepAlive(-1)),
		"but if it is not to stay at all":      when(true, keepAlive(0)),
		"not before it is ready":               when(false, readySince(hour), stands(Verifying)),
	})
}

func TestAModelMayBeLoading(t *testing.T) {
	waits := inFlight(asking(otherOne, time.Second))
	rests := func(d time.Duration) given {
		return func(k *Keeper) {
			k.seen.Server.Pulse = watched(time.Second)
			cpu := (10 * time.Minute).Nanoseconds()
			k.seen.Server.Pulse = k.seen.Server.Pulse.Add(evidence.Activity{SeenAt: now.Add(d), CPU: time.Duration(cpu)})
			k.turn.now = now.Add(d)
		}
	}
	check(t, (*Keeper).mayLoad, map[string]decided[bool]{
		"for a request without a chunk":          when(true, atWork, waits),
		"not without one":                        when(false, atWork),
		"not for one that has a chunk":           when(false, atWork, inFlight(chunk(otherOne, 0))),
		"not for a model that is there":          when(false, atWork, inFlight(asking(mainOne, time.Second))),
		"for the second of two":                  when(true, atWork, inFlight(asking(mainOne, time.Second)), waits),
		"until a load would have come to naught": when(true, atWork, inFlight(asking(otherOne, 10*time.Minute-1))),
		"not after that":                         when(false, atWork, inFlight(asking(otherOne, 10*time.Minute))),
		"not in a server at rest":                when(false, waits),
		"in one that has rested for a moment":    when(true, rests(loadMoves-time.Second), waits),
		"not in one that has rested for longer":  when(false, rests(loadMoves), waits),
		"in one that nobody sees":                when(true, unwatched, waits),
		"for a check of Clawgate's own":          when(true, atWork, func(k *Keeper) { k.check.running = true }),
	})
}

func TestTheListOfLoadedModelsIsWanted(t *testing.T) {
	read := func(d time.Duration) given { return func(k *Keeper) { k.seen.Server.LoadedAt = ago(d) } }
	unlisted := func(k *Keeper) { k.looks.unlisted = true }
	wants := func(k *Keeper) bool {
		in := k.turn.Inputs
		k.turn = turn{now: ago(hour)} // what the last turn knew
		return k.WantsLoaded(now, in)
	}
	check(t, wants, map[string]decided[bool]{
		"not while it is fresh":                       when(false, lastTraffic(0)),
		"when it is old, and users prove the model":   when(true, read(30*time.Second), lastTraffic(0)),
		"not a moment before":                         when(false, read(30*time.Second-1), lastTraffic(0)),
		"not if a probe will read it":                 when(false, read(hour), lastTraffic(30*time.Second)),
		"while none does":                             when(true, read(hour), lastTraffic(30*time.Second-1)),
		"after a load":                                when(true, unlisted),
		"not before the model is ready":               when(false, unlisted, stands(Verifying)),
		"not during a load":                           when(false, unlisted, beingLoaded(otherOne)),
		"not before the server has answered":          when(false, unlisted, func(k *Keeper) { k.seen.Server.Answered = false }),
		"not while a request may have a model loaded": when(false, unlisted, atWork, inFlight(asking(otherOne, time.Second))),
	})
}

func TestOllamasLogIsWorthALook(t *testing.T) {
	gpu := func(k *Keeper) { k.seen.Container.Seen.GPURequested = true }
	check(t, (*Keeper).WantsHint, map[string]decided[bool]{
		"not without a GPU":             when(false),
		"where there is one":            when(true, gpu),
		"not once it has told":          when(false, gpu, func(k *Keeper) { k.seen.Devices.Hint = evidence.GPUFound }),
		"not before the server answers": when(false, gpu, func(k *Keeper) { k.seen.Server.Answered = false }),
	})
}
