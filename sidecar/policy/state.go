package policy

import "github.com/clawdbot/clawgate/sidecar/verdict"

// State is what Clawgate does with requests, and about Ollama. The names are
// public: metric labels, log values, the Clawgate-State header.
type State string

const (
	// Starting: nothing is proven yet in this run of the server.
	Starting State = "starting"
	// Loading: the server is up; the model is being pulled or loaded.
	Loading State = "loading"
	// Ready: requests are forwarded.
	Ready State = "ready"
	// Isolated: no new request is forwarded; running streams go on.
	Isolated State = "isolated"
	// Recovering: on a rung of the ladder.
	Recovering State = "recovering"
	// Verifying: the remedy is done; the readiness probe decides.
	Verifying State = "verifying"
	// Backoff: the remedy did not help; waiting before the next look.
	Backoff State = "backoff"
	// Exhausted: the restart budget is spent; a person has to look.
	Exhausted State = "exhausted"
	// Stopped: a person stopped, killed, paused or removed the container.
	Stopped State = "stopped"
)

// States lists every state, for metrics and tests.
var States = []State{Starting, Loading, Ready, Isolated, Recovering, Verifying, Backoff, Exhausted, Stopped}

// Rung is one remedy, least disruptive first.
type Rung string

const (
	NoRung Rung = ""
	// MakeRoom has Ollama drop the models beside the target that nobody uses.
	MakeRoom Rung = "make_room"
	// Unload cancels our requests to the model and has Ollama drop its runner.
	Unload Rung = "unload"
	// Restart stops the container, checks for leaks and starts it.
	Restart Rung = "restart"
	// Start starts a container that ended by itself.
	Start Rung = "start"
)

// Cuts says that a rung ends the whole server, and with it every answer.
func (r Rung) Cuts() bool { return r != Unload && r != MakeRoom }

// EventKind says what happened.
type EventKind string

const (
	// Judged: what was seen was judged, anew or still the same. What it needs is in
	// the judgement.
	Judged EventKind = "judged"
	// Drained: the streams that moved have ended, or their time is over.
	Drained EventKind = "drained"
	// RemedyDone and RemedyFailed end a rung.
	RemedyDone   EventKind = "remedy_done"
	RemedyFailed EventKind = "remedy_failed"
	// LoadFailed: Ollama refused to load or to pull the model.
	LoadFailed EventKind = "load_failed"
	// BackoffElapsed: the pause is over.
	BackoffElapsed EventKind = "backoff_elapsed"
	// Replaced: the container was started or made anew, and not by us.
	Replaced EventKind = "replaced"
	// QuietMoment: nobody would notice the remedy that waits for it, or it has
	// waited long enough.
	QuietMoment EventKind = "quiet_moment"
	// Disturbed: somebody uses the server although nothing of ours is under way.
	Disturbed EventKind = "disturbed"
	// SetAside: a model beside the main one is left to a person.
	SetAside EventKind = "set_aside"
	// RestartRequested: a person asked for a restart.
	RestartRequested EventKind = "restart_requested"
	// RestartWithdrawn: what a person asked for is for no container that is known.
	RestartWithdrawn EventKind = "restart_withdrawn"
	// Paused: a person wants Clawgate to watch only.
	Paused EventKind = "paused"
	// Resumed: that is over. What was due meanwhile is judged anew.
	Resumed EventKind = "resumed"
	// Stable: the model has stayed ready for long enough; what was tried before was
	// for other trouble.
	Stable EventKind = "stable"
)

// EventKinds lists every kind, for tests.
var EventKinds = []EventKind{
	Judged, QuietMoment, Disturbed, SetAside, Drained, RemedyDone, RemedyFailed, LoadFailed, BackoffElapsed, Replaced,
	RestartRequested, RestartWithdrawn, Paused, Resumed, Stable,
}

// Event is one input of step.
type Event struct {
	Kind EventKind
	// Judgement is the present one, or the one that the event is about.
	Judgement verdict.Judgement
	// BudgetLeft says that another restart is allowed now: by the budget, and by
	// what forbids one (RestartForbidden).
	BudgetLeft bool
	// UnloadsSpent says that unloading was tried so often lately that only a
	// restart is left.
	UnloadsSpent bool
	// FocusOnOther says that the probe looks at another model than the main one: its
	// trouble is no reason to cut what the server gives to others.
	FocusOnOther bool
	// AboutMain says that the machine stands where it does because of the main model.
	AboutMain bool
	// Observe says with Resumed that Clawgate only watches all the same
	// (CLAWGATE_MODE=observe).
	Observe bool
}

// Task is what is due after a step. The keeper makes acts of it.
type Task string

const (
	Nothing Task = ""
	// LoadModel loads the model, unless that would be a nuisance now.
	LoadModel Task = "load"
	// PullModel fetches the model, if that is allowed.
	PullModel Task = "pull"
	// Drain lets the streams that move come to their end, then posts Drained.
	Drain Task = "drain"
	// Remedy starts the rung that the machine stands on.
	Remedy Task = "remedy"
	// Probe looks at once whether the model answers.
	Probe Task = "probe"
	// Wait starts the backoff.
	Wait Task = "wait"
)
