package policy

import (
	"errors"
	"slices"
)

// runnerOptions choose the runner: a request with another value makes Ollama
// unload everybody's model and load it again. The last six are gone from recent
// releases and still known to older ones.
var runnerOptions = []string{
	"num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread",
	"low_vram", "numa", "f16_kv", "vocab_only", "use_mlock", "logits_all",
}

// errTwoEnds cannot happen as long as scan is right. If it is not, what it cut
// cannot be trusted.
var errTwoEnds = errors.New("cannot pin the request's options: its body ends in two places")

// Pin takes out of a body what lets one client reload everybody's model: the
// keep_alive, and the options that choose the runner, in whatever case. All else
// stays as it is, byte by byte. A body without any of them is returned as it is,
// and so is one that is no JSON object: Ollama refuses that. An error means that
// the body must not be sent on.
//
// It works in place, since a second copy would be outside the budget for
// bodies: the caller owns the body and goes on with the result alone.
func Pin(body []byte) ([]byte, error) {
	drops := false
	closing, object := walk(body, func(_, _ int) { drops = true })
	if !object || !drops {
		return body, nil
	}
	switch end, whole := firstObject(body); {
	case !whole:
		return body, nil // Ollama says what is wrong with it
	case end != closing+1:
		return nil, errTwoEnds
	}
	cut := cutter{body: body}
	walk(body, cut.drop)
	return cut.end(), nil
}

// walk tells drop the ranges to leave out, in order.
func walk(body []byte, drop func(start, end int)) (closing int, object bool) {
	top := remover{drop: drop}
	closing, object = scan(body, func(m member) {
		top.visit(m, m.is(keepAlive))
		if m.is("options") {
			options := remover{drop: drop, base: m.valueStart}
			_, _ = scan(body[m.valueStart:m.end], func(m member) { options.visit(m, choosesRunner(m)) })
			options.end()
		}
	})
	top.end()
	return closing, object
}

func choosesRunner(m member) bool { return slices.ContainsFunc(runnerOptions, m.is) }

// cutter leaves ranges out of a body in place. What is after the last range is
// untouched, so the body can be walked meanwhile.
type cutter struct {
	body     []byte
	to, from int // what is kept is moved to, what is not yet looked at is from
}

func (c *cutter) drop(start, end int) {
	c.to += copy(c.body[c.to:], c.body[c.from:start])
	c.from = end
}

func (c *cutter) end() []byte {
	c.drop(len(c.body), len(c.body))
	return c.body[:c.to]
}

// remover cuts members out of one object so that its commas stay right: with the
// comma before a member where one before it stays, else up to the first that does.
type remover struct {
	drop func(start, end int)
	base int // where the object lies in the body
	kept bool
	last int    // end of the member before
	lead [2]int // the dropped members at the beginning
}

func (r *remover) visit(m member, unwanted bool) {
	start, end := r.base+m.nameStart, r.base+m.end
	switch {
	case unwanted && r.kept:
		r.drop(r.last, end)
	case unwanted:
		if r.lead[0] == 0 {
			r.lead[0] = start
		}
		r.lead[1] = end
	case !r.kept:
		if r.lead[0] > 0 {
			r.drop(r.lead[0], start)
		}
		r.kept = true
	}
	r.last = end
}

// end cuts an object empty of which nothing is kept.
func (r *remover) end() {
	if !r.kept && r.lead[0] > 0 {
		r.drop(r.lead[0], r.lead[1])
	}
}
