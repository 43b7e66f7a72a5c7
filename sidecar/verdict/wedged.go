package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Wedged means silence and stillness; the process is there and does not answer.
const Wedged Verdict = "wedged"

var wedgedRecord = Record{
	Verdict: Wedged, Standing: Failing,
	Need: Wait, Finds: []Need{Mend, MakeRoom},
	Means:  "silence and stillness",
	Does:   "unloads the model, then restarts the container",
	Signs:  "three probes without a first chunk, no stream moves, container and GPU are still; or for a minute the queue is full, or a model that nobody uses past its time, and nothing moves but for probes",
	Remedy: "unload the model; if that does not help: restart the container",
	Never:  "judge by the length of an answer; restart while anything moves",
	Faults: "F1, F2, F3, F10",
}

// serverSilent covers a process that is there and does not speak HTTP: nothing
// listens, or what listens does not answer.
func serverSilent(p Picture) (Judgement, bool) {
	starting := p.Container.Known && p.Now.Sub(p.Container.Seen.StartedAt) < ServerStart
	switch {
	case p.Server.TCP.Failures > 0 && p.Server.TCP.Last.Refused:
		return nobodyListens(p, starting), true
	case p.Server.API.Failures == 0 || p.Server.API.Last.Answered || p.Server.API.Last.Unresolved: // an odd answer is no silence
		return Judgement{}, false
	case starting && !p.Server.Answered:
		return Judgement{Verdict: Loading, Sentence: "the server has just started: " + p.Server.API.Last.Reason}, true
	case p.Server.API.Failures < p.Limit.FailureThreshold:
		return Judgement{}, false
	case proven(p) && p.Model.Streak.Last.At.After(p.Server.API.FailingSince):
		return Judgement{}, false // a list that takes its time: the model has answered since
	case worksNow(p, p.Server.API.FailingSince):
		return Judgement{Verdict: Busy, Sentence: "the API does not answer, and the server works: " + p.Server.API.Last.Reason}, true
	case !p.Server.Pulse.Known(p.Now) && p.Now.Sub(p.Server.Pulse.UnseenSince(p.Server.API.FailingSince)) < blindWait:
		return Judgement{}, false
	}
	return Judgement{Verdict: Wedged, Need: mendUnless(viewPending(p)), Sentence: fmt.Sprintf("the API failed %d times in %s: %s; %s",
		p.Server.API.Failures, round(p.Now.Sub(p.Server.API.FailingSince)), p.Server.API.Last.Reason, activity(p))}, true
}

func modelWedged(p Picture) (Judgement, bool) {
	if p.Model.Streak.Failures < p.Limit.FailureThreshold {
		return Judgement{}, false
	}
	last, model := p.Model.Streak.Last, p.Target
	if last.Server {
		model = ""
	}
	if !last.Answered && !last.Spun && worksNow(p, p.Model.Streak.FailingSince) {
		return Judgement{Verdict: Busy, Model: model, Sentence: "the model did not answer, and the server works again: " + last.Reason}, true
	}
	// A server that answers oddly in place of its list of models is not silent:
	// what is in its place would answer the same after a restart.
	need := mendUnless(viewPending(p) || last.Server && last.Answered)
	return Judgement{Verdict: Wedged, Need: need, Model: model, Sentence: fmt.Sprintf(
		"%d readiness probes failed within %s: %s; %s", p.Model.Streak.Failures,
		round(p.Now.Sub(p.Model.Streak.FailingSince)), last.Reason, waiting(p.Traffic, p.Now))}, true
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
