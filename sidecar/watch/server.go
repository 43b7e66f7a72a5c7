package watch

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// Server is what was seen of the server as a whole, in its present run.
type Server struct {
	TCP, API Streak
	Reached  bool // a connection was made at least once, in any run
	Answered bool // the API answered
	Told     bool // which models there are
	PsBlocks bool // see ReleaseTold
	Pulse    Pulse

	// Catalogue says which model each name stands for, in any run; Named that it was asked
	// for.
	Catalogue ollama.Catalogue
	Named     bool
	// Loaded are the models in memory, as the list said last, by their titles.
	Loaded      []evidence.LoadedModel
	listed      []evidence.LoadedModel // the same, as Ollama wrote it
	LoadedKnown bool
	LoadedAt    time.Time // when the list was read last

	LastTraffic time.Time // the last first chunk of any live request, in any run

	// Token is when any model gave a token or a vector last in this run. Restarted says
	// that the beginning of the run was seen: nothing is known to have answered before.
	Token     time.Time
	Restarted bool
}

// forget keeps what outlives a run of the server.
func (s *Server) forget() {
	*s = Server{
		Reached: s.Reached, LoadedAt: s.LoadedAt, LastTraffic: s.LastTraffic, Catalogue: s.Catalogue, Named: s.Named,
		Token: s.Token, Restarted: s.Restarted,
	}
}

// runEnded forgets what only a new run can show again.
func (s *Server) runEnded() { s.Token, s.Restarted = time.Time{}, true }

// Gave notes a token or a vector of any model's.
func (s *Server) Gave(at time.Time) { s.Token = later(s.Token, at) }

// IsLoaded says that a model is in memory by the list of loaded models: its place has a
// runner, whichever of the place's models that was started for.
func (s *Server) IsLoaded(model string) bool {
	_, listed := s.Listed(model)
	return listed
}

// Listed is what the list of loaded models says of a model, or else of another one of its
// place.
func (s *Server) Listed(model string) (as evidence.LoadedModel, listed bool) {
	i := slices.IndexFunc(s.Loaded, func(m evidence.LoadedModel) bool { return m.Name == model })
	if i < 0 {
		i = slices.IndexFunc(s.Loaded, func(m evidence.LoadedModel) bool { return s.Shares(m.Name, model) })
	}
	if i < 0 {
		return evidence.LoadedModel{}, false
	}
	return s.Loaded[i], true
}

// MarkLoaded notes that a model must be in memory, for it answered.
func (s *Server) MarkLoaded(model string) {
	if s.LoadedKnown && !s.IsLoaded(model) {
		s.listed = append(s.listed, evidence.LoadedModel{Name: model})
		s.entitle()
	}
}

// Spoke takes back the silence of the API: the server answers other calls, and what is
// slow is one list.
func (s *Server) Spoke() {
	if api := &s.API; api.Failures > 0 && !api.Last.Answered && !api.Last.Unresolved {
		api.Failures, api.FailingSince = 0, time.Time{}
	}
}

// Refused says that nobody listens at the server's address.
func (s *Server) Refused() bool { return s.TCP.Failures > 0 && s.TCP.Last.Refused }

// Connected takes a connection that was tried.
func (s *Server) Connected(result evidence.ProbeResult) {
	s.TCP = s.TCP.Add(result)
	s.Reached = s.Reached || result.Outcome == evidence.Success
}

// SawLoaded takes the list of loaded models. It says whether the server had not answered
// before: what it did not answer until now was its start.
func (s *State) SawLoaded(loaded []evidence.LoadedModel, now time.Time) (first bool) {
	server := &s.Server
	if first = !server.Answered; first {
		server.API = Streak{}
	}
	server.listed, server.LoadedKnown, server.Answered, server.LoadedAt = loaded, true, true, now
	server.entitle()
	s.Models.sawLoaded(server.Loaded)
	if of := s.Focused(); of.Streak.Failures > 0 && of.Streak.Last.Server {
		of.Streak = Streak{} // it was the server that was silent, and now it speaks
	}
	return first
}
