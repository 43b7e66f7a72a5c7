package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// noteTried remembers what has been done about the present trouble.
func (k *Keeper) noteTried(rung Rung) {
	taken := &k.remedy.tried
	switch rung {
	case MakeRoom:
		taken.MadeRoom = true
	case Unload:
		taken.Unloaded = true
	case Restart:
		taken.Restarted = true
	}
	if k.quiet.verdict != "" && k.remedy.reason == string(k.quiet.verdict) { // not another trouble that came between
		k.remedy.tookQuietly(k.quiet.verdict, k.turn.now)
		k.quiet = quietWait{}
	}
}

// tried is what has been done about the present trouble, and what came of it.
func (k *Keeper) tried() Attempts {
	tried := k.remedy.tried
	tried.Unloaded = tried.Unloaded && k.machine.Tried.Model == k.seen.Focus
	tried.QuietMoments = k.remedy.tookQuietMoments(k.turn.now)
	if k.machine.State == Exhausted && k.BudgetLeft() == 0 {
		tried.NoBudget = fmt.Sprintf("the budget of %d restarts in %s is spent; a person has to look", k.settings.RestartBudget, k.settings.RestartWindow)
	}
	return tried
}

// noteFailure counts what the engine could not do, in a row.
func (k *Keeper) noteFailure(rung Rung, failure *watch.EngineError) {
	taken := &k.remedy.tried
	switch {
	case failure == nil:
		taken.FailedStops, taken.FailedStarts = 0, 0
		return
	case failure.Kind == watch.Mismatch:
		k.seen.Devices.Mismatch = true
		return
	case failure.Kind == watch.WontDie:
		taken.FailedStops++
	case rung == Start, failure.Kind == watch.StartFailed:
		taken.FailedStarts++
	default:
		return
	}
	taken.LastError = failure.Text
}

// mostAtOnce models are loaded again after a restart, or asked to make room. A
// server has a few in memory; a list that names thousands is no reason for as many
// calls.
const mostAtOnce = 16

// noteLoaded remembers which models to load again after a restart, and which ones
// stay in memory through any other rung.
func (k *Keeper) noteLoaded(rung Rung, target string, others []string) {
	loaded := k.seen.Server.Loaded
	k.remedy.left = nil
	if rung == Unload {
		others = nil
	}
	if !rung.Cuts() {
		k.remedy.left = slices.DeleteFunc(slices.Clone(loaded), func(m evidence.LoadedModel) bool {
			return slices.Contains(others, m.Name) || rung == Unload && k.seen.Server.Shares(m.Name, target)
		})
		return
	}
	for _, m := range loaded {
		known := slices.ContainsFunc(k.loads.restore, func(r evidence.LoadedModel) bool { return r.Name == m.Name })
		if !k.seen.Server.Shares(m.Name, k.seen.Main) && k.seen.Server.Reachable(m.Name) && !known && len(k.loads.restore) < mostAtOnce {
			k.loads.restore = append(k.loads.restore, m)
		}
	}
	if k.seen.FocusOnOther() {
		k.focusOn(k.seen.Main)
	}
}

// onceFor is how long a remedy that was put off and taken is not taken again
// for the same verdict.
const onceFor = 24 * time.Hour

// tookQuietly notes that the remedy for a verdict has had its quiet moment.
func (r *remedy) tookQuietly(v verdict.Verdict, now time.Time) {
	if r.quietMoments == nil {
		r.quietMoments = map[verdict.Verdict]time.Time{}
	}
	r.quietMoments[v] = now
}

func (r *remedy) tookQuietMoments(now time.Time) []verdict.Verdict {
	var taken []verdict.Verdict
	for v, at := range r.quietMoments {
		if now.Sub(at) < onceFor {
			taken = append(taken, v)
		}
	}
	slices.Sort(taken)
	return taken
}
