package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// observes is what the keeper is to do about an observation alone.
func observes(k *Keeper, seen watch.Observation) []Act {
	k.turn.acts = nil
	return k.decides(func(k *Keeper) { k.observe(seen) })
}

// kicks are all that are woken by an observation.
func kicks(acts []Act) (all Kick) {
	for _, a := range acts {
		if one, is := a.(Kick); is {
			all = Kick{all.TCP || one.TCP, all.API || one.API, all.Models || one.Models, all.Inspect || one.Inspect, all.Hint || one.Hint}
		}
	}
	return all
}

func TestAConnectionAfterARefusalIsToANewRun(t *testing.T) {
	connected := watch.TCPProbed{Result: evidence.ProbeResult{Probe: evidence.ProbeTCP, Outcome: evidence.Success}, Across: true}
	anew := func(o watch.TCPProbed) func(*Keeper) bool {
		return func(k *Keeper) bool {
			if _, told := did[Probed](observes(k, o)); !told {
				t.Error("the probe is not told of")
			}
			return k.Generation() == 2
		}
	}
	refuses := func(k *Keeper) { another(k); byItself(k); silentPort(k) }
	check(t, anew(connected), map[string]decided[bool]{
		"where the server is not the container": when(true, refuses),
		"not where it is":                       when(false, silentPort),
		"not where it was not refused":          when(false, another),
		"not during a remedy":                   when(false, refuses, func(k *Keeper) { k.remedy.running = true }),
	})
	refused := watch.TCPProbed{Result: evidence.ProbeResult{Outcome: evidence.Failure, Refused: true}}
	check(t, anew(refused), map[string]decided[bool]{"not another refusal": when(false, refuses)})
	k := serving(silentPort)
	if observes(k, connected); k.seen.Server.TCP.Successes != 1 {
		t.Errorf("%+v", k.seen.Server.TCP)
	}
}

func TestAServerAcrossHostsIsHeardByItsNetwork(t *testing.T) {
	for across, want := range map[bool]bool{true: true, false: false} {
		k := serving(atWork)
		observes(k, watch.TCPProbed{Result: passed, Across: across})
		role := &k.seen.Role
		for i := range 9 { // its CPU works, and nothing leaves it
			at := ago(time.Minute - time.Duration(i)*time.Second)
			role.Read(at, evidence.Activity{SeenAt: at, CPU: time.Duration(i) * time.Second, NetTx: 1000})
			role.Heard(at.Add(100*time.Millisecond), at.Add(200*time.Millisecond))
		}
		if role.Idle() != want {
			t.Errorf("across: %v, another server: %v", across, role.Idle())
		}
	}
}

func TestTheListOfModels(t *testing.T) {
	listed := evidence.ProbeResult{Probe: evidence.ProbeAPI, Outcome: evidence.Success, Answered: true, At: now}
	odd := evidence.ProbeResult{Outcome: evidence.Failure, Answered: true, At: now}
	lacking := evidence.ProbeResult{Outcome: evidence.Failure, Answered: true, Missing: true, At: now}
	silent := evidence.ProbeResult{Outcome: evidence.Failure, At: now}
	lost := evidence.ProbeResult{Outcome: evidence.Failure, Unresolved: true, At: now}
	unanswered := func(k *Keeper) { k.seen.Server.Answered = false }
	gone := func(k *Keeper) {
		container(evidence.Exited)(k)
		k.seen.Role.Follow(ago(time.Second), ago(time.Second), k.seen.Container.Seen)
	}
	for name, c := range map[string]struct {
		given            []given
		result           evidence.ProbeResult
		kick             Kick
		asksWho, answers bool // whether the server is asked for its version, and is known to answer
		probes           bool // whether the model is asked at once
	}{
		"comes":                               {nil, listed, Kick{}, false, true, false},
		"comes for the first time":            {[]given{unanswered}, listed, Kick{Hint: true}, false, true, false},
		"comes, and the container is gone":    {[]given{gone}, listed, Kick{Inspect: true}, false, true, false},
		"lacks the model, and it is gone":     {[]given{gone}, lacking, Kick{Inspect: true}, false, true, false},
		"began before it was gone":            {[]given{gone}, func() evidence.ProbeResult { r := listed; r.Took = time.Minute; return r }(), Kick{}, false, true, false},
		"is odd":                              {nil, odd, Kick{}, false, true, false},
		"is odd, and the container is gone":   {[]given{gone}, odd, Kick{}, true, true, false},
		"does not come":                       {nil, silent, Kick{}, false, true, true},
		"does not come, and it is gone":       {[]given{gone}, silent, Kick{}, false, true, true},
		"does not come again":                 {[]given{func(k *Keeper) { k.seen.Server.API = failures(1, silent) }}, silent, Kick{}, false, true, false},
		"does not come before it is ready":    {[]given{stands(Verifying)}, silent, Kick{}, false, true, false},
		"does not come from where nothing is": {nil, lost, Kick{}, false, true, false},
		"has not come yet":                    {[]given{unanswered}, silent, Kick{}, false, false, true},
	} {
		k := serving(c.given...)
		acts := observes(k, watch.APIProbed{Result: c.result})
		_, asks := did[AskVersion](acts)
		_, told := did[Probed](acts)
		if kicks(acts) != c.kick || asks != c.asksWho || !told || k.seen.Server.Answered != c.answers || k.probes.next.Equal(now) != c.probes {
			t.Errorf("%s: %+v, %+v, the next probe at %s", name, acts, k.seen.Server, k.probes.next)
		}
	}
}

func TestTheListOfModelsTellsTheirSize(t *testing.T) {
	k := serving(func(k *Keeper) { k.seen.Refused.Model = otherOne })
	observes(k, watch.APIProbed{Listed: []watch.Listed{{Name: "main", Bytes: 1}, {Name: "other", Bytes: 2}, {Name: "third", Bytes: 3}}})
	if k.seen.Focused().Size != 1 || k.seen.Models.Get(otherOne).Size != 2 || k.seen.Models.Get("third:latest").Size != 0 {
		t.Errorf("%d, %d, %d", k.seen.Focused().Size, k.seen.Models.Get(otherOne).Size, k.seen.Models.Get("third:latest").Size)
	}
}

func TestTheListOfLoadedModels(t *testing.T) {
	deaf := func(k *Keeper) {
		k.seen.Server.TCP, k.seen.Server.API = failures(1, evidence.ProbeResult{}), failures(1, evidence.ProbeResult{})
	}
	for name, c := range map[string]struct {
		given given
		want  Kick
	}{
		"is no news":                        {func(*Keeper) {}, Kick{}},
		"is the first answer":               {func(k *Keeper) { k.seen.Server.Answered = false }, Kick{API: true}},
		"is news to the probes that failed": {deaf, Kick{TCP: true, API: true}},
	} {
		k := serving(c.given, func(k *Keeper) { k.looks.unlisted = true })
		if got := kicks(observes(k, watch.LoadedListed{Loaded: []evidence.LoadedModel{{Name: otherOne}}})); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
		if server := k.seen.Server; k.looks.unlisted || !server.IsLoaded(otherOne) || server.IsLoaded(mainOne) || !server.LoadedAt.Equal(now) || server.API.Failures > 0 {
			t.Errorf("%s: %+v", name, server)
		}
	}
	k := serving(fruitless(otherOne))
	observes(k, watch.LoadedListed{Loaded: []evidence.LoadedModel{{Name: otherOne}}})
	if !k.loads.lasting.listed.Equal(now) {
		t.Error("that a model lasts is not followed")
	}
}

func TestTheContainersCounters(t *testing.T) {
	reading := watch.ActivityRead{Asked: now, Reading: evidence.Activity{SeenAt: now.Add(time.Second), CPU: time.Hour}}
	k := serving()
	if observes(k, reading); !k.seen.Server.Pulse.SeenAt().Equal(now.Add(time.Second)) {
		t.Errorf("%+v", k.seen.Server.Pulse)
	}
	k = serving(another, atWork)
	if observes(k, reading); k.seen.Server.Pulse != (watch.Pulse{}) {
		t.Errorf("of another server's container: %+v", k.seen.Server.Pulse)
	}
	k = serving()
	for i := range 9 {
		at := ago(time.Minute - time.Duration(i)*time.Second)
		observes(k, watch.ActivityRead{Asked: at, Reading: evidence.Activity{SeenAt: at, CPU: time.Second}})
		k.heardServer(at.Add(100*time.Millisecond), at.Add(200*time.Millisecond))
	}
	if !k.seen.Role.Idle() {
		t.Error("that the container does nothing while the server answers is not seen")
	}
	k = serving(func(k *Keeper) { container(evidence.Exited)(k); k.seen.Role.Follow(now, now, k.seen.Container.Seen) })
	if _, asks := did[AskVersion](observes(k, reading)); !asks {
		t.Error("nobody is asked who answers")
	}
}

func TestWhatIsOnlyNoted(t *testing.T) {
	k := serving(open(undecided), pulls)
	for name, c := range map[string]struct {
		seen  watch.Observation
		noted func() bool
	}{
		"what a release is like":  {watch.ReleaseTold{PsBlocks: true}, func() bool { return k.seen.Server.PsBlocks }},
		"what the log says":       {watch.HintRead{Hint: evidence.GPUFound}, func() bool { return k.seen.Devices.Hint == evidence.GPUFound }},
		"the GPUs":                {watch.GPUsSeen{View: viewOf(gpuWith())}, func() bool { return k.seen.Devices.View.Known }},
		"an event":                {watch.EventTold{Event: event(evidence.ActionStop, "")}, func() bool { return k.seen.Container.Operator != (watch.Operator{}) }},
		"an inspection":           {inspection(evidence.Paused), func() bool { return k.seen.Container.Seen.Status == evidence.Paused }},
		"that a probe is overdue": {watch.ProbeOverdue{ID: 1, WaitsFor: "a first chunk"}, func() bool { return k.probes.find(1).waitsFor != "" }},
		"how far a pull is":       {watch.PullMoved{Status: "half"}, func() bool { return k.pull.status == "half" }},
		"a pause":                 {watch.PauseAsked{}, func() bool { return k.paused != nil }},
	} {
		if k.observe(c.seen); !c.noted() {
			t.Errorf("%s is not noted", name)
		}
	}
	k.turn.acts = nil
	if _, told := did[Operated](k.decides(func(k *Keeper) { k.observe(watch.RestartAsked{}) })); !told {
		t.Error("a restart that a person asks for is not")
	}
	if k.observe(watch.ResumeAsked{}); k.paused != nil {
		t.Error("nor that a pause ends")
	}
}
