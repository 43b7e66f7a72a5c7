package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// roleTold is what was asked and told about whether the container is the server.
type roleTold struct {
	asking bool     // a call that shows who answers is under way
	told   []string // the sentences that were told since the trouble began
}

// heardServer takes an answer of the server's, whatever it says: it shows whether the
// container had a part in it.
func (k *Keeper) heardServer(began, ended time.Time) {
	if k.seen.Role.Heard(began, ended) {
		k.kick(Kick{Inspect: true})
	}
}

// askWhoAnswers has the server say its version where an answer more would show
// whether it is the container. It disturbs the rhythm of no probe.
func (k *Keeper) askWhoAnswers() {
	if k.role.asking || k.machine.State == Recovering || !k.seen.Role.Wanting() {
		return
	}
	k.role.asking = true
	k.do(AskVersion{})
}

func (k *Keeper) versionAnswered(o watch.VersionAnswered) {
	k.role.asking = false
	if o.Answered {
		k.heardServer(o.Began, o.Ended)
	}
}

// apart says why the container is not the server that answers; empty where it is, or may
// be.
func (k *Keeper) apart() string { return verdict.Apart(&k.seen, k.moment()) }

// misnamed says what is wrong with the container's name, for the log, the status and
// whoever asks for a restart; empty if nothing is known to be.
func (k *Keeper) misnamed() string {
	if reason := k.apart(); reason != "" {
		return reason
	}
	if c := &k.seen.Container; c.Known && c.Seen.Status == evidence.Absent {
		return fmt.Sprintf("no container is called %q (CLAWGATE_CONTAINER)", k.settings.Container)
	}
	return ""
}

// tellRole tells of a name that is wrong, and when that is over. A restart that a
// person asked for before it was found out is not for this container.
func (k *Keeper) tellRole() {
	sentence := k.misnamed()
	switch {
	case sentence == "" && len(k.role.told) > 0:
		k.role.told = nil
		k.info("the container can be healed again", "container", k.settings.Container)
	case sentence != "" && !slices.Contains(k.role.told, sentence):
		k.role.told = append(k.role.told, sentence)
		k.warn("nothing can be healed", "reason", sentence, "next_look", NextInspection)
		k.handle(Event{Kind: RestartWithdrawn})
	}
}

// NextInspection is the time within which the container is inspected again.
const NextInspection = 10 * time.Second

// ownID is the ID of the container, unless the server is another one.
func (k *Keeper) ownID() string {
	if k.apart() != "" {
		return ""
	}
	return k.seen.Container.Seen.ID
}
