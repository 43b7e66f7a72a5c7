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
//	when there was no room       stays      stays              stays             stays
//	in memory                    is         ends               ends              ends
//
// The first column is a new load of it, the second recalibrate, the third a start of
// the container, and the last one a start that is somebody else's doing.
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

	memory       []time.Time // when there was no room for it, newest last
	memoryDetail string

	crashes []time.Time // of models other than the target
}

// hollowCount follows answers with nothing in them.
type hollowCount struct {
	answers   int
	prompts   []uint64
	confirmed string // what the probe got, once it got the same
	again     bool
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

// noRoom notes that there was no memory for the model.
func (m *modelRecord) noRoom(at time.Time, detail string) {
	m.memory = slices.DeleteFunc(m.memory, func(t time.Time) bool { return at.Sub(t) > verdict.CrashWindow })
	m.memory = append(m.memory, at)
	m.memoryDetail = detail
}

// lately are the times within the window in which they count, since the model gave
// its last token: one request that was too large, and another after many answers,
// are not one trouble.
func (m *modelRecord) lately(now, token time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(m.memory), func(t time.Time) bool { return now.Sub(t) > verdict.CrashWindow || !t.After(token) })
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
