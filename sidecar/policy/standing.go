package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Standing is what there is to show of a moment.
type Standing struct {
	State     State
	Since     time.Time
	Judgement verdict.Judgement
	JudgedAt  time.Time
	Gate      Gate
	// Serves says whether a request for the main model would be forwarded, and why not.
	Serves  bool
	Because string
	Paused  *string // why a person paused Clawgate; nil while nobody did
	// Misnamed says what is wrong with the container's name; empty for nothing.
	Misnamed   string
	BudgetLeft int
	// Rung is the remedy that is being taken, or was since the model was last ready.
	Rung       Rung
	Attempts   int
	RungBegan  time.Time
	LastError  string
	Pull       Pull
	Due        *Due // nil without one
	Quarantine []Kept
	// Seen is what was seen. It must not be changed, nor read after the next turn.
	Seen *watch.State
}

// Due is a remedy that waits, or that would be taken if Clawgate did not only watch.
type Due struct {
	Rung   Rung
	Reason string
	Since  time.Time
	Waits  string // for what
}

// Kept is a model in quarantine.
type Kept struct {
	Model  string
	Until  time.Time
	Reason string
}

// Standing is how things stand after the last turn.
func (k *Keeper) Standing() Standing {
	serves, because := k.serves()
	s := Standing{
		State: k.machine.State, Since: k.since, Judgement: k.judgement, JudgedAt: k.judgedAt, Gate: k.gate,
		Serves: serves, Because: because, Paused: k.paused, Misnamed: k.misnamed(), BudgetLeft: k.BudgetLeft(),
		Attempts: k.remedy.attempts, RungBegan: k.remedy.began, LastError: k.remedy.lastError,
		Pull: k.aroundGate().Pull, Due: k.dueNow(), Quarantine: k.quarantined(), Seen: &k.seen,
	}
	if k.machine.State != Ready {
		s.Rung = k.machine.Rung()
	}
	return s
}

// serves says whether a request for the main model would be forwarded now.
func (k *Keeper) serves() (bool, string) {
	if k.gate.All != nil {
		return false, k.gate.All.Reason
	}
	if closure, closed := k.gate.Models[k.seen.Main]; closed {
		return false, closure.Reason
	}
	if k.machine.State != Ready && k.machine.Passive && k.judgement.Verdict != "" && !k.judgement.Answers {
		return false, "the gate is held open, and the model does not answer: " + k.judgement.Sentence
	}
	return true, ""
}

const onlyWatches = "nothing: Clawgate only watches"

func (k *Keeper) dueNow() *Due {
	switch {
	case k.machine.Draining():
		due := Due{k.machine.Rung(), k.remedy.sentence, k.remedy.drainFrom, "streams that move"}
		if k.restartWaits() {
			due.Waits = "until no other model has answered for a minute, or a quiet moment"
		}
		if k.machine.Passive && !k.machine.Plan.ByPerson {
			due.Waits = onlyWatches
		}
		return &due
	case k.quiet.verdict != "" && k.judgement.Need == verdict.MendWhenQuiet:
		due := Due{quietRung(k.judgement), k.judgement.Sentence, k.quiet.since, "a quiet moment"}
		if k.quiet.told {
			due.Waits = onlyWatches
		}
		return &due
	}
	return nil
}

func (k *Keeper) quarantined() []Kept {
	var kept []Kept
	for model, of := range k.seen.Models.Named() {
		if q := of.Quarantine; k.turn.now.Before(q.Until) {
			kept = append(kept, Kept{model, q.Until, q.Reason})
		}
	}
	slices.SortFunc(kept, func(a, b Kept) int { return strings.Compare(a.Model, b.Model) })
	return kept
}
