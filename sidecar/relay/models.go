package relay

import (
	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// SetModels says which models Ollama has. What is in hand goes on under the titles
// that its models have now: what is with Ollama keeps its model, whatever that is
// called, and what waits is for the one that its name stands for. A request for a name
// that is not listed shares one lane with all of those: clients make names up, and some
// release of Ollama may take one of them for a model that is kept out. It may be called
// from any goroutine and does not block.
func (r *Relay) SetModels(models ollama.Catalogue) {
	now := &listed{models, ollama.NormalizeModel(r.config.Model)}
	r.models.Store(now)
	r.admission.setModels(now)
}

// listed are the models that Ollama has, and the sidecar's own, which counts as one of
// them in any case. It is never changed.
type listed struct {
	ollama.Catalogue
	main string // its name, normalised
}

// of is what a normalised name stands for.
func (l *listed) of(name string) (is ollama.Known, known bool) {
	is, known = l.Of(name)
	if !known && l.main != "" && ollama.MayMean(name, l.main) {
		return l.Titled(l.main), true
	}
	return is, known
}

// subject is the model that a request is for, as far as that is known. It is never
// changed: a request gets another one where the names stand for others.
type subject struct {
	model ollama.Known // where Ollama lists none of its name, with that name alone
	known bool         // Ollama lists it
	lane  string
	home  home
}

// home is where a lane's requests are served: its model's place, or its own where that
// has none.
type home struct {
	place ollama.Place
	lane  string
}

// subject finds the model that a body asks for. One that names none has a lane
// without a name where Ollama refuses it itself: it is not JSON, or leaves the name out.
func (l *listed) subject(peek *ollama.Peek) *subject {
	is, known := l.of(peek.Model)
	lane := opaqueLane
	switch {
	case known:
		return subjectOf(is)
	case peek.Model == "" && !peek.Opaque:
		lane = ""
	case ollama.Remote(peek.Model):
		lane = remoteLane
	}
	return &subject{model: is, lane: lane, home: home{lane: lane}}
}

func subjectOf(is ollama.Known) *subject {
	s := &subject{model: is, known: true, lane: is.Title, home: home{place: is.Place}}
	if is.Place == "" {
		s.home.lane = is.Title
	}
	return s
}

// now is what a request that is with Ollama is for: its model goes by the digests of
// its manifests, since its title may be another one's by now. A name that was not known
// when it was sent stood for what it does now, or Ollama would have found none.
func (l *listed) now(s *subject, peek *ollama.Peek) *subject {
	if !s.known {
		return l.subject(peek)
	}
	if len(s.model.Digests) == 0 {
		return l.orBefore(s, l.Titled(s.model.Title))
	}
	var is ollama.Known
	for _, digest := range s.model.Digests {
		if is = l.Loaded(evidence.LoadedModel{Name: s.model.Title, Digest: digest}); len(is.Digests) > 0 {
			break
		}
	}
	return l.orBefore(s, is)
}

// orBefore keeps what was known of a model of which nothing is told any more; only its
// title may be taken.
func (l *listed) orBefore(s *subject, is ollama.Known) *subject {
	if len(is.Names)+len(is.Digests) > 0 {
		return subjectOf(is)
	}
	before := s.model
	before.Title = is.Title
	return subjectOf(before)
}

// evident is the title of the model that the request is evidence about: none where it
// may be any, or one that only clients know of.
func (s *subject) evident() string {
	if s.known {
		return s.model.Title
	}
	return ""
}

// longestModel is over the longest name that Ollama takes, in bytes
// (types/model/name.go: 350 and three times 80, and what parts them).
const longestModel = 1 << 10

// shorten lets go of a name that is too long to be any model's: it would be kept for
// as long as the request lasts.
func (x *exchange) shorten() {
	if _, known := x.relay.models.Load().of(x.peek.Model); !known && len(x.peek.Model) > longestModel {
		x.peek.Model, x.peek.Opaque = "", true
	}
}
