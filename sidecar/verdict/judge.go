package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Judge says what the picture means. Earlier rules win: an operator's act over
// everything, the container's state over the network, the server over the model.
func Judge(p Picture, before Judgement) Judgement {
	answers := proven(p) && !p.CrashUnresolved && !p.Memory.Unresolved && !p.Hollow.found()
	for _, rule := range []func(Picture) (Judgement, bool){
		operatorActed, containerGone, deviceFailed, serverSilent, modelMissing, ourLoad, outOfMemory, runnerCrashed,
		deadlocked, neverScheduled, neverUnloaded, garbage, modelWedged, overloaded, modelUnloaded, modelAnswers,
	} {
		if judgement, applies := rule(p); applies {
			judgement.Answers = answers
			return settled(restrained(p, blind(p, degraded(p, judgement))))
		}
	}
	return settled(restrained(p, blind(p, degraded(p, undecided(p, before, answers)))))
}

// proven says that the model has answered in this run of the server, and not
// failed to since.
func proven(p Picture) bool {
	return p.Ready.Failures == 0 && p.Ready.Successes >= p.Limit.SuccessThreshold
}

// answeredThen are the verdicts beside Healthy, Busy and Slow under which the
// model may have answered.
var answeredThen = map[Verdict]bool{
	EngineAway: true, Overloaded: true, GPULost: true, CPUFallback: true, VRAMLeak: true, Throttled: true, HostAction: true,
}

// undecided keeps what was found last while it still may hold: a model that
// answered stays what it was until its failures reach the threshold. In a new run
// of the server, of which no probe has told anything, nothing does.
func undecided(p Picture, before Judgement, answers bool) Judgement {
	kept := Judgement{Verdict: Unproven, Answers: answers, Sentence: "nothing is proven yet"}
	switch {
	case before.Verdict == Healthy, before.Verdict == Busy, before.Verdict == Slow:
		kept.Verdict, kept.Sentence = before.Verdict, before.Sentence
	case before.Answers && answeredThen[before.Verdict] && p.Ready.Last.Outcome != "":
		kept.Verdict, kept.Sentence = Healthy, "the model answered when it was last asked"
	}
	switch {
	case p.Ready.Failures > 0:
		kept.Sentence = fmt.Sprintf("%d of %d readiness probes failed: %s", p.Ready.Failures, p.Limit.FailureThreshold, p.Ready.Last.Reason)
	case p.Ready.Doubt != "" && answers && before.Verdict == Slow && p.Ready.Last.Late:
		// a late answer is awaited like the one before
	case p.Ready.Doubt != "" && answers && before.Need == MendWhenQuiet:
		// it waits for a quiet moment; being busy is none, and no end of the wait
	case p.Ready.Doubt != "" && answers:
		kept.Verdict, kept.Sentence = Busy, p.Ready.Doubt
	case p.Ready.Doubt != "":
		kept.Sentence = "nothing is proven yet: " + p.Ready.Doubt
	}
	return kept
}

// blind turns a verdict that asks for a remedy, or that rests on the container's
// last known state, into EngineAway while the engine does not answer.
func blind(p Picture, j Judgement) Judgement {
	if p.EngineAwaySince.IsZero() {
		return j
	}
	away := fmt.Sprintf("the container engine has not answered for %s", round(p.Now.Sub(p.EngineAwaySince)))
	switch j.Verdict {
	case Wedged, Crashed, Down, OutOfMemory, Garbage:
		return Judgement{Verdict: EngineAway, Model: j.Model, Sentence: j.Sentence + "; " + away + ", so nothing can be healed"}
	case Healthy, Busy, Slow, EngineAway, Overloaded, GPULost, CPUFallback, VRAMLeak, Throttled:
		if j.Answers {
			return Judgement{Verdict: EngineAway, Answers: true, Sentence: "the model answers; " + away}
		}
	}
	return j
}

func operatorActed(p Picture) (Judgement, bool) {
	if p.OperatorAct == "" {
		return Judgement{}, false
	}
	return Judgement{Verdict: Stopped, Sentence: "the container " + p.OperatorAct + "; Clawgate leaves it so"}, true
}

func containerGone(p Picture) (Judgement, bool) {
	if !p.ContainerKnown || !p.EngineAwaySince.IsZero() || p.Container.Status == evidence.Running {
		return Judgement{}, false
	}
	c := p.Container
	if c.Status == evidence.Absent {
		return Judgement{Verdict: Stopped, Sentence: fmt.Sprintf("no container is called %q (CLAWGATE_CONTAINER), and no server answers", c.Name)}, true
	}
	j := Judgement{Verdict: Down, ServerGone: true, Sentence: fmt.Sprintf("the container is %s with exit code %d", c.Status, c.ExitCode)}
	if c.OOMKilled {
		j.Sentence += ", killed for memory"
	}
	if c.StartError != "" {
		j.Sentence += ": " + c.StartError
	}
	wait := PolicyWait
	if c.RestartPolicy == "" || c.RestartPolicy == "no" || c.Status == evidence.Created || c.StartError != "" {
		wait = NoPolicyWait // a start that failed is not tried again by the policy (moby#37637)
	}
	if c.Status != evidence.Removing && (p.Unfinished || p.Now.Sub(p.GoneSince) >= wait) {
		j.Need = Mend
	}
	return j, true
}

// serverSilent covers a process that is there and does not speak HTTP: nothing
// listens, or what listens does not answer.
func serverSilent(p Picture) (Judgement, bool) {
	starting := p.ContainerKnown && p.Now.Sub(p.Container.StartedAt) < ServerStart
	switch {
	case p.TCP.Failures > 0 && p.TCP.Last.Refused:
		return nobodyListens(p, starting), true
	case p.API.Failures == 0 || p.API.Last.Answered || p.API.Last.Unresolved: // an odd answer is no silence
		return Judgement{}, false
	case starting && !p.Answered:
		return Judgement{Verdict: Loading, Sentence: "the server has just started: " + p.API.Last.Reason}, true
	case p.API.Failures < p.Limit.FailureThreshold:
		return Judgement{}, false
	case proven(p) && p.Ready.Last.At.After(p.API.FailingSince):
		return Judgement{}, false // a list that takes its time: the model has answered since
	case worksNow(p, p.API.FailingSince):
		return Judgement{Verdict: Busy, Sentence: "the API does not answer, and the server works: " + p.API.Last.Reason}, true
	case !p.Pulse.Known(p.Now) && p.Now.Sub(p.Pulse.unseenSince(p.API.FailingSince)) < blindWait:
		return Judgement{}, false
	}
	return Judgement{Verdict: Wedged, Need: mendUnless(viewPending(p)), Sentence: fmt.Sprintf("the API failed %d times in %s: %s; %s",
		p.API.Failures, round(p.Now.Sub(p.API.FailingSince)), p.API.Last.Reason, p.Pulse.sentence(p.Now))}, true
}

// refusedFor is how long connections have to be refused: every request that is
// refused has the port looked at, so that failures may come in the same instant. An
// inspection has to show meanwhile that it is not the container that ended.
const refusedFor = 5 * time.Second

// nobodyListens asks for a remedy only where somebody listened before: an
// address that never answered is more likely a mistake in CLAWGATE_OLLAMA_URL,
// and a restart of the working server elsewhere would be the second one. A name
// that cannot be resolved is the network's trouble, and no restart mends that.
func nobodyListens(p Picture, starting bool) Judgement {
	j := Judgement{Verdict: Down, Sentence: p.TCP.Last.Reason}
	switch {
	case !p.Reached:
		j.Sentence += "; nobody ever answered there, is CLAWGATE_OLLAMA_URL right?"
	case p.ContainerKnown && !starting && !p.TCP.Last.Unresolved && p.TCP.Failures >= p.Limit.FailureThreshold:
		j.Need = mendUnless(p.Now.Sub(p.TCP.FailingSince) < refusedFor || !p.Container.SeenAt.After(p.TCP.FailingSince))
	}
	return j
}

func modelMissing(p Picture) (Judgement, bool) {
	if !p.PullSince.IsZero() {
		return Judgement{Verdict: ModelMissing, Sentence: "the model is being pulled: " + p.PullStatus}, true
	}
	if p.API.Failures == 0 || !p.API.Last.Missing {
		return Judgement{}, false
	}
	return Judgement{Verdict: ModelMissing, Sentence: p.API.Last.Reason}, true
}

func runnerCrashed(p Picture) (Judgement, bool) {
	if !p.CrashUnresolved {
		return Judgement{}, false
	}
	j := Judgement{Verdict: Crashed, Model: p.Target}
	j.Sentence = fmt.Sprintf("the model's runner died %d times within %s, last: %s", len(p.Crashes), CrashWindow, p.CrashDetail)
	if len(p.Crashes) == 1 {
		j.Sentence = "the model's runner died: " + p.CrashDetail
	}
	switch {
	case len(p.Crashes) < CrashLimit: // Ollama itself loads it again
	case seenBefore(p, p.Crashes):
		j.Need = Wait // the next inspection may show that the container itself has ended
	case p.Taken.Restarted:
		j.Need = Person
		j.Sentence += "; a restart did not help, so the model is kept out until it loads and answers"
	default:
		j.Need = Mend
	}
	return j, true
}

// seenBefore says that the container was last looked at before the last crash:
// its own end, or a person's stop, looks the same to a client.
func seenBefore(p Picture, crashes []time.Time) bool {
	return p.ContainerKnown && p.Container.SeenAt.Before(crashes[len(crashes)-1])
}

func modelWedged(p Picture) (Judgement, bool) {
	if p.Ready.Failures < p.Limit.FailureThreshold {
		return Judgement{}, false
	}
	last, model := p.Ready.Last, p.Target
	if last.Server {
		model = ""
	}
	if !last.Answered && !last.Spun && worksNow(p, p.Ready.FailingSince) {
		return Judgement{Verdict: Busy, Model: model, Sentence: "the model did not answer, and the server works again: " + last.Reason}, true
	}
	// A server that answers oddly in place of its list of models is not silent:
	// what is in its place would answer the same after a restart.
	need := mendUnless(viewPending(p) || last.Server && last.Answered)
	return Judgement{Verdict: Wedged, Need: need, Model: model, Sentence: fmt.Sprintf(
		"%d readiness probes failed within %s: %s; %s", p.Ready.Failures,
		round(p.Now.Sub(p.Ready.FailingSince)), last.Reason, waiting(p.Traffic, p.Now))}, true
}

func modelUnloaded(p Picture) (Judgement, bool) {
	if !p.LoadedKnown || isLoaded(p.Loaded, p.Target) {
		return Judgement{}, false
	}
	var asked time.Time // by the request that has waited longest
	for _, r := range p.Traffic.InFlight {
		if r.Model == p.Target && (asked.IsZero() || r.SentAt.Before(asked)) {
			asked = r.SentAt
		}
	}
	if asked.IsZero() {
		return Judgement{Verdict: Unloaded, Model: p.Target, Sentence: "the model is not in memory"}, true
	}
	return loading(p, asked, "a request makes Ollama load the model"), true
}

func modelAnswers(p Picture) (Judgement, bool) {
	if p.Ready.Failures > 0 || p.Ready.Doubt != "" || p.Ready.Successes < p.Limit.SuccessThreshold {
		return Judgement{}, false
	}
	if p.Ready.Last.Late {
		return Judgement{Verdict: Slow, Sentence: fmt.Sprintf("%s, the deadline is %s (CLAWGATE_FIRST_CHUNK_TIMEOUT)", p.Ready.Last.Reason, p.Limit.FirstChunk)}, true
	}
	return Judgement{Verdict: Healthy, Sentence: "the model answers"}, true
}

func isLoaded(loaded []evidence.LoadedModel, model string) bool {
	for _, m := range loaded {
		if m.Name == model {
			return true
		}
	}
	return false
}

// waiting puts live traffic into a few words.
func waiting(traffic evidence.Traffic, now time.Time) string {
	if len(traffic.InFlight) == 0 && traffic.Waiting == 0 {
		return "no client waits"
	}
	words := []string{fmt.Sprintf("%d requests in flight, %d waiting", len(traffic.InFlight), traffic.Waiting)}
	if moved := lastMove(traffic); !moved.IsZero() {
		words = append(words, fmt.Sprintf("last chunk %s ago", round(now.Sub(moved))))
	}
	return strings.Join(words, ", ")
}
