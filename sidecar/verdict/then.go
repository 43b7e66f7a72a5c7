package verdict

// Help is what may mend something. Whether it was tried is not known here: what is found
// says what it comes to in either case, and who knows chooses (package policy).
type Help string

const (
	// Room: other models leave memory.
	Room Help = "room"
	// Restart: the container is restarted.
	Restart Help = "restart"
	// QuietMoment: the remedy that waits for one.
	QuietMoment Help = "quiet_moment"
)

// Then is what a judgement comes to where a help was tried and the same is found again.
type Then struct {
	After Help
	// For is the verdict that the help was for, where that matters: a quiet moment
	// that was used for one verdict is left to every other.
	For Verdict
	Judgement
}

// throughout makes the same change to a judgement and to all that it may come to.
func (j Judgement) throughout(change func(Judgement) Judgement) Judgement {
	changed := change(j)
	changed.Then = nil
	for _, then := range j.Then {
		then.Judgement = then.throughout(change)
		changed.Then = append(changed.Then, then)
	}
	return changed
}
