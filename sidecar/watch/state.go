package watch

import "time"

// State is all that is remembered of what was seen.
type State struct {
	// Main is the model that Clawgate is there for, Focus the one that the readiness
	// probe looks at; normalised.
	Main, Focus string

	// Generation counts the runs of the server, and remedies; from 1 on. Calibrated is
	// when the present one began.
	Generation uint64
	Calibrated time.Time

	Container Container
	Role      Role
	Server    Server
	Devices   Devices
	Models    Models
	Hints     Hints
	Refused   Refusals
	// ClockJumpedAt is when the wall clock was seen to jump last; zero if never.
	ClockJumpedAt time.Time
}

// New is a memory in which nothing is known.
func New(main string) State {
	s := State{Main: main, Focus: main, Generation: 1}
	s.Models.Main = main
	s.Hints.Forget()
	return s
}

// Refusals are Ollama's own 503 ("server busy").
type Refusals struct {
	First, Last time.Time // of the present row; zero without one
	Count       int
	// Own is when Ollama last refused a request of Clawgate's own like that, one that
	// its scheduler has to place; zero if it never did. All others are clients' word.
	Own time.Time
	// Model is what was refused last in the present row and is not in memory,
	// normalised. Empty for none.
	Model string
}

// Focused is what is known of the model that the probe looks at.
func (s *State) Focused() *Model { return s.Models.Of(s.Focus) }

// FocusOnOther says that the probe looks at another model than the main one.
func (s *State) FocusOnOther() bool { return s.Focus != s.Main }

// LookAt has the probe look at a model.
func (s *State) LookAt(model string) {
	s.Models.Of(model).lookedAt(model == s.Main)
	s.Focus = model
}

// RunEnded forgets all that was seen of the run of the server that is over.
func (s *State) RunEnded(now time.Time) {
	s.Models.Each((*Model).RunEnded)
	s.Server.runEnded()
	s.LookAnew(now)
}

// LookAnew forgets what was seen of the server, beside what its models proved.
func (s *State) LookAnew(now time.Time) {
	s.Generation++
	s.Calibrated = now
	s.Server.forget()
	s.Models.Each(func(m *Model) { m.Present = false })
	s.Refused = Refusals{}
	s.Hints.Forget()
}

// ContainerStarted begins anew with a container that was started again.
func (s *State) ContainerStarted() {
	s.Devices.containerStarted()
	s.Refused = Refusals{Model: s.Refused.Model}
	s.Models.Each((*Model).containerStarted)
}

// InMemory says that a model is known to be in memory.
func (s *State) InMemory(model string) bool {
	return s.Models.Get(model).Present || s.Server.LoadedKnown && s.Server.IsLoaded(model)
}

// FitsBeside says that the model is seen to find room without any other's leaving.
func (s *State) FitsBeside(model string) bool {
	size := s.Models.Get(model).Size
	return size > 0 && s.Devices.View.FreeBytes() >= size
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
