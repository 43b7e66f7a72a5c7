package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

var (
	first  = evidence.Identity{ID: "c1", StartedAt: ago(hour)} // the run of the container in the tables
	second = evidence.Identity{ID: "c1", StartedAt: now}
)

// pending has a restart of a run be pending that began the time d ago, and whose stop may
// take a minute.
func pending(run evidence.Identity, d time.Duration) given {
	return func(k *Keeper) {
		k.turn.Intent = &Intent{Container: run, At: ago(d), StopTakes: time.Minute}
	}
}

// failedStop has a stop of a run have failed, which the engine may carry out for so long.
func failedStop(run evidence.Identity, lasts time.Duration) given {
	return func(k *Keeper) { k.remedy.stop = sentStop{run: run, ends: now.Add(lasts)} }
}

// givenUp has the engine have said so, the time d ago.
func givenUp(d time.Duration) given { return func(k *Keeper) { k.remedy.stop.told = ago(d) } }

func byAPerson(k *Keeper) {
	k.seen.Container.Operator.Saw(evidence.ContainerEvent{At: ago(time.Minute), Action: evidence.ActionStop})
}

func TestTheContainerIsDownBecauseOfClawgate(t *testing.T) {
	exited := container(evidence.Exited)
	check(t, func(k *Keeper) bool { return k.owesStart(k.seen.Container.Seen) }, map[string]decided[bool]{
		"nothing is owed":                     when(false, exited),
		"it stopped it":                       when(true, exited, pending(first, hour)),
		"it did not: it runs":                 when(false, pending(first, hour)),
		"it did, another run":                 when(false, exited, pending(second, hour)),
		"it did, and a person since":          when(false, exited, pending(first, hour), byAPerson),
		"its stop came late":                  when(true, exited, failedStop(first, 0)),
		"its stop has come to nothing so far": when(false, failedStop(first, 0)),
		"it came late, to another run":        when(false, exited, failedStop(second, 0)),
		"it came late, and a person since":    when(false, exited, failedStop(first, 0), byAPerson),
		"there is no such container":          when(false, func(k *Keeper) { k.seen.Container.Seen = evidence.Container{Status: evidence.Exited} }),
	})
}

func TestASignalMayBeClawgatesOwn(t *testing.T) {
	own := func(k *Keeper) bool { return k.ownStop(now) }
	check(t, own, map[string]decided[bool]{
		"nothing was stopped":                            when(false),
		"a stop is under way":                            when(true, pending(first, time.Second)),
		"its time is over":                               when(false, pending(first, hour)),
		"one failed that the engine goes on with":        when(true, failedStop(first, 1)),
		"it has gone on for long enough":                 when(false, failedStop(first, 0)),
		"the engine gave up before":                      when(false, failedStop(first, hour), givenUp(1)),
		"it gave up just then":                           when(true, failedStop(first, hour), givenUp(0)),
		"it gave up, on the stop that is pending":        when(false, failedStop(first, hour), givenUp(1), pending(first, time.Second)),
		"it gave up, and the stop of another is pending": when(true, failedStop(first, hour), givenUp(1), pending(second, time.Second)),
	})
}

func TestAPendingRestartIsClosed(t *testing.T) {
	token := func(d time.Duration) given { return func(k *Keeper) { k.seen.Focused().Token = ago(d) } }
	closed := func(k *Keeper) bool {
		_, dropped := did[DropIntent](k.decides(func(k *Keeper) { k.closeIntent(k.seen.Container.Seen) }))
		if dropped && k.turn.Intent != nil {
			t.Error("it is closed, and pending")
		}
		return dropped
	}
	nothingToStop := func(k *Keeper) { k.turn.Intent.StopTakes = 0 }
	check(t, closed, map[string]decided[bool]{
		"there is none":                                     when(false),
		"somebody has started it since":                     when(true, pending(second, hour)),
		"it runs, and answers since":                        when(true, pending(first, hour), token(0)),
		"it runs, and has not answered":                     when(false, pending(first, hour), token(hour-time.Minute)),
		"it runs, and answered right after":                 when(true, pending(first, hour), token(hour-time.Minute-1)),
		"it runs, and nothing was to be stopped":            when(true, pending(first, hour), nothingToStop, token(2*hour)),
		"the engine may be at it":                           when(false, pending(first, time.Second), token(-hour)),
		"it is down because of it":                          when(false, pending(first, hour), token(0), container(evidence.Exited)),
		"it is down, and somebody has started it meanwhile": when(true, pending(second, hour), container(evidence.Exited)),
	})
}

func TestAStopThatFailedIsRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		ended      watch.RemedyEnded
		kept, told bool
	}{
		"for some reason":                {watch.RemedyEnded{StopSent: true, Failure: &watch.EngineError{Text: "timeout"}}, true, false},
		"on a process that does not end": {watch.RemedyEnded{StopSent: true, Failure: &watch.EngineError{Kind: watch.WontDie}}, true, true},
		"not where the engine got none":  {watch.RemedyEnded{Failure: &watch.EngineError{Text: "timeout"}}, false, false},
		"not where it succeeded":         {watch.RemedyEnded{StopSent: true}, false, false},
		"not where somebody was quicker": {watch.RemedyEnded{StopSent: true, Failure: &watch.EngineError{Kind: watch.Changed}}, false, false},
	} {
		k := serving(func(k *Keeper) { k.remedy.run = first })
		k.noteStop(c.ended)
		want := sentStop{}
		if c.kept {
			want.run, want.ends = first, now.Add(evidence.StopGrace)
		}
		if c.told {
			want.told = now
		}
		if k.remedy.stop != want {
			t.Errorf("%s: %+v", name, k.remedy.stop)
		}
	}
}

func TestATokenShowsThatAStopHasNoEffectAnyMore(t *testing.T) {
	for name, c := range map[string]struct {
		given         []given
		kept, dropped bool
	}{
		"that the engine gave up":                     {[]given{failedStop(first, hour), givenUp(hour), pending(first, hour)}, false, true},
		"and not the restart of another run":          {[]given{failedStop(first, hour), givenUp(hour), pending(second, hour)}, false, false},
		"not one that it goes on with":                {[]given{failedStop(first, 0), pending(first, hour)}, true, false},
		"one that it has gone on with for long":       {[]given{failedStop(first, -1)}, false, false},
		"which leaves a restart pending, as it began": {[]given{failedStop(first, -1), pending(first, hour)}, false, false},
	} {
		k := serving(c.given...)
		_, dropped := did[DropIntent](k.decides(func(k *Keeper) { k.sawToken(now) }))
		if kept := k.remedy.stop != (sentStop{}); kept != c.kept || dropped != c.dropped || !k.seen.Focused().Token.Equal(now) {
			t.Errorf("%s: %+v, dropped: %v", name, k.remedy.stop, dropped)
		}
	}
}
