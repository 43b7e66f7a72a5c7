package policy

// BudgetLeft is how many restarts are allowed now. A container that is down
// because of us is started whatever the budget says.
func (k *Keeper) BudgetLeft() int {
	if k.owesStart(k.seen.Container.Seen) {
		return max(1, k.settings.RestartBudget)
	}
	return max(k.settings.RestartBudget-k.turn.Spent, 0)
}

// spend takes one restart out of the budget. Finishing what an earlier Clawgate
// began costs nothing: it was paid for then.
func (k *Keeper) spend() {
	if !k.owesStart(k.seen.Container.Seen) {
		k.turn.Spent++
		k.do(Spend{k.turn.now})
	}
}

// refund gives back the restart that was taken out for the rung that has ended.
func (k *Keeper) refund() {
	if k.turn.Spent > 0 && k.turn.now.Sub(k.remedy.began) < k.settings.RestartWindow {
		k.turn.Spent--
	}
	k.do(Refund{k.remedy.began})
}
