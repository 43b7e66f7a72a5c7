package policy

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// given is one thing that is otherwise with a keeper.
type given = func(*Keeper)

// serving is a keeper of a server that is well and at rest, and was for ten minutes: its
// main model has proved itself and is the only one in memory. Nothing is due.
func serving(changes ...given) *Keeper {
	k := New(Settings{
		Model: "main", Main: mainOne, Container: "ollama", Pull: true, KeepAlive: 5 * time.Minute,
		FailureThreshold: 3, SuccessThreshold: 1, FirstChunkTimeout: 3 * time.Second, LoadTimeout: 10 * time.Minute,
		ReadyInterval: 30 * time.Second, RecheckInterval: 5 * time.Second, DrainTimeout: 10 * time.Minute, IdleWait: hour,
		RestartBudget: 3, RestartWindow: hour, LeakTolerance: 512 * mib,
	})
	k.Begin(ago(10*time.Minute), Inputs{})
	k.machine, k.since, k.gate = Machine{State: Ready}, ago(time.Minute), Gate{State: Ready, Proved: map[string]bool{}}
	k.judgement = verdict.Judgement{Verdict: verdict.Healthy, Need: verdict.Nothing, Answers: true}
	k.seen.Container.Inspected(evidence.Container{
		Identity: evidence.Identity{ID: "c1", StartedAt: ago(hour)}, Status: evidence.Running, RestartPolicy: "unless-stopped", SeenAt: now,
	}, now)
	k.seen.Role.Follow(now, now, k.seen.Container.Seen)
	server := &k.seen.Server
	server.TCP, server.API, server.Reached, server.Answered, server.Pulse = proved(), proved(), true, true, watched(0)
	server.Named, server.Told, server.LoadedAt = true, true, now
	server.Keeps([]evidence.LoadedModel{{Name: mainOne}}, true)
	k.seen.Focused().Streak, k.seen.Focused().Token = proved(), ago(time.Minute)
	k.probes.next = now.Add(hour)
	k.turn = turn{now: now}
	for _, change := range changes {
		change(k)
	}
	return k
}

// sees is a turn of the keeper's, at the time of the tables.
func (k *Keeper) sees(seen watch.Observation) []Act { return k.Turn(now, k.turn.Inputs, seen) }

// decides is what the keeper is to do after one of its decisions.
func (k *Keeper) decides(decision given) []Act {
	decision(k)
	return k.turn.acts
}

// did finds the first act of a kind.
func did[A Act](acts []Act) (act A, found bool) {
	for _, a := range acts {
		if act, found = a.(A); found {
			return act, true
		}
	}
	return act, false
}

// check compares what a decision says of each keeper with what is wanted.
func check[T comparable](t *testing.T, decision func(*Keeper) T, table map[string]decided[T]) {
	t.Helper()
	for name, c := range table {
		if got := decision(serving(c.given...)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// decided is what a keeper decides, and with whom.
type decided[T any] struct {
	want  T
	given []given
}

func when[T any](want T, given ...given) decided[T] { return decided[T]{want, given} }

// The world of a keeper.

func proved() watch.Streak {
	return watch.Streak{Successes: 1, Last: evidence.ProbeResult{Outcome: evidence.Success, Answered: true, At: ago(time.Minute)}}
}

func stands(s State) given { return func(k *Keeper) { k.machine.State = s } }
func passive(k *Keeper)    { k.machine.Passive = true }
func draining(k *Keeper)   { k.machine.State, k.machine.Plan = Isolated, Plan{Rung: Restart} }

// asking is a request that was sent the time d ago and has no chunk yet, and chunk a
// stream of some minutes whose last one came the time d ago.
func asking(model string, d time.Duration) evidence.Request {
	return evidence.Request{Model: model, Streaming: true, SentAt: ago(d)}
}

func chunk(model string, d time.Duration) evidence.Request {
	began := ago(d + 2*time.Minute)
	return evidence.Request{Model: model, Streaming: true, SentAt: began, FirstChunkAt: began, LastChunkAt: ago(d)}
}

func inFlight(requests ...evidence.Request) given {
	return func(k *Keeper) { k.turn.Traffic.InFlight = append(k.turn.Traffic.InFlight, requests...) }
}

func lastTraffic(d time.Duration) given {
	return func(k *Keeper) { k.seen.Server.LastTraffic = ago(d) }
}

func atWork(k *Keeper)    { k.seen.Server.Pulse = watched(time.Second) }
func unwatched(k *Keeper) { k.seen.Server.Pulse = watch.Pulse{} }

func unproved(k *Keeper)   { k.seen.Focused().Streak = watch.Streak{} }
func unanswered(k *Keeper) { k.seen.Focused().Streak = failures(1, evidence.ProbeResult{}) }

// aside has the probe look at another model, and has done so for half a minute.
func aside(k *Keeper) {
	k.seen.LookAt(otherOne)
	k.probes.turnedAt = ago(30 * time.Second)
}

func loaded(models ...evidence.LoadedModel) given {
	return func(k *Keeper) { k.seen.Server.Keeps(append(k.seen.Server.Loaded, models...), true) }
}
func notLoaded(k *Keeper) { k.seen.Server.Keeps(nil, k.seen.Server.LoadedKnown) }

// beingLoaded has Clawgate load a model, since a minute ago.
func beingLoaded(model string) given {
	return func(k *Keeper) { k.loads.since, k.loads.model, k.loads.asked = ago(time.Minute), model, model }
}
func pulls(k *Keeper) { k.pull.since = ago(time.Minute) }

func container(status evidence.Status) given {
	return func(k *Keeper) {
		c := k.seen.Container.Seen
		c.Status, c.FinishedAt = status, ago(time.Minute)
		k.seen.Container.Inspected(c, now)
	}
}
func engineLost(k *Keeper) { k.seen.Container.EngineFailed(ago(time.Second), "no answer") }

// another has a server answer while the container does not run.
func another(k *Keeper) {
	container(evidence.Exited)(k)
	c, role := k.seen.Container.Seen, &k.seen.Role
	role.Follow(ago(20*time.Second), ago(20*time.Second), c)
	role.Heard(ago(19*time.Second), ago(18*time.Second))
	role.Follow(ago(10*time.Second), ago(10*time.Second), c)
}

// unclear has an error hint at trouble with a model, which nothing has decided.
func unclear(model string) given {
	return func(k *Keeper) {
		k.seen.Hints.Leave(evidence.Sign{Kind: evidence.SignRunnerDied, Model: model, At: ago(time.Second)}, now, true)
	}
}

// hollowly has a model give answers with nothing in them.
func hollowly(model string) given {
	return func(k *Keeper) {
		for prompt := range uint64(8) {
			k.seen.Models.Of(model).SawAnswer(evidence.Answer{Hollow: true, Prompt: prompt})
		}
	}
}

// doubtedGPU has a GPU of the container's fail.
func doubtedGPU(k *Keeper) { k.seen.Devices.SawXid(evidence.Xid{At: ago(time.Second), Code: 79}) }

// catalogueOf is one of the models that are written down.
func catalogueOf(t *testing.T, models string) (c ollama.Catalogue) {
	t.Helper()
	if err := json.Unmarshal([]byte(models), &c); err != nil {
		t.Fatal(err)
	}
	return c
}
