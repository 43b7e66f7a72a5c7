package watch

import (
	"slices"
	"time"
)

// CrashWindow is for how long a failure counts towards how often the model failed.
const CrashWindow = 10 * time.Minute

// Failures are those of one kind that a model had lately, oldest first.
type Failures struct {
	list   []failure
	Detail string // of the newest
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
func (f *Failures) add(at time.Time, run uint64, detail string) {
	f.list = slices.DeleteFunc(f.list, func(old failure) bool { return at.Sub(old.at) > CrashWindow })
	f.list, f.Detail = append(f.list, failure{at: at, run: run}), detail
}

// dropLast takes the newest back, if there is one.
func (f *Failures) dropLast() { f.list = f.list[:max(0, len(f.list)-1)] }

// pass leaves what there was until now to others.
func (f *Failures) pass() {
	for i := range f.list {
		f.list[i].passed = true
	}
}

// Len is how many there are.
func (f Failures) Len() int { return len(f.list) }

// Newest is when the last one was; zero without one.
func (f Failures) Newest() time.Time { return f.newest().at }

// newest is the zero failure where there is none.
func (f Failures) newest() failure {
	if len(f.list) == 0 {
		return failure{}
	}
	return f.list[len(f.list)-1]
}

// Times are all that were not passed.
func (f Failures) Times() []time.Time {
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
func (f Failures) between(after, now time.Time) []time.Time {
	var times []time.Time
	for _, one := range f.list {
		if now.Sub(one.at) <= CrashWindow && one.at.After(after) {
			times = append(times, one.at)
		}
	}
	return times
}

// sameCrash is how far apart the signs of one death may come.
const sameCrash = 2 * time.Second

// forgetEnd drops the crashes that were the end of the whole container.
func (f *Failures) forgetEnd(end time.Time) {
	f.list = slices.DeleteFunc(f.list, func(one failure) bool { return one.at.Sub(end).Abs() < sameCrash })
}
