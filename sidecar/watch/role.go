package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Role is what is known of whether the container of the configured name is the
// server at the configured address. The name may be a slip, or have been given to
// another container. Until something shows that, the container is the server.
type Role struct {
	absence absence
	bond    bond
	of      string // the container's ID that bond is about
	// remote says that the server was seen to have another address than this side.
	// What it sends passes no network that is counted where both have one: they share
	// a machine's network, or a container's.
	remote bool
}

// absence is one time during which there is no such container, or it does not run.
// A server that answers meanwhile is another one. What it answers counts if the
// request began after the container was seen not to run, and an inspection begun
// after the answer shows the same: a container that was started in between would
// have another start.
type absence struct {
	since    time.Time // when it was seen first; zero while the container runs
	of       evidence.Identity
	answered time.Time // when an answer came that awaits the inspection after it
	beside   bool      // a server was seen to answer
}

// Heard takes an answer of the server's, whatever it says: it shows whether the container
// had a part in it. Awaits says that an inspection from now on would show more.
func (r *Role) Heard(began, ended time.Time) (awaits bool) {
	r.bond = r.bond.Answered(began, ended)
	gone := &r.absence
	if gone.since.IsZero() || gone.beside || !gone.answered.IsZero() || began.Before(gone.since) {
		return false
	}
	gone.answered = ended
	return true
}

// Follow takes an inspection that was asked for at that time. It says that a server
// was found beside the container: all that was proven before may have been the
// container's doing.
func (r *Role) Follow(asked, now time.Time, container evidence.Container) (found bool) {
	gone := &r.absence
	if container.Status == evidence.Running {
		r.run(container.Identity, *gone)
		*gone = absence{}
		return false
	}
	if gone.since.IsZero() || !gone.of.Equal(container.Identity) {
		apart := r.bond.Apart() && container.ID == r.of || (r.bond.Apart() || gone.beside) && container.ID == ""
		*gone = absence{since: now, of: container.Identity, beside: apart}
		return false // its end is not the server's if it was another one before
	}
	if gone.beside || gone.answered.IsZero() || asked.Before(gone.answered) {
		return false
	}
	gone.beside = true
	return true
}

// run takes a container that runs: a new one has everything before it, and a new run
// of the same one all but the finding.
func (r *Role) run(now evidence.Identity, gone absence) {
	if now.ID != r.of {
		r.of, r.bond = now.ID, bond{}
	}
	switch {
	case gone.since.IsZero():
	case gone.beside && gone.of.ID == now.ID && !r.bond.Apart():
		r.bond = knownApart()
	default:
		r.bond = r.bond.NewRun()
	}
}

// ReachedAcross says whether the server was reached from one host to another. What was
// counted until then may have been counted otherwise.
func (r *Role) ReachedAcross(remote bool) {
	if r.remote != remote {
		r.remote, r.bond = remote, r.bond.NewRun()
	}
}

// Read takes a reading of the container's counters.
func (r *Role) Read(asked time.Time, reading evidence.Activity) {
	if !r.remote {
		reading.NetRx, reading.NetTx = 0, 0
	}
	r.bond = r.bond.Read(asked, reading)
}

// Wanting says that an answer more would show whether it is the container that answers.
func (r *Role) Wanting() bool {
	gone := r.absence
	return r.bond.Wanting() || !gone.since.IsZero() && !gone.beside && gone.answered.IsZero()
}

// RanMeanwhile drops an answer that the container may have given, since it ran meanwhile.
func (r *Role) RanMeanwhile(now time.Time) {
	if gone := &r.absence; !gone.since.IsZero() && !gone.beside {
		gone.since, gone.answered = now, time.Time{}
	}
}

// Beside says that a server was seen to answer while there was no such container, or it
// did not run.
func (r *Role) Beside() bool { return r.absence.beside }

// Idle says that a server answered while the container did nothing.
func (r *Role) Idle() bool { return r.absence.since.IsZero() && r.bond.Apart() }

// AbsentSince is since when there has been no such container, or it does not run; zero
// while it runs.
func (r *Role) AbsentSince() time.Time { return r.absence.since }
