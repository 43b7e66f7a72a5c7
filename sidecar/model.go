package sidecar

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// modelRecord is all that is known of one model. What of it stays when what it is
// about has ended:
//
//	                             a load     the server's run   the container's   with its container
//	size, largest parts, wanted  stays      stays              stays             stays
//	unloads                      stays      stays              stays             stays
//	kept out                     stays      stays              stays             ends
//	usedThisRun                  stays      stays              ends              ends
//	pace                         afresh     stays              afresh            afresh
//	answers, lateness            ends       stays              ends              ends
//	hollow answers               suspected  stays              suspected         suspected
//	failures                     resolved   resolved           resolved          resolved
//	last token                   stays      stays              stays             stays
//	in memory                    is         ends               ends              ends
//	what probes found            ends       ends               ends              ends
//
// The first column is a new load of it, the second recalibrate, the third a start of
// the container, and the last one a start that is somebody else's doing. A rung that
// leaves the server running ends a run of the model that the probe looks at alone.
// Failures that are resolved still count for how often the model failed.
type modelRecord struct {
	size      uint64    // bytes in memory, as Ollama said last, or on its disk before that
	bestRatio float64   // the largest part of it that was seen on a GPU
	ownPeak   uint64    // bytes; the most that the container held with no other model in memory
	wanted    time.Time // when a client met a gate that was shut for it

	unloads []time.Time // that were taken as a remedy, newest last
	kept    quarantine

	usedThisRun bool // of the container, on a GPU
	// present says that it was loaded, or gave a first chunk, since the list of loaded
	// models was read last.
	present bool

	pace      verdict.Pace
	answers   bool // it has given a token since it came into memory
	lateSince time.Time
	timely    bool // this load of it has answered in time
	hollow    hollowCount

	run      uint64    // counts the runs of the server, as far as they were this model's
	crashes  failures  // its runner's deaths
	noRoom   failures  // there was no memory for it
	token    time.Time // when it gave its last first chunk
	loadedAt time.Time // when a load of Clawgate's own succeeded last

	streak verdict.Streak // of readiness probes
	// doubted says that its GPU came into question and that it has not answered since.
	doubted bool
}

// hollowCount follows answers with nothing in them.
type hollowCount struct {
	answers   int
	prompts   []uint64
	confirmed string // what the probe got, once it got the same
	again     bool
}

// runEnded begins anew with a model whose server has ended, or has dropped it: what it
// proved is over, and what failed belongs to the run before.
func (m *modelRecord) runEnded() {
	m.run++
	m.unprove()
}

// unprove takes back what probes found.
func (m *modelRecord) unprove() { m.streak, m.doubted = verdict.Streak{}, false }

// count takes what a readiness probe found, or a live answer that tells the same.
func (m *modelRecord) count(result evidence.ProbeResult) { m.streak = m.streak.Add(result) }

// succeeded is when it was last known to be well: it gave a token, or was loaded.
func (m *modelRecord) succeeded() time.Time { return later(m.token, m.loadedAt) }

// unresolved says that the newest failure is of the present run, and that nothing has
// gone well since.
func (m *modelRecord) unresolved(f failures) bool {
	newest := f.newest()
	return newest.run == m.run && !newest.passed && newest.at.After(m.succeeded())
}

// crashed notes a death of its runner, and says whether it is a new one: one death cuts
// every stream that the runner had. A request that kills the runner is sent once more,
// and counts once. A death from before a look that is told of again in it is that look's.
func (m *modelRecord) crashed(at time.Time, detail string, counted func() bool) bool {
	last := m.crashes.newest()
	same := !last.at.IsZero() && at.Sub(last.at) < sameCrash && !m.succeeded().After(last.at)
	if same && !last.passed {
		return false
	}
	if counted() || same {
		m.crashes.dropLast()
	}
	m.crashes.add(at, m.run, detail)
	return true
}

// lookedAt begins a look at a model. The main one keeps what it has proved, and its
// failures. Another one begins anew: what it did before was not Clawgate's to mend.
func (m *modelRecord) lookedAt(main bool) {
	m.doubted = false
	if !main || m.streak.Failures > 0 {
		m.streak = verdict.Streak{}
	}
	if !main {
		m.crashes.pass()
		m.noRoom.pass()
	}
}

// containerStarted begins anew with a container that was started again.
func (m *modelRecord) containerStarted() {
	m.usedThisRun = false
	m.reloaded()
}

// reloaded begins anew with a model that was loaded again.
func (m *modelRecord) reloaded() {
	m.pace = m.pace.Afresh()
	m.lateSince, m.timely, m.answers = time.Time{}, false, false
	m.hollow.lookAgain()
}

// lookAgain forgets what the model said, but not that it said nothing.
func (h *hollowCount) lookAgain() { *h = hollowCount{again: h.again || h.confirmed != ""} }

// answered follows whether a load of the model that was quick has become slow.
func (m *modelRecord) answered(at time.Time, late bool) {
	switch {
	case !late:
		m.timely, m.lateSince = true, time.Time{}
	case m.lateSince.IsZero():
		m.lateSince = at
	}
}

// sawAnswer takes a complete answer to a client.
func (m *modelRecord) sawAnswer(answer evidence.Answer) {
	m.pace = m.pace.Add(answer.PerSecond)
	if !answer.Hollow {
		if answer.Tokens > 1 {
			m.hollow = hollowCount{}
		}
		return
	}
	m.hollow.answers++
	if !slices.Contains(m.hollow.prompts, answer.Prompt) && len(m.hollow.prompts) < maxPrompts {
		m.hollow.prompts = append(m.hollow.prompts, answer.Prompt)
	}
}

// maxPrompts: more different prompts than this tell nothing more.
const maxPrompts = 8

// memoryTrouble is the want of memory since the model gave its last token: one request
// that was too large, and another after many answers, are not one trouble.
func (m *modelRecord) memoryTrouble(now time.Time) verdict.MemoryTrouble {
	times := m.noRoom.between(m.token, now)
	return verdict.MemoryTrouble{Times: times, Unresolved: len(times) > 0 && m.unresolved(m.noRoom), Detail: m.noRoom.detail}
}

// unloaded notes an unload that is taken as a remedy.
func (m *modelRecord) unloaded(now time.Time) {
	m.unloads = slices.DeleteFunc(m.unloads, func(at time.Time) bool { return now.Sub(at) >= unloadWindow })
	m.unloads = append(m.unloads, now)
}

func (m *modelRecord) unloadsSpent(now time.Time) bool {
	recent := 0
	for _, at := range m.unloads {
		if now.Sub(at) < unloadWindow {
			recent++
		}
	}
	return recent >= unloadLimit
}

func (h hollowCount) verdict() verdict.HollowAnswers {
	return verdict.HollowAnswers{
		Answers: h.answers, Prompts: len(h.prompts), Confirmed: h.confirmed != "", Again: h.again, Detail: h.confirmed,
	}
}
