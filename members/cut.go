package members

import "errors"

// Choice says of a member whether it is left out and, where it stays and is an
// object, what of it is: nil for nothing.
type Choice func(m Member) (drop bool, inside Choice)

// errTwoEnds cannot happen as long as Walk is right. If it is not, what it cut
// cannot be trusted.
var errTwoEnds = errors.New("the object ends in two places")

// Cut leaves members out of the object that body begins with. All else stays as it
// is, byte by byte. A body of which nothing is left out is returned as it is, and so
// is one that is no JSON object. After an error nothing of it may be used.
//
// It works in place, since a second copy would be outside the budget for bodies: the
// caller owns the body and goes on with the result alone.
func Cut(body []byte, choose Choice) ([]byte, error) {
	drops := false
	closing, object := choose.walk(body, 0, func(_, _ int) { drops = true })
	if !object || !drops {
		return body, nil
	}
	switch end, whole := First(body); {
	case !whole:
		return body, nil
	case end != closing+1:
		return nil, errTwoEnds
	}
	cut := cutter{body: body}
	choose.walk(body, 0, cut.drop)
	return cut.end(), nil
}

// walk tells drop the ranges to leave out, in order, of the object that text begins
// with and that lies at base.
func (choose Choice) walk(text []byte, base int, drop func(start, end int)) (closing int, object bool) {
	rest := remover{drop: drop, base: base}
	closing, object = Walk(text, func(m Member) {
		unwanted, inside := choose(m)
		rest.visit(m, unwanted)
		if inside != nil && !unwanted {
			inside.walk(m.Value(), base+m.ValueStart, drop)
		}
	})
	rest.end()
	return closing, object
}

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

func (r *remover) visit(m Member, unwanted bool) {
	start, end := r.base+m.NameStart, r.base+m.End
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
