package policy

import (
	"errors"

	"github.com/clawdbot/clawgate/members"
)

// passing are the options that no runner is chosen by: Ollama's api.Options
// outside of its Runner (0.9.6 and 0.32.14). The last five are of older releases,
// which use them for sampling, too. Every other option may make Ollama unload
// everybody's model and load it again, in this release or the next.
var passing = map[string]bool{
	"num_keep": true, "seed": true, "num_predict": true, "stop": true,
	"top_k": true, "top_p": true, "min_p": true, "typical_p": true, "temperature": true,
	"repeat_last_n": true, "repeat_penalty": true, "presence_penalty": true, "frequency_penalty": true,
	"tfs_z": true, "mirostat": true, "mirostat_tau": true, "mirostat_eta": true, "penalize_newline": true,
}

// errTwoEnds cannot happen as long as Walk is right. If it is not, what it cut
// cannot be trusted.
var errTwoEnds = errors.New("cannot pin the request's options: its body ends in two places")

// Removal is what is taken out of the body of a native inference request.
type Removal struct {
	// KeepAlive takes out every keep_alive.
	KeepAlive bool
	// Runner takes out what chooses the runner: all options but those that are known
	// to choose none, and "shift", which 0.32 starts another runner for.
	Runner bool
}

// From takes it out, in whatever case its names are. All else stays as it is, byte
// by byte. A body without any of it is returned as it is, and so is one that is no
// JSON object: Ollama refuses that. An error means that the body must not be sent on.
//
// It works in place, since a second copy would be outside the budget for
// bodies: the caller owns the body and goes on with the result alone.
func (r Removal) From(body []byte) ([]byte, error) {
	drops := false
	closing, object := r.walk(body, func(_, _ int) { drops = true })
	if !object || !drops {
		return body, nil
	}
	switch end, whole := members.First(body); {
	case !whole:
		return body, nil // Ollama says what is wrong with it
	case end != closing+1:
		return nil, errTwoEnds
	}
	cut := cutter{body: body}
	r.walk(body, cut.drop)
	return cut.end(), nil
}

// walk tells drop the ranges to leave out, in order.
func (r Removal) walk(body []byte, drop func(start, end int)) (closing int, object bool) {
	top := remover{drop: drop}
	closing, object = members.Walk(body, func(m members.Member) {
		top.visit(m, r.KeepAlive && m.Is("keep_alive") || r.Runner && m.Is("shift"))
		if r.Runner && m.Is("options") {
			options := remover{drop: drop, base: m.ValueStart}
			_, _ = members.Walk(m.Value(), func(m members.Member) { options.visit(m, !passing[string(m.Name())]) })
			options.end()
		}
	})
	top.end()
	return closing, object
}
