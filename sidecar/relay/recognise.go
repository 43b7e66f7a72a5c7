package relay

import "github.com/clawdbot/clawgate/ollama"

// SetListed says which models Ollama has, by their names as it lists them. A
// request for any other name shares one lane with all of those: clients make names
// up, and some release of Ollama may take one of them for a model that is kept
// out. It may be called from any goroutine and does not block.
func (r *Relay) SetListed(names []string) {
	listed := ollama.NewListed(append([]string{r.config.Model}, names...))
	r.listed.Store(&listed)
}

// longestModel is over the longest name that Ollama takes, in bytes
// (types/model/name.go: 350 and three times 80, and what parts them).
const longestModel = 1 << 10

// recognise finds the model that a name means, as far as Ollama lists it.
func (x *exchange) recognise() {
	if x.peek.Model == "" {
		return
	}
	x.peek.Model, x.known = x.relay.listed.Load().Model(x.peek.Model)
	if !x.known && len(x.peek.Model) > longestModel {
		x.peek.Model, x.peek.Opaque = "", true // not kept for as long as the request lasts
	}
}

// lane is the queue that the request belongs to. One without a name is that of
// bodies that are not JSON, or name no model: Ollama refuses those itself.
func (x *exchange) lane() string {
	switch {
	case x.known || x.peek.Model == "" && !x.peek.Opaque:
		return x.peek.Model
	case ollama.Remote(x.peek.Model):
		return remoteLane
	}
	return opaqueLane
}

// evident is the model that the request is evidence about: none where it may be
// any, or one that only clients know of.
func (x *exchange) evident() string {
	if x.known {
		return x.peek.Model
	}
	return ""
}
