package sidecar

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// failures are those of one kind that a model had lately, oldest first.
type failures struct {
	list   []failure
	detail string // of the newest
}

// failure is one of them.
type failure struct {
	at  time.Time
	run uint64 // of the model's runs, the one that it belongs to
	// passed says that it came before the probe turned to the model, which is not the
	// main one: it was left to Ollama, and to the quarantine.
	passed bool
}

// add notes one more. Those that lie too far back count no longer.
func (f *failures) add(at time.Time, run uint64, detail string) {
	f.list = slices.DeleteFunc(f.list, func(old failure) bool { return at.Sub(old.at) > verdict.CrashWindow })
	f.list, f.detail = append(f.list, failure{at: at, run: run}), detail
}

// dropLast takes the newest back, if there is one.
func (f *failures) dropLast() { f.list = f.list[:max(0, len(f.list)-1)] }

// pass leaves what there was until now to others.
func (f *failures) pass() {
	for i := range f.list {
		f.list[i].passed = true
	}
}

// newest is the zero failure where there is none.
func (f failures) newest() failure {
	if len(f.list) == 0 {
		return failure{}
	}
	return f.list[len(f.list)-1]
}

// times are all that were not passed.
func (f failures) times() []time.Time {
	var times []time.Time
	for _, one := range f.list {
		if !one.passed {
			times = append(times, one.at)
		}
	}
	return times
}

// between are the times, passed or not, in (after, now], as far as they are within the
// window in which they count.
func (f failures) between(after, now time.Time) []time.Time {
	var times []time.Time
	for _, one := range f.list {
		if now.Sub(one.at) <= verdict.CrashWindow && one.at.After(after) {
			times = append(times, one.at)
		}
	}
	return times
}

// sameCrash is how far apart the signs of one death may come.
const sameCrash = 2 * time.Second

// forgetEnd drops the crashes that were the end of the whole container.
func (f *failures) forgetEnd(end time.Time) {
	f.list = slices.DeleteFunc(f.list, func(one failure) bool { return one.at.Sub(end).Abs() < sameCrash })
}
