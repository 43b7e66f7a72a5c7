package watch

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const second = time.Second

// ran is a run of a container that began the time d ago, as it is at that status.
func ran(id string, d time.Duration, status evidence.Status) evidence.Container {
	return evidence.Container{Identity: evidence.Identity{ID: id, StartedAt: ago(d)}, Status: status}
}

var (
	up   = ran("c1", time.Hour, evidence.Running)
	down = ran("c1", time.Hour, evidence.Exited)
	none = evidence.Container{Status: evidence.Absent}
)

// followed is a role that has seen these inspections, each ten seconds after the one
// before, the last one ten seconds ago.
func followed(inspections ...evidence.Container) *Role {
	r := &Role{}
	for i, c := range inspections {
		at := ago(10 * second * time.Duration(len(inspections)-i))
		r.Follow(at, at, c)
	}
	return r
}

// answering has the server answer the time d ago, to a request that was sent a second before.
func (r *Role) answering(d time.Duration) *Role {
	r.Heard(ago(d+second), ago(d))
	return r
}

// still has the container do nothing while the server answers, and moving has it work.
func still(r *Role) *Role  { return r.with(0) }
func moving(r *Role) *Role { return r.with(second) }

func (r *Role) with(cpu time.Duration) *Role {
	at, used := ago(time.Hour), second
	for range 20 {
		at, used = at.Add(2*second), used+cpu
		r.Read(at, evidence.Activity{SeenAt: at, CPU: used})
		r.Heard(at.Add(second), at.Add(second))
	}
	return r
}

func TestAnotherServerIsFoundBesideTheContainer(t *testing.T) {
	inspects := func(r *Role, asked time.Duration, c evidence.Container) bool {
		return r.Follow(ago(asked), now, c) && r.Beside()
	}
	for name, c := range map[string]struct {
		role  *Role
		asked time.Duration // when the inspection was asked for, ago
		seen  evidence.Container
		want  bool
	}{
		"when it answers while that is down":    {followed(up, down).answering(second), 0, down, true},
		"by an inspection asked for just then":  {followed(up, down).answering(second), second, down, true},
		"not by one that was asked for before":  {followed(up, down).answering(second), 2 * second, down, false},
		"not without an answer":                 {followed(up, down), 0, down, false},
		"not by an answer that began before":    {followed(up, down).answering(10 * second), 0, down, false},
		"not if the container has run since":    {followed(up, down).answering(second), 0, ran("c1", second, evidence.Exited), false},
		"not if it runs":                        {followed(up, down).answering(second), 0, up, false},
		"not twice":                             {followed(up, down, down).answering(second), 0, down, true},
		"while there is none":                   {followed(none).answering(second), 0, none, true},
		"not by an answer while it ran":         {followed(up).answering(second), 0, down, false},
		"not by the first look that finds none": {&Role{}, 0, none, false},
	} {
		if got := inspects(c.role, c.asked, c.seen); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	r := beside()
	if r.Follow(now, now, down) || !r.Beside() {
		t.Error("it is found twice, or lost")
	}
}

// beside is a role of which a server was found beside the container.
func beside() *Role {
	r := followed(up, down).answering(5 * second)
	r.Follow(ago(second), ago(second), down)
	return r
}

// endedIdle is a role of a container that did nothing, and has ended.
func endedIdle() *Role {
	r := still(followed(up))
	r.Follow(ago(10*second), ago(10*second), down)
	return r
}

func TestAnAnswerAwaitsAnInspection(t *testing.T) {
	for name, c := range map[string]struct {
		role *Role
		want bool
	}{
		"while the container is down":   {followed(up, down), true},
		"not while it runs":             {followed(up), false},
		"not if one awaits it already":  {followed(up, down).answering(5 * second), false},
		"not once another server is it": {beside(), false},
		"not once one was before":       {endedIdle(), false},
	} {
		if got := c.role.Heard(ago(second), now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if followed(up, down).Heard(ago(10*second+1), now) {
		t.Error("to a request from before awaits one")
	}
	r := followed(up, down).answering(5 * second)
	if r.Heard(now, now); r.Follow(ago(4*second), now, down) != true {
		t.Error("a later answer puts the inspection off")
	}
}

func TestWhatIsKnownOfTheContainerAfterwards(t *testing.T) {
	const idle, well, aside = "idle", "well", "beside"
	says := func(r *Role) string {
		switch {
		case r.Beside():
			return aside
		case r.Idle():
			return idle
		}
		return well
	}
	anew := ran("c1", 0, evidence.Running)
	for name, c := range map[string]struct {
		role *Role
		then []evidence.Container
		want string
	}{
		"one that did nothing is not the server":            {still(followed(up)), nil, idle},
		"one that worked is":                                {moving(followed(up)), nil, well},
		"one that did nothing, in its next run":             {still(followed(up)), []evidence.Container{anew}, idle},
		"one that did nothing, after its end":               {still(followed(up)), []evidence.Container{down}, aside},
		"one that did nothing, started again":               {still(followed(up)), []evidence.Container{down, anew}, idle},
		"one that did nothing, removed":                     {still(followed(up)), []evidence.Container{none}, aside},
		"one that did nothing, made anew":                   {still(followed(up)), []evidence.Container{ran("c2", 0, evidence.Running)}, well},
		"one that did nothing, made anew and ended":         {still(followed(up)), []evidence.Container{ran("c2", 0, evidence.Exited)}, well},
		"its end while another was the server":              {beside(), []evidence.Container{ran("c1", second, evidence.Exited)}, well},
		"its removal while another was":                     {beside(), []evidence.Container{none}, aside},
		"its start while another was":                       {beside(), []evidence.Container{anew}, idle},
		"the start of one that was made anew, while it was": {beside(), []evidence.Container{ran("c2", 0, evidence.Running)}, well},
		"the start of one that is the server":               {moving(followed(up)), []evidence.Container{down, anew}, well},
		"the end of one that is the server":                 {moving(followed(up)), []evidence.Container{down}, well},
		"its removal":                                       {moving(followed(up)), []evidence.Container{none}, well},
	} {
		for _, seen := range c.then {
			c.role.Follow(now, now, seen)
		}
		if got := says(c.role); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWhatIsCountedOfARun(t *testing.T) {
	read := func(r *Role) *Role {
		r.Read(now, evidence.Activity{SeenAt: now, CPU: second})
		return r
	}
	r := read(followed(up))
	if r.Follow(now, now, up); len(r.bond.readings) != 1 {
		t.Error("an inspection of the same run has it forgotten")
	}
	r.Follow(now, now, down)
	if r.Follow(now, now, ran("c1", 0, evidence.Running)); len(r.bond.readings) > 0 {
		t.Error("it counts in the next run")
	}
	r = endedIdle()
	r.bond.found = 3
	if r.Follow(now, now, ran("c1", 0, evidence.Running)); !r.Idle() || r.bond.found != 3 {
		t.Errorf("how often it was found to do nothing is forgotten: %+v", r.bond)
	}
}

func TestSinceWhenTheContainerIsAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		role *Role
		want time.Time
	}{
		"while it runs":             {followed(up), time.Time{}},
		"since it was seen first":   {followed(up, down, down), ago(20 * second)},
		"until it runs again":       {followed(up, down, up), time.Time{}},
		"anew, with another's end":  {followed(up, down, none), ago(10 * second)},
		"anew, with another of its": {followed(up, down, ran("c1", second, evidence.Exited)), ago(10 * second)},
	} {
		if got := c.role.AbsentSince(); !got.Equal(c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhoAnsweredMayHaveBeenTheContainer(t *testing.T) {
	r := followed(up, down).answering(second)
	if r.RanMeanwhile(now); r.Follow(now, now, down) || !r.AbsentSince().Equal(now) {
		t.Error("an answer from before counts")
	}
	if r.Heard(ago(second), now) {
		t.Error("an answer to a request from before counts")
	}
	r = beside()
	if r.RanMeanwhile(now); !r.Beside() || r.AbsentSince().Equal(now) {
		t.Error("what is found is doubted")
	}
	r = followed(up)
	if r.RanMeanwhile(now); !r.AbsentSince().IsZero() {
		t.Error("a container that runs is taken for absent")
	}
}

func TestAnAnswerIsWanted(t *testing.T) {
	read := func(r *Role) *Role {
		r.Read(ago(5*second), evidence.Activity{SeenAt: ago(5 * second), CPU: second})
		return r
	}
	for name, c := range map[string]struct {
		role *Role
		want bool
	}{
		"while the container is down":        {followed(up, down), true},
		"not once one has come":              {followed(up, down).answering(second), false},
		"not once another server is found":   {beside(), false},
		"not if one was found before":        {endedIdle(), false},
		"not while it runs unseen":           {followed(up), false},
		"to weigh it against a reading":      {read(followed(up)), true},
		"not while one waits for a reading":  {read(followed(up)).answering(0), false},
		"not once it is known to be the one": {moving(followed(up)), false},
		"not once it is known to be another": {still(followed(up)), false},
	} {
		if got := c.role.Wanting(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAServerOnAnotherHostSendsThroughTheNetwork(t *testing.T) {
	for remote, want := range map[bool]bool{true: true, false: false} {
		r := followed(up)
		r.ReachedAcross(remote)
		at, used := ago(time.Minute), second
		for range 9 { // it uses CPU, and nothing leaves it
			at, used = at.Add(2*second), used+second
			r.Read(at, evidence.Activity{SeenAt: at, CPU: used, NetTx: 1000})
			r.Heard(at.Add(second), at.Add(second))
		}
		if r.Idle() != want {
			t.Errorf("across hosts: %v, another server: %v", remote, r.Idle())
		}
	}
	r := still(followed(up))
	for range 2 { // what was found stays, and what was counted for it does not
		if r.ReachedAcross(true); !r.Idle() || r.bond.readings != nil {
			t.Errorf("%+v", r.bond)
		}
	}
	kept := followed(up)
	kept.Read(now, evidence.Activity{SeenAt: now, CPU: second})
	if kept.ReachedAcross(false); len(kept.bond.readings) != 1 {
		t.Error("the same again has the count begin anew")
	}
}
