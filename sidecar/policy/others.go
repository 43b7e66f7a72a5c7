package policy

import "time"

// othersAnswerFor is how long after a token of another model's nobody is cut for the
// trouble of one.
const othersAnswerFor = time.Minute

// restartWaits says that the restart that is due is for one model's trouble, and that the
// others would pay for it: until a minute has passed without a token of theirs, or nobody
// would notice, that model alone is closed.
func (k *Keeper) restartWaits() bool {
	plan, target := k.machine.Plan, k.machine.Target
	if plan.Rung != Restart || plan.ByPerson || plan.WhenQuiet || target == "" || k.machine.State == Recovering {
		return false
	}
	return k.othersAnswer(target) && !k.nobodyNotices()
}

// othersAnswer says that a model with another runner has given a token within a minute.
func (k *Keeper) othersAnswer(than string) bool {
	server := &k.seen.Server
	for title, of := range k.seen.Models.Named() {
		recent := of.Proved && k.turn.now.Sub(of.Token) < othersAnswerFor
		if recent && !server.Shares(title, than) && !server.Catalogue.Titled(title).Remote {
			return true
		}
	}
	return false
}

// nobodyNotices says that the moment is quiet, however long the remedy has waited.
func (k *Keeper) nobodyNotices() bool {
	v := k.quietView()
	v.Since = v.Now
	v.Longest = time.Hour
	return Quiet(v)
}
