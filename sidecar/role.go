package sidecar

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// role is what is known of whether the container of the configured name is the
// server at the configured address. The name may be a slip, or have been given to
// another container. Until something shows that, the container is the server.
type role struct {
	absence absence
	bond    verdict.Bond
	of      string // the container's ID that bond is about
	// remote says that the server was seen to have another address than this side.
	// What it sends passes no network that is counted where both have one: they share
	// a machine's network, or a container's.
	remote bool
	asking bool     // a call that shows who answers is under way
	told   []string // the sentences that were told since the trouble began
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

// heardServer takes an answer of the server's, whatever it says: it shows whether the
// container had a part in it.
func (s *supervisor) heardServer(began, ended time.Time) {
	s.role.bond = s.role.bond.Answered(began, ended)
	gone := &s.role.absence
	if gone.since.IsZero() || gone.beside || !gone.answered.IsZero() || began.Before(gone.since) {
		return
	}
	gone.answered = ended
	s.kicks.inspect.kick()
}

// askWhoAnswers has the server say its version where an answer more would show
// whether it is the container. It disturbs the rhythm of no probe.
func (s *supervisor) askWhoAnswers(ctx context.Context) {
	if s.role.asking || s.machine.State == policy.Recovering || !s.role.bond.Wanting() && !s.role.absence.wanting() {
		return
	}
	s.role.asking = true
	s.workers.Go(func() {
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, s.config.APITimeout)
		defer cancel()
		_, err := s.client.Version(limited)
		ended := time.Now()
		s.post(ctx, 0, func() {
			s.role.asking = false
			if err == nil {
				s.heardServer(began, ended)
			}
		})
	})
}

// follow takes an inspection that was asked for at that time. It says that a server
// was found beside the container: all that was proven before may have been the
// container's doing.
func (r *role) follow(asked, now time.Time, container evidence.Container) (found bool) {
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
func (r *role) run(now evidence.Identity, gone absence) {
	if now.ID != r.of {
		r.of, r.bond = now.ID, verdict.Bond{}
	}
	switch {
	case gone.since.IsZero():
	case gone.beside && gone.of.ID == now.ID && !r.bond.Apart():
		r.bond = verdict.KnownApart()
	default:
		r.bond = r.bond.NewRun()
	}
}

// reachedAcross says whether the server was reached from one host to another. What was
// counted until then may have been counted otherwise.
func (r *role) reachedAcross(remote bool) {
	if r.remote != remote {
		r.remote, r.bond = remote, r.bond.NewRun()
	}
}

// read takes a reading of the container's counters.
func (r *role) read(asked time.Time, reading evidence.Activity) {
	if !r.remote {
		reading.NetRx, reading.NetTx = 0, 0
	}
	r.bond = r.bond.Read(asked, reading)
}

// wanting says that an answer would show that another server is there.
func (a *absence) wanting() bool { return !a.since.IsZero() && !a.beside && a.answered.IsZero() }

// doubt drops an answer that the container may have given, since it ran meanwhile.
func (a *absence) doubt(now time.Time) {
	if !a.since.IsZero() && !a.beside {
		a.since, a.answered = now, time.Time{}
	}
}

// apart says why the container is not the server that answers, or that answered last;
// empty where it is, and where that cannot be told. While nobody listens there, a name
// that leads nowhere and a person's act are all that there is to say.
func (s *supervisor) apart(now time.Time) string {
	name := fmt.Sprintf("%q (CLAWGATE_CONTAINER)", s.config.Container)
	switch gone := s.role.absence; {
	case gone.beside && s.refused() && (s.seen.container.Status == evidence.Absent || s.operatorAct(now) != ""):
	case gone.beside && s.seen.container.Status == evidence.Absent:
		return "no container is called " + name + ", and a server answers at CLAWGATE_OLLAMA_URL all the same"
	case gone.beside:
		return fmt.Sprintf("container %s is %s, and a server answers at CLAWGATE_OLLAMA_URL all the same", name, s.seen.container.Status)
	case gone.since.IsZero() && s.role.bond.Apart():
		return "container " + name + " did nothing while the server at CLAWGATE_OLLAMA_URL answered, so that is another one"
	}
	return ""
}

// misnamed says what is wrong with the container's name, for the log, the status and
// whoever asks for a restart; empty if nothing is known to be.
func (s *supervisor) misnamed(now time.Time) string {
	if reason := s.apart(now); reason != "" {
		return reason
	}
	if s.seen.containerKnown && s.seen.container.Status == evidence.Absent {
		return fmt.Sprintf("no container is called %q (CLAWGATE_CONTAINER)", s.config.Container)
	}
	return ""
}

// tellRole tells of a name that is wrong, and when that is over. A restart that a
// person asked for before it was found out is not for this container.
func (s *supervisor) tellRole(now time.Time) {
	sentence := s.misnamed(now)
	s.report.metrics.ContainerStands(sentence == "")
	if sentence == "" {
		if len(s.role.told) == 0 {
			return
		}
		s.role.told = nil
		s.log.Info("the container can be healed again", "container", s.config.Container)
		return
	}
	if slices.Contains(s.role.told, sentence) {
		return
	}
	s.role.told = append(s.role.told, sentence)
	s.log.Warn("nothing can be healed", "reason", sentence, "next_look", inspectInterval)
	s.handle(now, policy.Event{Kind: policy.RestartWithdrawn})
}

// refused says that nobody listens at the server's address.
func (s *supervisor) refused() bool { return s.seen.tcp.Failures > 0 && s.seen.tcp.Last.Refused }

// ownID is the ID of the container, unless the server is another one.
func (s *supervisor) ownID(now time.Time) string {
	if s.apart(now) != "" {
		return ""
	}
	return s.seen.container.ID
}

// unknownContainer takes the container out of a picture of a server that is another
// one.
func (s *supervisor) unknownContainer(p *verdict.Picture) {
	if p.Apart = s.apart(p.Now); p.Apart == "" {
		return
	}
	p.Container, p.ContainerKnown, p.GoneSince, p.OperatorAct, p.Unfinished = evidence.Container{}, false, time.Time{}, "", false
	p.Pulse, p.GPUActiveAt = verdict.Pulse{}, time.Time{}
}

// betweenHosts says that the ends of a connection are known to have two addresses.
func betweenHosts(conn net.Conn) bool {
	near, nearKnown := conn.LocalAddr().(*net.TCPAddr)
	far, farKnown := conn.RemoteAddr().(*net.TCPAddr)
	return nearKnown && farKnown && !near.IP.Equal(far.IP)
}
