package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestWhichSignalEndsOllama(t *testing.T) {
	for signal, want := range map[string]bool{
		"": true, "2": true, "3": true, "9": true, "15": true, "SIGINT": true, "SIGQUIT": true, "SIGKILL": true, "SIGTERM": true,
		"1": false, "SIGHUP": false, "SIGUSR1": false, "28": false,
	} {
		if Ends(signal) != want {
			t.Errorf("%q: %v", signal, !want)
		}
	}
}

func TestTheContainerWasEndedBySomebody(t *testing.T) {
	said := func(action evidence.ContainerAction, signal string, d time.Duration) evidence.ContainerEvent {
		return evidence.ContainerEvent{Action: action, Signal: signal, At: ago(d)}
	}
	kill := func(d time.Duration) evidence.ContainerEvent { return said(evidence.ActionKill, "15", d) }
	die := func(d time.Duration) evidence.ContainerEvent { return said(evidence.ActionDie, "", d) }
	stop, start := said(evidence.ActionStop, "", 0), said(evidence.ActionStart, "", 0)
	for name, c := range map[string]struct {
		events []evidence.ContainerEvent
		ended  time.Duration // as an inspection says, ago
		want   bool
	}{
		"nobody saw anything":                        {nil, 0, false},
		"it died":                                    {[]evidence.ContainerEvent{die(0)}, 0, false},
		"it was stopped":                             {[]evidence.ContainerEvent{stop}, 0, true},
		"it was killed and died":                     {[]evidence.ContainerEvent{kill(time.Minute), die(0)}, 0, true},
		"it was killed, and died later":              {[]evidence.ContainerEvent{kill(killToDeath), die(0)}, 0, true},
		"it was killed, and died much later":         {[]evidence.ContainerEvent{kill(killToDeath + 1), die(0)}, 0, false},
		"it was killed, and its end is not told yet": {[]evidence.ContainerEvent{kill(time.Minute)}, 0, true},
		"it was killed long before an end that came": {[]evidence.ContainerEvent{kill(killToDeath)}, 0, true},
		"it died long after, whatever is said since": {[]evidence.ContainerEvent{kill(20 * time.Minute), die(0)}, 10 * time.Minute, false},
		"it was killed too long before":              {[]evidence.ContainerEvent{kill(killToDeath + 1)}, 0, false},
		"it was told to read its settings":           {[]evidence.ContainerEvent{said(evidence.ActionKill, "1", time.Minute), die(0)}, 0, false},
		"it was killed, died and was started":        {[]evidence.ContainerEvent{kill(time.Minute), die(0), start}, 0, false},
		"it was stopped, started, and died":          {[]evidence.ContainerEvent{stop, start, die(0)}, 0, false},
		"it died, and is killed in its next run":     {[]evidence.ContainerEvent{die(time.Hour), kill(time.Minute)}, 0, true},
		"it was killed an hour ago, and died again":  {[]evidence.ContainerEvent{kill(time.Hour), die(time.Hour), die(0)}, 0, false},
	} {
		w := &Operator{}
		for _, e := range c.events {
			w.Saw(e)
		}
		if got := w.Ended(evidence.Container{Status: evidence.Exited, FinishedAt: ago(c.ended)}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatNeverRanWasEndedByNobody(t *testing.T) {
	if (&Operator{}).Ended(evidence.Container{Status: evidence.Created}) {
		t.Error("somebody did")
	}
}

func TestAnEndIsSeen(t *testing.T) {
	w := &Operator{}
	if w.Saw(evidence.ContainerEvent{Action: evidence.ActionDie, At: now}); !w.DiedSeen {
		t.Error("it is not")
	}
	if w.Saw(evidence.ContainerEvent{Action: evidence.ActionKill, At: now}); w.DiedSeen || !w.KilledAt.Equal(now) {
		t.Errorf("%+v, before the end that is to come", w)
	}
}
