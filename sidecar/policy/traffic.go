package policy

import (
	"fmt"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// sign takes what live traffic showed.
func (k *Keeper) sign(sign evidence.Sign) {
	if sign.At.Before(k.seen.Calibrated) {
		return // from a run of the server that is over
	}
	switch sign.Kind {
	case evidence.SignFirstChunk:
		k.firstChunk(sign)
	case evidence.SignRunnerDied, evidence.SignOutOfMemory:
		k.hinted(sign)
	case evidence.SignOverloaded:
		k.wasRefused(sign)
	case evidence.SignAnswered:
		k.sawAnswer(sign)
	case evidence.SignWanted:
		if sign.Model == k.seen.Main { // others' names are whatever clients write
			k.seen.Models.Of(sign.Model).Wanted = sign.At
		}
	case evidence.SignRefused:
		k.kick(Kick{TCP: true, Inspect: true})
	case evidence.SignLoading:
		if sign.Model != "" {
			k.looks.want(sign.Model) // its runner is seen to come, if it is one that goes again
		}
	case evidence.SignWaitedLong:
		switch {
		case sign.Model == k.seen.Focus || k.machine.State == Recovering:
		case sign.Model == k.seen.Main:
			k.focusOn(sign.Model)
		case k.servesOthers():
			k.suspect(sign.Model)
		}
	}
}

func (k *Keeper) firstChunk(sign evidence.Sign) {
	k.seen.Server.LastTraffic = sign.At
	of := k.seen.Models.Of(sign.Model)
	of.Present, of.Answers = true, true
	if sign.Loaded {
		k.looks.want(sign.Model)
	}
	k.heardServer(sign.SentAt, sign.At)
	if sign.SentAt.Before(k.seen.Role.AbsentSince()) {
		return // it may be the last that the container said
	}
	of.Gave(sign.At)
	if !k.seen.Server.Catalogue.Titled(sign.Model).Remote {
		k.seen.Server.Gave(sign.At)
	}
	if sign.Model == k.seen.Focus {
		k.credit(sign)
	}
}

// credit counts a live first chunk as a passed readiness probe: no probe shall eat
// the GPU time of users who prove the same. One that came late is no timely success,
// and after a long prompt, or a load, no sign of slowness either.
func (k *Keeper) credit(sign evidence.Sign) {
	of, result := k.seen.Focused(), evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Success, At: sign.At, Took: sign.Took}
	late := sign.Took > k.settings.FirstChunkTimeout
	if result.Late = late && of.Streak.Last.Late; result.Late {
		result.Reason = of.Streak.Last.Reason
	}
	of.Count(result)
	if !late || result.Late && !sign.Loaded {
		of.Answered(sign.At, late)
	}
	k.sawToken(sign.At)
	k.seen.Server.Spoke()
	k.seen.Server.MarkLoaded(k.seen.Focus)
	k.probes.next = sign.At.Add(k.settings.ReadyInterval)
}

// died counts a death of a model's runner. Ollama loads the model again for whoever asks
// next; if that of one dies again and again which the probe does not look at, each time
// takes the GPU from the others. The list of models is looked at again before the next
// probe is sent.
func (k *Keeper) died(sign evidence.Sign) {
	k.kick(Kick{Inspect: true}) // it may be the whole container that ends
	if sign.Model == k.seen.Main && k.seen.FocusOnOther() {
		k.focusOn(sign.Model) // it comes first
	}
	of := k.seen.Models.Of(sign.Model)
	of.Present = false
	if !of.Crashed(sign.At, sign.Detail, func() bool { return k.seen.Hints.Counted(sign.Request) }) {
		return
	}
	crashes := of.Crashes.Len()
	k.warn("a runner died", "model", sign.Model, "detail", sign.Detail, "crashes", crashes)
	switch {
	case sign.Model == k.seen.Focus:
		k.seen.Server.LoadedKnown = false
		k.do(ForgetRunners{})
	case crashes >= verdict.CrashLimit:
		k.keepOut(sign.Model, sign.At, verdict.Crashed, fmt.Sprintf("its runner died %d times: %s", crashes, sign.Detail))
		of.Crashes = watch.Failures{}
	}
}

// foundNoRoom notes that a model found no memory. Ollama itself makes room and tries
// again once; what it reports is what came of that.
func (k *Keeper) foundNoRoom(sign evidence.Sign) {
	of := k.seen.Models.Of(sign.Model)
	of.FoundNoRoom(sign.At, sign.Detail)
	of.Present = false
	k.warn("there was no room for a model", "model", sign.Model, "detail", sign.Detail)
	if sign.Model == k.seen.Focus {
		k.seen.Server.LoadedKnown = false // it may have lost its place
	}
}

// sawAnswer takes a complete answer. Where a model's answers have nothing in
// them, the probe asks that model next.
func (k *Keeper) sawAnswer(sign evidence.Sign) {
	of := k.seen.Models.Of(sign.Model)
	of.SawAnswer(sign.Answer)
	if !sign.Answer.Hollow || !verdict.Suspicious(of.Hollow) {
		return
	}
	switch {
	case sign.Model == k.seen.Focus:
		k.probes.next = sign.At
	case k.servesOthers() && !k.seen.FocusOnOther():
		k.focusOnOther(sign.Model)
	}
}
