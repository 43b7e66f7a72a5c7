package watch

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Server is what was seen of the server as a whole, in its present run.
type Server struct {
	TCP, API Streak
	Reached  bool // a connection was made at least once, in any run
	Answered bool // the API answered
	PsBlocks bool // see ReleaseTold
	Pulse    Pulse

	Loaded      []evidence.LoadedModel // as the list said last
	LoadedKnown bool
	LoadedAt    time.Time // when the list was read last

	LastTraffic time.Time // the last first chunk of any live request, in any run
}

// forget keeps what outlives a run of the server.
func (s *Server) forget() {
	*s = Server{Reached: s.Reached, LoadedAt: s.LoadedAt, LastTraffic: s.LastTraffic}
}

// IsLoaded says that the list of loaded models has a model.
func (s *Server) IsLoaded(model string) bool {
	_, listed := s.Listed(model)
	return listed
}

// Listed is what the list of loaded models says of a model.
func (s *Server) Listed(model string) (as evidence.LoadedModel, listed bool) {
	if i := slices.IndexFunc(s.Loaded, func(m evidence.LoadedModel) bool { return m.Name == model }); i >= 0 {
		return s.Loaded[i], true
	}
	return evidence.LoadedModel{}, false
}

// MarkLoaded notes that a model must be in memory, for it answered.
func (s *Server) MarkLoaded(model string) {
	if s.LoadedKnown && !s.IsLoaded(model) {
		s.Loaded = append(s.Loaded, evidence.LoadedModel{Name: model})
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
	server.Loaded, server.LoadedKnown, server.Answered, server.LoadedAt = loaded, true, true, now
	s.Models.sawLoaded(loaded)
	if of := s.Focused(); of.Streak.Failures > 0 && of.Streak.Last.Server {
		of.Streak = Streak{} // it was the server that was silent, and now it speaks
	}
	return first
}
