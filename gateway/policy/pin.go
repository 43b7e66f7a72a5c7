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
// stays as it is, byte by byte. A body without any of them is returned itself,
// and so is one that is no JSON object: Ollama refuses that. An error means that
// the body must not be sent on.
func Pin(body []byte) ([]byte, error) {
	var cut cuts
	top := remover{cuts: &cut}
	closing, object := scan(body, func(m member) {
		top.visit(m, m.is(keepAlive))
		if m.is("options") {
			options := remover{cuts: &cut, base: m.valueStart}
			_, _ = scan(body[m.valueStart:m.end], func(m member) { options.visit(m, choosesRunner(m)) })
			options.end()
		}
	})
	top.end()
	if !object || len(cut) == 0 {
		return body, nil
	}
	switch end, err := firstValue(body); {
	case err != nil:
		return body, nil //nolint:nilerr // not JSON: Ollama says what is wrong with it
	case end != closing+1:
		return nil, errTwoEnds
	}
	return cut.from(body), nil
}

func choosesRunner(m member) bool { return slices.ContainsFunc(runnerOptions, m.is) }

// cuts are the ranges to leave out, in order.
type cuts [][2]int

func (c cuts) from(body []byte) []byte {
	kept := make([]byte, 0, len(body))
	at := 0
	for _, cut := range c {
		kept = append(kept, body[at:cut[0]]...)
		at = cut[1]
	}
	return append(kept, body[at:]...)
}

// remover cuts members out of one object so that its commas stay right: with the
// comma before a member where one before it stays, else up to the first that does.
type remover struct {
	cuts *cuts
	base int // where the object lies in the body
	kept bool
	last int    // end of the member before
	lead [2]int // the dropped members at the beginning
}

func (r *remover) visit(m member, drop bool) {
	start, end := r.base+m.nameStart, r.base+m.end
	switch {
	case drop && r.kept:
		*r.cuts = append(*r.cuts, [2]int{r.last, end})
	case drop:
		if r.lead[0] == 0 {
			r.lead[0] = start
		}
		r.lead[1] = end
	case !r.kept:
		if r.lead[0] > 0 {
			*r.cuts = append(*r.cuts, [2]int{r.lead[0], start})
		}
		r.kept = true
	}
	r.last = end
}

// end cuts an object empty of which nothing is kept.
func (r *remover) end() {
	if !r.kept && r.lead[0] > 0 {
		*r.cuts = append(*r.cuts, r.lead)
	}
}
