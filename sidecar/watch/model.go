package watch

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// Model is all that is known of one model. What of it stays when what it is
// about has ended:
//
//	                             a load     the server's run   the container's   with its container
//	size, largest parts, wanted  stays      stays              stays             stays
//	unloads                      stays      stays              stays             stays
//	kept out                     stays      stays              stays             ends
//	used on a GPU in this run    stays      stays              ends              ends
//	pace                         afresh     stays              afresh            afresh
//	answers, lateness            ends       stays              ends              ends
//	hollow answers               suspected  stays              suspected         suspected
//	failures                     resolved   resolved           resolved          resolved
//	last token                   stays      stays              stays             stays
//	proved, load that failed     stays      ends               ends              ends
//	in memory                    is         ends               ends              ends
//	what probes found            ends       ends               ends              ends
//
// The first column is a new load of it, the second a new run of the server, the third a start of
// the container, and the last one a start that is somebody else's doing. A rung that
// leaves the server running ends a run of the model that the probe looks at alone.
// Failures that are resolved still count for how often the model failed.
type Model struct {
	Size      uint64    // bytes in memory, as Ollama said last, or on its disk before that
	BestRatio float64   // the largest part of it that was seen on a GPU
	OwnPeak   uint64    // bytes; the most that the container held with no other model in memory
	Wanted    time.Time // when a client met a gate that was shut for it

	unloads    []time.Time // that were taken as a remedy, newest last
	Quarantine Quarantine

	UsedThisRun bool // of the container, on a GPU
	// Present says that it was loaded, or gave a first chunk, since the list of loaded
	// models was read last.
	Present bool

	Pace      Pace
	Answers   bool // it has given a token since it came into memory
	LateSince time.Time
	Timely    bool // this load of it has answered in time
	Hollow    Hollow

	run      uint64    // counts the runs of the server, as far as they were this model's
	Crashes  Failures  // its runner's deaths
	NoRoom   Failures  // there was no memory for it
	Token    time.Time // when it gave its last first chunk
	Proved   bool      // that was in this run
	LoadedAt time.Time // when a load of Clawgate's own succeeded last
	// LoadFailedAt is when the last load of Clawgate's own failed; zero where it did not.
	// LoadFailed is why, as far as that is known.
	LoadFailedAt time.Time
	LoadFailed   ollama.LoadFailure

	Streak Streak // of readiness probes
	// Doubted says that its GPU came into question and that it has not answered since.
	Doubted bool
}

// Quarantine is the time for which a model is kept out, or was last, so that the others
// go on.
type Quarantine struct {
	Until  time.Time
	Lasts  time.Duration
	Reason string
}

// Hollow follows complete answers of the model's present load in which there is nothing
// (ollama/ollama#17524, #5668).
type Hollow struct {
	Answers int
	Prompts []uint64 // the different ones that were answered so, up to maxPrompts
	// Confirmed is what Clawgate's own probe got, once it got the same.
	Confirmed string
	// Again says that an earlier load of the model gave such answers and that
	// loading it again did not help.
	Again bool
}

// RunEnded begins anew with a model whose server has ended, or has dropped it: what it
// proved is over, and what failed belongs to the run before.
func (m *Model) RunEnded() {
	m.run++
	m.Proved = false
	m.LoadFailedAt, m.LoadFailed = time.Time{}, ""
	m.Unprove()
}

// Gave notes a first chunk of it.
func (m *Model) Gave(at time.Time) {
	m.Token, m.Proved = at, true
	m.LoadFailedAt, m.LoadFailed = time.Time{}, ""
}

// CouldNotLoad notes that a load of Clawgate's own failed.
func (m *Model) CouldNotLoad(at time.Time, why ollama.LoadFailure) {
	m.LoadFailedAt, m.LoadFailed = at, why
}

// Unprove takes back what probes found.
func (m *Model) Unprove() { m.Streak, m.Doubted = Streak{}, false }

// Count takes what a readiness probe found, or a live answer that tells the same.
func (m *Model) Count(result evidence.ProbeResult) { m.Streak = m.Streak.Add(result) }

// Succeeded is when it was last known to be well: it gave a token, or was loaded.
func (m *Model) Succeeded() time.Time { return later(m.Token, m.LoadedAt) }

// Unresolved says that the newest failure is of the present run, and that nothing has
// gone well since.
func (m *Model) Unresolved(f Failures) bool {
	newest := f.newest()
	return newest.run == m.run && !newest.passed && newest.at.After(m.Succeeded())
}

// Crashed notes a death of its runner, and says whether it is a new one: one death cuts
// every stream that the runner had. A request that kills the runner is sent once more,
// and counts once. A death from before a look that is told of again in it is that look's.
func (m *Model) Crashed(at time.Time, detail string, counted func() bool) bool {
	last := m.Crashes.newest()
	same := !last.at.IsZero() && at.Sub(last.at) < sameCrash && !m.Succeeded().After(last.at)
	if same && !last.passed {
		return false
	}
	if counted() || same {
		m.Crashes.dropLast()
	}
	m.Crashes.add(at, m.run, detail)
	return true
}

// lookedAt begins a look at a model. The main one keeps what it has proved, and its
// failures. Another one begins anew: what it did before was not Clawgate's to mend.
func (m *Model) lookedAt(main bool) {
	m.Doubted = false
	if !main || m.Streak.Failures > 0 {
		m.Streak = Streak{}
	}
	if !main {
		m.Crashes.pass()
		m.NoRoom.pass()
	}
}

// containerStarted begins anew with a container that was started again.
func (m *Model) containerStarted() {
	m.UsedThisRun = false
	m.Reloaded()
}

// Reloaded begins anew with a model that was loaded again.
func (m *Model) Reloaded() {
	m.Pace = m.Pace.Afresh()
	m.LateSince, m.Timely, m.Answers = time.Time{}, false, false
	m.Hollow.LookAgain()
}

// LookAgain forgets what the model said, but not that it said nothing.
func (h *Hollow) LookAgain() { *h = Hollow{Again: h.Again || h.Confirmed != ""} }

// Answered follows whether a load of the model that was quick has become slow.
func (m *Model) Answered(at time.Time, late bool) {
	switch {
	case !late:
		m.Timely, m.LateSince = true, time.Time{}
	case m.LateSince.IsZero():
		m.LateSince = at
	}
}

// SawAnswer takes a complete answer to a client.
func (m *Model) SawAnswer(answer evidence.Answer) {
	m.Pace = m.Pace.Add(answer.PerSecond)
	if !answer.Hollow {
		if answer.Tokens > 1 {
			m.Hollow = Hollow{}
		}
		return
	}
	m.Hollow.Answers++
	if !slices.Contains(m.Hollow.Prompts, answer.Prompt) && len(m.Hollow.Prompts) < maxPrompts {
		m.Hollow.Prompts = append(m.Hollow.Prompts, answer.Prompt)
	}
}

const (
	// unloadWindow and unloadLimit: a model that wedges again and again after
	// unloading is not mended by unloading.
	unloadWindow = 10 * time.Minute
	unloadLimit  = 2
)

// maxPrompts: more different prompts than this tell nothing more.
const maxPrompts = 8

// MemoryTrouble are requests and loads of one model that found no room.
type MemoryTrouble struct {
	// Times are when that happened, newest last, within CrashWindow.
	Times []time.Time
	// Unresolved is set when the newest came after the newest success.
	Unresolved bool
	Detail     string
}

// MemoryTrouble is the want of memory since the model gave its last token: one request
// that was too large, and another after many answers, are not one trouble.
func (m *Model) MemoryTrouble(now time.Time) MemoryTrouble {
	times := m.NoRoom.between(m.Token, now)
	return MemoryTrouble{Times: times, Unresolved: len(times) > 0 && m.Unresolved(m.NoRoom), Detail: m.NoRoom.Detail}
}

// Unloaded notes an unload that is taken as a remedy.
func (m *Model) Unloaded(now time.Time) {
	m.unloads = slices.DeleteFunc(m.unloads, func(at time.Time) bool { return now.Sub(at) >= unloadWindow })
	m.unloads = append(m.unloads, now)
}

// UnloadsSpent says that unloading was tried so often lately that only a restart is left.
func (m *Model) UnloadsSpent(now time.Time) bool {
	recent := 0
	for _, at := range m.unloads {
		if now.Sub(at) < unloadWindow {
			recent++
		}
	}
	return recent >= unloadLimit
}

// Heard takes what a probe's answer tells beside its being there.
func (m *Model) Heard(result evidence.ProbeResult) {
	switch {
	case result.Hollow:
		m.Hollow.Confirmed = result.Reason
	case result.Outcome == evidence.Success:
		if !result.Loaded {
			m.Answered(result.At, result.Late)
		}
		m.Hollow = Hollow{}
	}
}

// FoundNoRoom notes that there was no memory for it.
func (m *Model) FoundNoRoom(at time.Time, detail string) { m.NoRoom.add(at, m.run, detail) }

// LoadSucceeded notes a load of Clawgate's own: earlier crashes are mended, as far as is
// known.
func (m *Model) LoadSucceeded(now time.Time) {
	m.Present, m.LoadedAt = true, now
	m.LoadFailedAt, m.LoadFailed = time.Time{}, ""
	m.Reloaded()
}

// ContainerEnded drops the crashes that were the end of the whole container.
func (m *Model) ContainerEnded(at time.Time) { m.Crashes.forgetEnd(at) }
