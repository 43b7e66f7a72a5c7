package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// Observation is one thing that was seen, asked for or done, as a value that can be
// written down and read back. None holds a text of a client's or of a model's.
type Observation interface{ observation() }

type (
	// Tick is the passing of time, and of nothing else.
	Tick struct{}

	// SignSeen is what live traffic showed.
	SignSeen struct {
		Sign evidence.Sign `json:"sign"`
	}
	// TCPProbed is a connection that was tried. Across says that its ends have two
	// addresses.
	TCPProbed struct {
		Result evidence.ProbeResult `json:"result"`
		Across bool                 `json:"across,omitempty"`
	}
	// APIProbed is a look at the list of all models.
	APIProbed struct {
		Result evidence.ProbeResult `json:"result"`
		Listed []Listed             `json:"listed,omitempty"`
	}
	// ModelsTold is what the names of models stand for, as far as Ollama has told.
	ModelsTold struct {
		Catalogue ollama.Catalogue `json:"catalogue"`
	}
	// ReleaseTold is what is known of the release that answers.
	ReleaseTold struct {
		// PsBlocks says that its list of loaded models waits for a load.
		PsBlocks bool `json:"ps_blocks,omitempty"`
	}
	// VersionAnswered ends a call that was to show who answers; Answered is false
	// where none came.
	VersionAnswered struct {
		Began    time.Time `json:"began"`
		Ended    time.Time `json:"ended"`
		Answered bool      `json:"answered"`
	}

	// Inspected is what the engine said of the container, or why it did not.
	Inspected struct {
		Asked     time.Time          `json:"asked"`
		Container evidence.Container `json:"container"`
		Err       string             `json:"err,omitempty"`
	}
	// EventTold is a hint of the engine's.
	EventTold struct {
		Event evidence.ContainerEvent `json:"event"`
	}
	// ActivityRead is a reading of the container's counters.
	ActivityRead struct {
		Asked   time.Time         `json:"asked"`
		Reading evidence.Activity `json:"reading"`
	}
	// GPUsSeen is a look at the GPUs.
	GPUsSeen struct {
		View evidence.GPUView `json:"view"`
	}
	// HintRead is what Ollama's log says of the GPUs.
	HintRead struct {
		Hint evidence.GPUHint `json:"hint"`
	}

	// LoadedListed is the list of loaded models.
	LoadedListed struct {
		Loaded []evidence.LoadedModel `json:"loaded,omitempty"`
	}
	// ProbeOverdue says that a readiness probe is overdue, and for what it waits; List
	// that this is the list of loaded models.
	ProbeOverdue struct {
		ID       uint64 `json:"id"`
		WaitsFor string `json:"waits_for"`
		List     bool   `json:"list,omitempty"`
	}
	// ProbeAnswered is what a readiness probe found. Loaded says that the model was
	// loaded for it.
	ProbeAnswered struct {
		ID     uint64               `json:"id"`
		Result evidence.ProbeResult `json:"result"`
		Loaded bool                 `json:"loaded,omitempty"`
	}
	// ProbeEnded says that all of its answer has come, or that it was called off.
	ProbeEnded struct {
		ID uint64 `json:"id"`
	}
	// ProcessesSeen is what a look at the processes shows beside the one before: what
	// became of the runner of each model whose weights are known.
	ProcessesSeen struct {
		At     time.Time          `json:"at"` // when it began
		Models map[string]Finding `json:"models,omitempty"`
		Err    string             `json:"err,omitempty"`
	}

	// LoadEnded ends a load of Clawgate's own.
	LoadEnded struct {
		Failure *Failure `json:"failure,omitempty"`
	}
	// RestoreEnded ends a load of a model that was in memory before a restart.
	RestoreEnded struct {
		Model string `json:"model"`
		Err   string `json:"err,omitempty"`
	}
	// CheckEnded ends a load that was to show whether Ollama is as busy as it says.
	CheckEnded struct {
		Model   string   `json:"model"`
		Failure *Failure `json:"failure,omitempty"`
	}
	// PullMoved is how far a pull is.
	PullMoved struct {
		Status    string `json:"status"`
		Completed int64  `json:"completed"` // bytes
		Total     int64  `json:"total"`
	}
	// PullEnded ends it.
	PullEnded struct {
		Err string `json:"err,omitempty"`
	}
	// RemedyEnded is what came of a rung.
	RemedyEnded struct {
		Steps []Step               `json:"steps,omitempty"`
		Leak  *evidence.LeakReport `json:"leak,omitempty"`
		// StopSent says that the engine may have been given a stop.
		StopSent bool         `json:"stop_sent,omitempty"`
		Failure  *EngineError `json:"failure,omitempty"`
	}

	// PauseAsked is a person's wish that Clawgate only watch.
	PauseAsked struct {
		Reason string `json:"reason,omitempty"`
	}
	// ResumeAsked ends that.
	ResumeAsked struct{}
	// RestartAsked is a person's wish for a restart of the container.
	RestartAsked struct{}
)

// Listed is a model that Ollama has on its disk.
type Listed struct {
	Name   string `json:"name"` // as Ollama writes it
	Bytes  uint64 `json:"bytes,omitempty"`
	Remote bool   `json:"remote,omitempty"` // another machine runs it
}

// Finding is what two looks at the processes show of one model's runner.
type Finding string

const (
	// Unclear: it was not seen before, or something that was asked of Ollama explains
	// its end. Serves is the same, with a runner that is there now.
	Unclear Finding = "unclear"
	Serves  Finding = "serves"
	// Lives: every runner that the model had is still there.
	Lives Finding = "lives"
	// Ended: one is gone, and nothing explains it.
	Ended Finding = "ended"
)

// Failure is why a call to Ollama failed.
type Failure struct {
	Text string `json:"text"`
	// Answer is the error that Ollama answered with, in Clawgate's own words, and Kind
	// what it may mean; empty where no answer came.
	Answer string            `json:"answer,omitempty"`
	Kind   evidence.SignKind `json:"kind,omitempty"`
	// Load is why a load failed, as far as the answer tells.
	Load ollama.LoadFailure `json:"load,omitempty"`
	// CalledOff says that it was Clawgate's own wish.
	CalledOff bool `json:"called_off,omitempty"`
}

// EngineError is why the engine did not do what it was asked for.
type EngineError struct {
	Text string `json:"text"`
	// Kind is empty for an error that is none of these.
	Kind EngineErrorKind `json:"kind,omitempty"`
}

// EngineErrorKind says which of evidence's errors it is.
type EngineErrorKind string

const (
	Changed     EngineErrorKind = "changed"      // evidence.ErrChanged
	Mismatch    EngineErrorKind = "mismatch"     // evidence.ErrMismatch
	WontDie     EngineErrorKind = "wont_die"     // evidence.ErrWontDie
	StartFailed EngineErrorKind = "start_failed" // evidence.ErrStartFailed
)

// Step is one part of a remedy and how long it took.
type Step struct {
	Name   string        `json:"name"`
	Took   time.Duration `json:"took"`
	Detail string        `json:"detail,omitempty"`
}

// Is says that the remedy failed by an error of that kind.
func (o RemedyEnded) Is(kind EngineErrorKind) bool { return o.Failure != nil && o.Failure.Kind == kind }

func (Tick) observation()            {}
func (SignSeen) observation()        {}
func (TCPProbed) observation()       {}
func (APIProbed) observation()       {}
func (ModelsTold) observation()      {}
func (ReleaseTold) observation()     {}
func (VersionAnswered) observation() {}
func (Inspected) observation()       {}
func (EventTold) observation()       {}
func (ActivityRead) observation()    {}
func (GPUsSeen) observation()        {}
func (HintRead) observation()        {}
func (LoadedListed) observation()    {}
func (ProbeOverdue) observation()    {}
func (ProbeAnswered) observation()   {}
func (ProbeEnded) observation()      {}
func (ProcessesSeen) observation()   {}
func (LoadEnded) observation()       {}
func (RestoreEnded) observation()    {}
func (CheckEnded) observation()      {}
func (PullMoved) observation()       {}
func (PullEnded) observation()       {}
func (RemedyEnded) observation()     {}
func (PauseAsked) observation()      {}
func (ResumeAsked) observation()     {}
func (RestartAsked) observation()    {}
