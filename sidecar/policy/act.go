package policy

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Act is one thing to be done, or to be told, as a value that can be written down.
// Whoever carries it out decides nothing. What begins a worker names the generation that
// its observations belong to.
type Act interface{ act() }

// What is done.
type (
	// SetGate tells the relay who may pass.
	SetGate struct {
		Gate Gate `json:"gate"`
	}
	// Kick wakes workers that look at something periodically.
	Kick struct {
		TCP     bool `json:"tcp,omitempty"`
		API     bool `json:"api,omitempty"`
		Models  bool `json:"models,omitempty"`
		Inspect bool `json:"inspect,omitempty"`
		Hint    bool `json:"hint,omitempty"`
	}
	// SendProbe asks a model for a token; answered by ProbeOverdue, ProbeAnswered and
	// ProbeEnded of the same ID.
	SendProbe struct {
		Generation uint64 `json:"generation"`
		ID         uint64 `json:"id"`
		Target     string `json:"target"` // normalised
		// Unlisted asks the model although it may not be listed, and Varied with another
		// prompt each time.
		Unlisted bool `json:"unlisted,omitempty"`
		Varied   bool `json:"varied,omitempty"`
		// Spare is why the model is not to be asked where that would keep it in memory;
		// empty for nothing.
		Spare string `json:"spare,omitempty"`
	}
	// CancelProbe calls one off. Only what Ollama has lost, or what is being mended, may
	// be left like that: an Ollama whose client leaves in mid-answer can lose the slot
	// for ever (see probe.Ready).
	CancelProbe struct {
		ID uint64 `json:"id"`
	}
	// LoadTarget loads a model; answered by LoadEnded.
	LoadTarget struct {
		Generation uint64 `json:"generation"`
		Model      string `json:"model"`  // as Ollama is asked for it
		Target     string `json:"target"` // normalised
		// Parameters has OPTIONS written into the model's own parameters before.
		Parameters bool `json:"parameters,omitempty"`
	}
	// CallOffLoad ends that load.
	CallOffLoad struct{}
	// PullMain fetches the main model; answered by PullMoved and PullEnded.
	PullMain struct {
		Generation uint64 `json:"generation"`
	}
	// Restore loads a model that was in memory before; answered by RestoreEnded.
	Restore struct {
		Generation uint64               `json:"generation"`
		Model      evidence.LoadedModel `json:"model"`
	}
	// CheckRefusal loads a model, to see whether Ollama is as busy as it says; answered
	// by CheckEnded.
	CheckRefusal struct {
		Generation uint64 `json:"generation"`
		Model      string `json:"model"` // normalised
	}
	// CallOffCheck ends that load.
	CallOffCheck struct{}
	// LookAtProcesses compares the processes with the last look; answered by
	// ProcessesSeen. Models are those whose weights are asked for.
	LookAtProcesses struct {
		Generation uint64   `json:"generation"`
		Models     []string `json:"models"`
	}
	// AskVersion has the server say its version; answered by VersionAnswered.
	AskVersion struct{}
	// TakeRemedy takes a rung; answered by RemedyEnded.
	TakeRemedy struct {
		Rung   Rung              `json:"rung"`
		Target string            `json:"target,omitempty"`
		Others []string          `json:"others,omitempty"` // models that may leave memory
		Run    evidence.Identity `json:"run"`
		Reason string            `json:"reason"`
	}
	// ForgetServer drops what is kept of a run of the server that is over.
	ForgetServer struct{}
	// ForgetRunners drops what is kept of its runners.
	ForgetRunners struct{}
	// Adapt takes from the container's settings how many requests Ollama works on at a
	// time, and how long a model stays in memory.
	Adapt struct {
		Env map[string]string `json:"env,omitempty"`
	}
	// Spend takes a restart out of the budget.
	Spend struct {
		At time.Time `json:"at"`
	}
	// Refund gives it back.
	Refund struct {
		At time.Time `json:"at"` // of the spending
	}
	// DropIntent closes the restart that is pending.
	DropIntent struct{}
)

// What is told.
type (
	// Tell is a line for the log.
	Tell struct {
		Level Level  `json:"level"`
		Text  string `json:"text"`
		With  []any  `json:"with,omitempty"` // names and values
	}
	// Entered tells of a new state.
	Entered struct {
		From      State             `json:"from,omitempty"`
		To        State             `json:"to"`
		At        time.Time         `json:"at"`
		Judgement verdict.Judgement `json:"judgement"`

		Generation uint64 `json:"generation"`
	}
	// Concluded tells of a new verdict.
	Concluded struct {
		Before    verdict.Verdict   `json:"before"`
		Judgement verdict.Judgement `json:"judgement"`
		State     State             `json:"state"`
		At        time.Time         `json:"at"`
		// Took is how long it took from the first sign of a fault.
		Took time.Duration `json:"took,omitempty"`
	}
	// Probed tells what a probe found that counts.
	Probed struct {
		Result evidence.ProbeResult `json:"result"`
		State  State                `json:"state"`
	}
	// RemedyDue tells of a remedy that is due, or that would be taken if Clawgate did
	// not only watch.
	RemedyDue struct {
		Account
		Watching bool `json:"watching,omitempty"`
	}
	// RemedyTaken tells what came of one.
	RemedyTaken struct {
		Account
		Result string            `json:"result"`
		Took   time.Duration     `json:"took"`
		Ended  watch.RemedyEnded `json:"ended"`
	}
	// Recovered tells of the way back from isolation, part by part.
	Recovered struct {
		FromFirstFailure time.Duration `json:"from_first_failure"`
		FromIsolation    time.Duration `json:"from_isolation"`
		Steps            []watch.Step  `json:"steps,omitempty"`
		Rung             Rung          `json:"rung,omitempty"` // none if the server came back by itself
	}
	// Quarantined tells that a model is kept out.
	Quarantined struct {
		Model   string          `json:"model"`
		Verdict verdict.Verdict `json:"verdict"`
		Reason  string          `json:"reason"`
		State   State           `json:"state"`
		At      time.Time       `json:"at"`
	}
	// Operated tells that a person's call was accepted.
	Operated struct {
		Call   string    `json:"call"`
		Reason string    `json:"reason,omitempty"`
		State  State     `json:"state"`
		At     time.Time `json:"at"`
	}
	// ContainerStarted tells of a start that was not Clawgate's.
	ContainerStarted struct {
		Cause string `json:"cause"`
	}
	// OOMKilled tells that a process of the container was killed for memory.
	OOMKilled struct{}
	// ModelLoaded tells of a load of Clawgate's own that succeeded.
	ModelLoaded struct {
		Model string `json:"model"`
		Cause string `json:"cause"`
	}
)

// Account is what there is to tell of a remedy.
type Account struct {
	Reason   string    `json:"reason"` // the verdict's name
	Sentence string    `json:"sentence"`
	Rung     Rung      `json:"rung"`     // that it is about
	Standing Rung      `json:"standing"` // that the machine stands on
	Attempt  int       `json:"attempt"`
	State    State     `json:"state"`
	At       time.Time `json:"at"`
}

// Level is how much a line for the log matters.
type Level string

const (
	Debug Level = "debug"
	Info  Level = "info"
	Warn  Level = "warn"
	Error Level = "error"
)

// do adds an act to those of the turn.
func (k *Keeper) do(a Act) { k.turn.acts = append(k.turn.acts, a) }

// tell adds a line for the log. An error among the values is told by its text, for as
// JSON it would be empty.
func (k *Keeper) tell(level Level, text string, with []any) {
	for i, value := range with {
		if err, is := value.(error); is {
			with[i] = err.Error()
		}
	}
	k.do(Tell{level, text, with})
}

// orNil is an error's text as a line for the log has it: nil where there was none.
func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (k *Keeper) debug(text string, with ...any) { k.tell(Debug, text, with) }
func (k *Keeper) info(text string, with ...any)  { k.tell(Info, text, with) }
func (k *Keeper) warn(text string, with ...any)  { k.tell(Warn, text, with) }
func (k *Keeper) error(text string, with ...any) { k.tell(Error, text, with) }

func (k *Keeper) kick(who Kick) { k.do(who) }

func (SetGate) act()          {}
func (Kick) act()             {}
func (SendProbe) act()        {}
func (CancelProbe) act()      {}
func (LoadTarget) act()       {}
func (CallOffLoad) act()      {}
func (PullMain) act()         {}
func (Restore) act()          {}
func (CheckRefusal) act()     {}
func (CallOffCheck) act()     {}
func (LookAtProcesses) act()  {}
func (AskVersion) act()       {}
func (TakeRemedy) act()       {}
func (ForgetServer) act()     {}
func (ForgetRunners) act()    {}
func (Adapt) act()            {}
func (Spend) act()            {}
func (Refund) act()           {}
func (DropIntent) act()       {}
func (Tell) act()             {}
func (Entered) act()          {}
func (Concluded) act()        {}
func (Probed) act()           {}
func (RemedyDue) act()        {}
func (RemedyTaken) act()      {}
func (Recovered) act()        {}
func (Quarantined) act()      {}
func (Operated) act()         {}
func (ContainerStarted) act() {}
func (OOMKilled) act()        {}
func (ModelLoaded) act()      {}
