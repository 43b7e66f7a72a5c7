package policy

import "github.com/clawdbot/clawgate/members"

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

func (r *remover) visit(m members.Member, unwanted bool) {
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
