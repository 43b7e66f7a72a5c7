package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// seen is a server that answers in a container that runs.
func seen(changes ...func(*watch.State)) *watch.State {
	s := watch.New(target)
	s.Container = watch.Container{Known: true, Seen: evidence.Container{
		Identity: evidence.Identity{ID: "c1", StartedAt: ago(time.Hour)}, Status: evidence.Running, RestartPolicy: "no", SeenAt: now,
	}}
	s.Server.Pulse, s.Devices.WorkedAt = working(), now
	for _, change := range changes {
		change(&s)
	}
	return &s
}

// down is a container that ended the time d ago, and was looked at since.
func down(d time.Duration, status evidence.Status, policy string) func(*watch.State) {
	return func(s *watch.State) {
		s.Container.Seen.Status, s.Container.Seen.RestartPolicy = status, policy
		s.Container.Seen.FinishedAt, s.Container.GoneSince = ago(d), ago(d)
	}
}

// told is an event of the engine's, the time d ago.
func told(d time.Duration, action evidence.ContainerAction) func(*watch.State) {
	return func(s *watch.State) { s.Container.Operator.Saw(evidence.ContainerEvent{Action: action, At: ago(d)}) }
}

func died(d time.Duration) func(*watch.State)   { return told(d, evidence.ActionDie) }
func killed(d time.Duration) func(*watch.State) { return told(d, evidence.ActionKill) }

func TestWhatAPersonDidToTheContainer(t *testing.T) {
	const policy = "unless-stopped"
	unknown := func(s *watch.State) { s.Container.Known = false }
	never := func(s *watch.State) { s.Container.Seen.StartError = "no such device" }
	for name, c := range map[string]struct {
		seen *watch.State
		of   Moment
		want string // part of it
	}{
		"nothing":                                 {seen(), Moment{}, ""},
		"a pause":                                 {seen(down(0, evidence.Paused, policy)), Moment{}, "paused by hand"},
		"a stop that goes on":                     {seen(killed(stopUnderWay - time.Second)), Moment{}, "being stopped by hand"},
		"a stop that ended nothing":               {seen(killed(stopUnderWay)), Moment{}, ""},
		"a stop":                                  {seen(down(time.Second, evidence.Exited, policy), killed(2*time.Second), died(time.Second)), Moment{}, "stopped by hand"},
		"not a crash":                             {seen(down(time.Second, evidence.Exited, policy), died(time.Second)), Moment{}, ""},
		"not a crash without a policy":            {seen(down(time.Hour, evidence.Exited, "no"), died(time.Hour)), Moment{}, ""},
		"an end that nobody saw":                  {seen(down(time.Second, evidence.Exited, "no")), Moment{}, "before anything was seen"},
		"an end that the policy left":             {seen(down(PolicyWait/2, evidence.Exited, policy), died(time.Minute)), Moment{}, "somebody stopped it"},
		"not one that the policy has time for":    {seen(down(PolicyWait/2-time.Second, evidence.Exited, policy), died(time.Minute)), Moment{}, ""},
		"not a start that failed":                 {seen(down(time.Hour, evidence.Exited, policy), never), Moment{}, ""},
		"a container that was never started":      {seen(down(time.Hour, evidence.Created, "no")), Moment{}, "never started"},
		"not what is being removed":               {seen(down(time.Hour, evidence.Removing, "no")), Moment{}, ""},
		"not where nothing is known":              {seen(down(0, evidence.Paused, policy), unknown), Moment{}, ""},
		"not where it is down for Clawgate's act": {seen(down(time.Second, evidence.Exited, "no")), Moment{Unfinished: true}, ""},
	} {
		c.of.Now = now
		if got := Draw(c.seen, c.of).OperatorAct; !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// beside is a server that answers while the container is in that state.
func beside(status evidence.Status) func(*watch.State) {
	return func(s *watch.State) {
		s.Container.Seen.Status = status
		gone := s.Container.Seen
		s.Role.Follow(ago(time.Minute), ago(time.Minute), gone)
		s.Role.Heard(ago(50*time.Second), ago(49*time.Second))
		s.Role.Follow(ago(48*time.Second), ago(48*time.Second), gone)
	}
}

// idle is a container that does nothing while the server answers.
func idle(s *watch.State) {
	s.Role.Follow(ago(time.Minute), ago(time.Minute), s.Container.Seen)
	for at := time.Minute; at > 50*time.Second; at -= 2 * time.Second {
		s.Role.Read(ago(at), evidence.Activity{SeenAt: ago(at), CPU: time.Second})
		s.Role.Heard(ago(at-time.Second), ago(at-time.Second))
	}
}

func TestWhetherTheContainerIsTheServer(t *testing.T) {
	silent := func(s *watch.State) {
		s.Server.TCP = watch.Streak{Failures: 1, Last: evidence.ProbeResult{Outcome: evidence.Failure, Refused: true}}
	}
	stopped := func(s *watch.State) { killed(time.Minute)(s); died(time.Minute)(s) }
	for name, c := range map[string]struct {
		seen *watch.State
		want string
	}{
		"it runs":                    {seen(), ""},
		"there is none of that name": {seen(beside(evidence.Absent)), `no container is called "ollama" (CLAWGATE_CONTAINER)`},
		"it does not run":            {seen(beside(evidence.Exited)), `container "ollama" (CLAWGATE_CONTAINER) is exited`},
		"it does nothing":            {seen(idle), `container "ollama" (CLAWGATE_CONTAINER) did nothing`},
		"nobody listens any more, and none is there": {seen(beside(evidence.Absent), silent), ""},
		"nobody listens, and a person stopped it":    {seen(beside(evidence.Exited), stopped, silent), ""},
		"nobody listens, and it ended by itself":     {seen(beside(evidence.Exited), died(time.Minute), silent), "is exited"},
	} {
		if got := Draw(c.seen, Moment{Now: now, ContainerName: "ollama"}).Apart; !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// What nobody sees of a server that is another one is not in its picture, and what is
// seen of the host and of the server is.
func TestAPictureWithoutTheContainer(t *testing.T) {
	away := func(s *watch.State) { s.Container.EngineAway, s.Server.Reached = ago(time.Minute), true }
	for name, c := range map[string]struct {
		seen  *watch.State
		known bool
	}{"its own": {seen(away), true}, "another's": {seen(away, idle), false}} {
		p := Draw(c.seen, Moment{Now: now, Unfinished: true})
		if p.Container.Known != c.known || (p.Container.Seen.ID != "") != c.known || p.Unfinished != c.known ||
			p.Server.Pulse.Known(now) != c.known || p.Devices.WorkedAt.IsZero() == c.known {
			t.Errorf("%s: %+v", name, p)
		}
		if p.Container.EngineAway.IsZero() || !p.Server.Reached || p.Target != target {
			t.Errorf("%s, and the rest: %+v", name, p)
		}
	}
	if s := seen(idle); Draw(s, Moment{Now: now}).Apart == "" || !s.Container.Known || s.Devices.WorkedAt.IsZero() {
		t.Error("the picture took it from the memory, too")
	}
}
