package healthlog

import "time"

// Kind says what a record is about.
type Kind string

const (
	// KindTransition is a change of the supervisor's state.
	KindTransition Kind = "transition"
	// KindVerdict is a change of the verdict.
	KindVerdict Kind = "verdict"
	// KindRemedy is a rung of the ladder that was begun or has ended.
	KindRemedy Kind = "remedy"
	// KindOperator is something that a person asked for: pause, resume, restart.
	KindOperator Kind = "operator"
	// KindProbeFailure is one probe that failed. These go to the file only:
	// they repeat every few seconds, and in memory they would push out the
	// changes that explain them.
	KindProbeFailure Kind = "probe_failure"
)

var kinds = []Kind{KindTransition, KindVerdict, KindRemedy, KindOperator, KindProbeFailure}

// Record is one line of the health log.
type Record struct {
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	// State is the supervisor's state once the thing had happened. From and To
	// are set for a transition only.
	State string `json:"state,omitempty"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
	// Verdict is the verdict's name and Sentence its plain sentence, with the
	// figures that it was drawn from.
	Verdict  string `json:"verdict,omitempty"`
	Sentence string `json:"sentence,omitempty"`
	// Detail holds what only this kind of record has (rung, probe, attempt …).
	// Whoever adds a record does not change its Detail any more: it is encoded
	// later, by another goroutine.
	Detail map[string]any `json:"detail,omitempty"`
}
