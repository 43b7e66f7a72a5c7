package policy

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Keeper keeps one server answering: it remembers what was seen, has it judged, and
// decides what is to be done. It does nothing itself. What it is told, in the order in
// which it is told, determines all that it decides. One goroutine at a time may call it.
type Keeper struct {
	settings Settings
	seen     watch.State

	machine   Machine
	since     time.Time // of the machine's state
	gate      Gate
	judgement verdict.Judgement
	judgedAt  time.Time // since when the verdict has been this one
	paused    *string   // why a person paused Clawgate; nil while nobody did
	// isolatedAt is when the trouble began that has not ended yet; zero without one.
	isolatedAt time.Time

	probes    probes
	loads     loads
	pull      pull
	remedy    remedy
	quiet     quietWait
	looks     looks
	check     refusalCheck
	role      roleTold
	allowance allowances

	turn turn
}

// Settings are those of the configuration that decisions depend on.
type Settings struct {
	Model     string `json:"model"` // as configured
	Main      string `json:"main"`  // the same, normalised
	Container string `json:"container"`
	Observe   bool   `json:"observe,omitempty"` // CLAWGATE_MODE=observe
	Pull      bool   `json:"pull,omitempty"`
	OffGPU    bool   `json:"off_gpu,omitempty"` // CLAWGATE_OPTIONS keeps the model off the GPU

	KeepAlive         time.Duration `json:"keep_alive"` // negative for ever
	FailureThreshold  int           `json:"failure_threshold"`
	SuccessThreshold  int           `json:"success_threshold"`
	FirstChunkTimeout time.Duration `json:"first_chunk_timeout"`
	LoadTimeout       time.Duration `json:"load_timeout"`
	ReadyInterval     time.Duration `json:"ready_interval"`
	RecheckInterval   time.Duration `json:"recheck_interval"`
	DrainTimeout      time.Duration `json:"drain_timeout"`
	IdleWait          time.Duration `json:"idle_wait"`
	RestartBudget     int           `json:"restart_budget"`
	RestartWindow     time.Duration `json:"restart_window"`
	LeakTolerance     uint64        `json:"leak_tolerance"` // bytes

	// Seed is a random number: several machines shall not act in step.
	Seed uint64 `json:"seed"`
}

// Inputs is what a turn depends on beside what was seen, as it is at that moment.
type Inputs struct {
	Traffic evidence.Traffic `json:"traffic"`
	// Spent counts the restarts within the window of the budget, and Intent is the one
	// that was begun and not ended, by Clawgate or the one before it.
	Spent  int     `json:"spent,omitempty"`
	Intent *Intent `json:"intent,omitempty"`
	// Xids are errors of the device class since the turn before.
	Xids []evidence.Xid `json:"xids,omitempty"`
	// ClockJumped is by how much the wall clock has left the monotonic one since then, if
	// that is more than its usual course.
	ClockJumped time.Duration `json:"clock_jumped,omitempty"`
	// LookOutdated says that the last look at the processes tells nothing any more.
	LookOutdated bool `json:"look_outdated,omitempty"`
	// OffGPU are models that the last request had stay off the GPU.
	OffGPU []string `json:"off_gpu,omitempty"`
}

// turn is what the turn under way works with.
type turn struct {
	Inputs

	now  time.Time
	acts []Act
}

// New is a keeper that knows nothing yet: Clawgate trusts no remembered state, not even
// its own.
func New(settings Settings) *Keeper {
	return &Keeper{settings: settings, seen: watch.New(settings.Main), allowance: newAllowances(settings)}
}

// Begin is the first turn.
func (k *Keeper) Begin(now time.Time, in Inputs) []Act {
	k.turn = turn{Inputs: in, now: now}
	k.machine = Begin(k.settings.Observe)
	k.since, k.judgedAt = now, now
	k.judgement = verdict.Judgement{Verdict: verdict.Unproven, Need: verdict.Proof, Sentence: "nothing is proven yet"}
	k.entered("")
	k.setGate()
	return k.turn.acts
}

// Turn takes what was seen and says what is to be done, in this order. What began in
// another generation than the present one must not be told.
func (k *Keeper) Turn(now time.Time, in Inputs, seen watch.Observation) []Act {
	k.turn = turn{Inputs: in, now: now}
	k.observe(seen)
	k.evaluate()
	return k.turn.acts
}

// Settings are those that it was made with.
func (k *Keeper) Settings() Settings { return k.settings }

// Generation counts the runs of the server, and remedies.
func (k *Keeper) Generation() uint64 { return k.seen.Generation }

// Focus is the model that the readiness probe looks at, normalised.
func (k *Keeper) Focus() string { return k.seen.Focus }

// ContainerID is the ID of the container as it was inspected last; empty without one.
func (k *Keeper) ContainerID() string { return k.seen.Container.Seen.ID }

// WorkedAt is when the container was last seen working; zero where nothing is known of
// that, and where it is not the server.
func (k *Keeper) WorkedAt() time.Time { return k.seen.Server.Pulse.LastActive() }

// evaluate draws the conclusion from what is known now, and decides what follows.
func (k *Keeper) evaluate() {
	k.sawClock()
	k.tellRole()
	k.sawXids()
	if k.machine.State != Recovering { // a server that is being changed is not judged
		k.judge()
		k.handle(Event{Kind: Judged, Judgement: k.judgement})
	}
	k.lookCloser()
	k.endBackoff()
	k.focusOnMain()
	k.focusOnWaiting()
	k.provenByStream()
	k.planProbe()
	k.checkRefusals()
	k.setAside()
	k.awaitQuiet()
	k.finishDrain()
	k.restore()
	k.forgetTrouble()
	k.setGate()
}

func (k *Keeper) sawClock() {
	if by := k.turn.ClockJumped; by != 0 {
		k.warn("the wall clock jumped; no remedy is begun for a while", "by", by.Round(time.Second))
		k.seen.ClockJumpedAt = k.turn.now
	}
}

func (k *Keeper) judge() {
	picture := k.picture()
	fresh := Settle(verdict.Judge(picture, k.judgement), picture, k.tried())
	if fresh.Verdict != k.judgement.Verdict {
		k.judgedAt = k.turn.now
		k.judged(k.judgement, fresh)
	}
	k.judgement = fresh
}

// handle takes one step and decides what its task asks for.
func (k *Keeper) handle(event Event) {
	starts := k.machine.Rung() == Start || event.Judgement.ServerGone // nothing is stopped for that
	event.BudgetLeft = k.BudgetLeft() > 0 && (starts || !RestartForbidden(k.picture(), k.tried()).Holds())
	event.UnloadsSpent = k.seen.Models.Get(event.Judgement.Model).UnloadsSpent(k.turn.now)
	event.FocusOnOther = k.seen.FocusOnOther()
	event.AboutMain = k.machine.Target == "" || k.machine.Target == k.seen.Main
	before := k.machine
	after, task := Step(k.machine, event)
	k.machine = after
	if after.State != before.State {
		k.since = k.turn.now
		k.entered(before.State)
	}
	if before.State == Stopped && after.State == Starting && event.Kind != Replaced {
		k.runEnded() // a person has undone it, before an inspection told how
	}
	switch task {
	case LoadModel:
		k.load()
	case PullModel:
		k.beginPull()
	case Drain:
		k.beginDrain()
	case Remedy:
		k.beginRemedy()
	case Probe:
		k.probeNow()
	case Wait:
		k.beginBackoff()
	}
}

// runEnded forgets everything that was seen of the run of the server that is over.
func (k *Keeper) runEnded() {
	k.seen.RunEnded(k.turn.now)
	k.lookedAnew()
}

// lookAnew forgets what was seen of the server, beside what its models proved.
func (k *Keeper) lookAnew() {
	k.seen.LookAnew(k.turn.now)
	k.lookedAnew()
}

func (k *Keeper) lookedAnew() {
	k.cancelProbes()
	k.forgetLoads()
	k.forgetCheck()
	k.looks.forget()
	k.turn.LookOutdated = false // it is forgotten with the server
	k.do(ForgetServer{})
	k.forgetProof()
	k.kick(Kick{TCP: true, API: true, Models: true, Inspect: true})
	k.probeNow()
}

// forgetProof drops a verdict that speaks well of the run that is over. A
// verdict that speaks ill of it stays until the next run has proved itself.
func (k *Keeper) forgetProof() {
	before := k.judgement
	if before.SpeaksWell() {
		k.judgement, k.judgedAt = verdict.Judgement{Verdict: verdict.Unproven, Need: verdict.Proof, Sentence: "nothing is proven yet in this run of the server"}, k.turn.now
		k.judged(before, k.judgement)
	}
}

// anew begins anew with a server that has yet to prove itself.
func (k *Keeper) anew() {
	k.runEnded()
	k.handle(Event{Kind: Replaced})
}

// StableAfter is how long a model has to stay ready before earlier attempts are
// forgotten. A success right after a restart proves little.
const StableAfter = 10 * time.Minute

// forgetTrouble starts counting attempts anew once the model has stayed ready.
func (k *Keeper) forgetTrouble() {
	if k.machine.State == Ready && k.turn.now.Sub(k.since) >= StableAfter {
		if k.machine.Tried != (Attempt{}) {
			k.handle(Event{Kind: Stable})
		}
		k.remedy.attempts, k.remedy.tried = 0, Attempts{}
	}
}
