package watch

import (
	"maps"
	"slices"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// Learn takes what the names of models stand for from now on. It says which models go by
// another title now, and which titles stand for another model: of those nothing is known
// any more. What is in memory is called by the new titles, too.
func (s *State) Learn(now ollama.Catalogue) (renamed map[string]string, remade []string) {
	before := s.Server.Catalogue
	s.Server.Catalogue, s.Server.Named = now, true
	renamed = map[string]string{}
	for _, title := range slices.Sorted(maps.Keys(s.Models.named)) {
		was, is := before.Titled(title), now.Titled(title)
		if len(was.Digests) == 0 || alike(was, is) {
			continue
		}
		if other := s.Server.sameAs(was); other != "" {
			renamed[title] = other
		}
		if len(is.Digests) > 0 {
			remade = append(remade, title)
		}
	}
	s.Models.rename(renamed, remade)
	s.Server.entitle()
	return renamed, remade
}

// alike says that both are one model, whatever it is called.
func alike(a, b ollama.Known) bool {
	return slices.ContainsFunc(a.Digests, func(digest string) bool { return slices.Contains(b.Digests, digest) })
}

// sameAs is the title that a model of before goes by now; empty for none.
func (s *Server) sameAs(was ollama.Known) string {
	for _, digest := range was.Digests {
		if is := s.Catalogue.Loaded(evidence.LoadedModel{Digest: digest}); len(is.Digests) > 0 {
			return is.Title
		}
	}
	return ""
}

// entitle calls what is in memory by the titles of the models.
func (s *Server) entitle() {
	s.Loaded = slices.Clone(s.listed)
	for i := range s.Loaded {
		s.Loaded[i].Name = s.Catalogue.Loaded(s.listed[i]).Title
	}
}

// Shares says that Ollama keeps one runner for both models, or that they are one.
func (s *Server) Shares(model, other string) bool {
	return model == other || s.Catalogue.Titled(model).Place.Is(s.Catalogue.Titled(other).Place)
}

// Reachable says that Ollama can be told something about a model, for it has a name.
func (s *Server) Reachable(model string) bool {
	is := s.Catalogue.Titled(model)
	return len(is.Digests) == 0 || slices.Contains(is.Names, model)
}

// Keeps notes what is left in memory by what Clawgate did; known says that it is surely so.
func (s *Server) Keeps(left []evidence.LoadedModel, known bool) {
	s.listed, s.LoadedKnown = left, known
	s.entitle()
}
