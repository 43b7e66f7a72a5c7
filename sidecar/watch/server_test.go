package watch

import (
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

const other = "other:latest"

func listed(models ...string) (list []evidence.LoadedModel) {
	for _, m := range models {
		list = append(list, evidence.LoadedModel{Name: m, Size: 100})
	}
	return list
}

func TestAModelThatAnsweredIsInMemory(t *testing.T) {
	for name, c := range map[string]struct {
		server Server
		want   int // how many are listed
	}{
		"which the list lacks": {Server{Loaded: listed(other), listed: listed(other), LoadedKnown: true}, 2},
		"which it has":         {Server{Loaded: listed(target), listed: listed(target), LoadedKnown: true}, 1},
		"without a list":       {Server{}, 0},
	} {
		if c.server.MarkLoaded(target); len(c.server.Loaded) != c.want || c.server.LoadedKnown != c.server.IsLoaded(target) {
			t.Errorf("%s: %v", name, c.server.Loaded)
		}
	}
}

func TestAServerThatSpeaksIsNotSilent(t *testing.T) {
	silent := Streak{Failures: 2, FailingSince: now}
	said := func(change func(*evidence.ProbeResult)) Streak {
		s := silent
		change(&s.Last)
		return s
	}
	for name, c := range map[string]struct {
		api  Streak
		want int
	}{
		"its list was silent":   {silent, 0},
		"its list was an error": {said(func(r *evidence.ProbeResult) { r.Answered = true }), 2},
		"its name led nowhere":  {said(func(r *evidence.ProbeResult) { r.Unresolved = true }), 2},
		"its list had come":     {Streak{Successes: 1, FailingSince: now}, 0},
	} {
		s := Server{API: c.api}
		if s.Spoke(); s.API.Failures != c.want || s.API.FailingSince.IsZero() == (c.want > 0 || c.api.Successes > 0) {
			t.Errorf("%s: %+v", name, s.API)
		}
	}
}

func TestAConnectionWasMade(t *testing.T) {
	made, refused := evidence.ProbeResult{Outcome: evidence.Success}, evidence.ProbeResult{Outcome: evidence.Failure, Refused: true}
	for name, c := range map[string]struct {
		results          []evidence.ProbeResult
		reached, refused bool
	}{
		"never":                        {nil, false, false},
		"not yet":                      {[]evidence.ProbeResult{refused}, false, true},
		"now":                          {[]evidence.ProbeResult{refused, made}, true, false},
		"before":                       {[]evidence.ProbeResult{made, refused}, true, true},
		"never, and nobody refused it": {[]evidence.ProbeResult{{Outcome: evidence.Failure}}, false, false},
	} {
		s := Server{}
		for _, r := range c.results {
			s.Connected(r)
		}
		if s.Reached != c.reached || s.Refused() != c.refused {
			t.Errorf("%s: reached: %v, refused: %v", name, s.Reached, s.Refused())
		}
	}
}

func TestTheListOfLoadedModels(t *testing.T) {
	for name, c := range map[string]struct {
		given    func(*State)
		first    bool
		failures int // of the API, and of the model
		model    int
	}{
		"the first":                           {func(*State) {}, true, 0, 2},
		"a further one":                       {func(s *State) { s.Server.Answered = true }, false, 2, 2},
		"after the whole server was silent":   {func(s *State) { s.Focused().Streak.Last.Server = true }, true, 0, 0},
		"after that, and the model is silent": {func(s *State) { s.Server.Answered = true }, false, 2, 2},
	} {
		s := New(target)
		s.Server.API, s.Focused().Streak = Streak{Failures: 2}, Streak{Failures: 2}
		c.given(&s)
		if first := s.SawLoaded(listed(other), now); first != c.first || s.Server.API.Failures != c.failures || s.Focused().Streak.Failures != c.model {
			t.Errorf("%s: first: %v, %+v", name, first, s.Focused().Streak)
		}
		if server := s.Server; !server.IsLoaded(other) || server.IsLoaded(target) || !server.LoadedKnown || !server.Answered || !server.LoadedAt.Equal(now) || s.Models.Get(other).Size != 100 {
			t.Errorf("%s: %+v", name, server)
		}
	}
	s := New(target)
	s.Focused().Streak = Streak{Successes: 1, Last: evidence.ProbeResult{Server: true}}
	if s.SawLoaded(nil, now); s.Focused().Streak.Successes != 1 {
		t.Error("what the model proved is forgotten")
	}
}

func TestWhatTheListsTellOfModels(t *testing.T) {
	m := Models{Main: target}
	m.Of(target).Size, m.Of(target).Present, m.Of(other).Present = 7, true, true
	m.SawListed([]Listed{{Name: target, Bytes: 1}, {Name: other, Bytes: 2}, {Name: "third", Bytes: 3}, {Name: "far", Bytes: 4, Remote: true}}, target, "third:latest", "far:latest")
	for model, want := range map[string]uint64{target: 7, other: 0, "third:latest": 3, "far:latest": 0} {
		if got := m.Get(model).Size; got != want {
			t.Errorf("%s has %d bytes", model, got)
		}
	}
	for _, model := range []string{target, other, "third:latest"} {
		m.Of(model).Answers = model != "third:latest"
	}
	m.sawLoaded([]evidence.LoadedModel{{Name: target, Size: 100, SizeVRAM: 50}, {Name: "third:latest", Size: 100}, {Name: "far:latest"}})
	if main := m.Get(target); main.Size != 100 || main.BestRatio != 0.5 || !main.UsedThisRun || main.Present || !main.Answers {
		t.Errorf("%+v", main)
	}
	if third := m.Get("third:latest"); third.Size != 100 || third.BestRatio != 0 || third.UsedThisRun || third.Answers {
		t.Errorf("one that is off the GPU: %+v", third)
	}
	if m.Get(other).Answers || m.Get("far:latest").Size != 0 || m.AnyPresent() {
		t.Errorf("one that has left memory, or tells no size: %+v, %+v", m.Get(other), m.Get("far:latest"))
	}
	if m.sawLoaded([]evidence.LoadedModel{{Name: target, Size: 100, SizeVRAM: 10}, {Name: target}}); m.Get(target).Size != 100 || m.Get(target).BestRatio != 0.5 {
		t.Errorf("the largest part that was on a GPU is %f", m.Get(target).BestRatio)
	}
	if m.Of(other).Present = true; !m.AnyPresent() {
		t.Error("one is in memory, and is not")
	}
}

func TestAModelIsKnownToBeInMemory(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*State)
		want  bool
	}{
		"as it is listed":    {func(s *State) { s.Server.Loaded, s.Server.LoadedKnown = listed(target), true }, true},
		"not as it was":      {func(s *State) { s.Server.Loaded = listed(target) }, false},
		"as it has answered": {func(s *State) { s.Focused().Present = true }, true},
		"not as another is":  {func(s *State) { s.Server.Loaded, s.Server.LoadedKnown = listed(other), true }, false},
	} {
		s := New(target)
		if c.given(&s); s.InMemory(target) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

func TestAModelFindsRoom(t *testing.T) {
	for name, c := range map[string]struct {
		size, free uint64
		want       bool
	}{"just so": {100, 100, true}, "not quite": {101, 100, false}, "not if nobody knows its size": {0, 100, false}} {
		s := New(target)
		s.Focused().Size, s.Devices.View = c.size, viewOf(evidence.GPU{FreeBytes: c.free})
		if s.FitsBeside(target) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

func TestWhatOutlivesTheServersRun(t *testing.T) {
	fill := func() State {
		s := New(target)
		s.Refused, s.Server.Reached, s.Server.Answered, s.Server.LastTraffic = Refusals{Count: 1, Model: other}, true, true, now
		s.Focused().Streak, s.Focused().Present, s.Focused().Answers = Streak{Successes: 1}, true, true
		s.Hints.Note(evidence.Sign{Model: target}, true)
		s.Devices.Hint = evidence.GPUFound
		return s
	}
	for name, c := range map[string]struct {
		ends   func(*State)
		proven int
	}{
		"the end of a run": {func(s *State) { s.RunEnded(now) }, 0},
		"a look anew":      {func(s *State) { s.LookAnew(now) }, 1},
	} {
		s := fill()
		c.ends(&s)
		if s.Generation != 2 || !s.Calibrated.Equal(now) || s.Refused.Count > 0 || len(s.Hints.Pending()) > 0 || s.Focused().Present || s.Focused().Streak.Successes != c.proven {
			t.Errorf("%s: %+v", name, s)
		}
		if server := s.Server; server.Answered || !server.Reached || !server.LastTraffic.Equal(now) || s.Devices.Hint != evidence.GPUFound {
			t.Errorf("%s: %+v", name, server)
		}
	}
	s := fill()
	if s.ContainerStarted(); s.Refused != (Refusals{Model: other}) || s.Focused().Answers || s.Devices.Hint != evidence.GPUHintUnknown {
		t.Errorf("a start of the container: %+v", s)
	}
}

func TestALookAtAnotherModel(t *testing.T) {
	s := New(target)
	if s.Models.Main != target || s.FocusOnOther() {
		t.Errorf("%+v", s)
	}
	s.Focused().Streak, s.Models.Of(other).Streak = Streak{Successes: 1}, Streak{Successes: 1}
	if s.LookAt(other); !s.FocusOnOther() || s.Focused().Streak.Successes > 0 {
		t.Errorf("it has proved something before: %+v", s.Focused())
	}
	if s.LookAt(target); s.FocusOnOther() || s.Focused().Streak.Successes == 0 {
		t.Errorf("the main model has to prove itself again: %+v", s.Focused())
	}
}
