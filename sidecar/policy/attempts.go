package policy

import (
	"slices"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// Attempts are what Clawgate has tried about the present trouble, and what is left.
type Attempts struct {
	// Unloaded, MadeRoom and Restarted: the remedies taken since the model was last stable.
	Unloaded, MadeRoom, Restarted bool
	// QuietMoments are the verdicts for which one was used within a day.
	QuietMoments []verdict.Verdict
	// FailedStarts and FailedStops count the engine's failures in a row; the
	// words are its last.
	FailedStarts, FailedStops int
	LastError                 string
	// NoBudget says that no restart is left in the budget and the gate is shut
	// for it.
	NoBudget string
}

// inVain says that a help was tried, for what is found all the same.
func (a Attempts) inVain(then verdict.Then) bool {
	switch then.After {
	case verdict.Room:
		return a.MadeRoom
	case verdict.Restart:
		return a.Restarted
	case verdict.QuietMoment:
		return a.hadQuiet(then.For)
	}
	return false
}

// hadQuiet says that a quiet moment has been used for the verdict. A GPU that
// is not back after the restart is the same trouble under another name.
func (a Attempts) hadQuiet(v verdict.Verdict) bool {
	return slices.Contains(a.QuietMoments, v) || v == verdict.CPUFallback && slices.Contains(a.QuietMoments, verdict.GPULost)
}
