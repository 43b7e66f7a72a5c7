package watch

import "slices"

const (
	paceAnswers = 3   // as many answers in a row have to be slow, or to be the first measure
	paceLearns  = 0.1 // how fast the usual pace follows a lasting change
	// farBelow: a 32B model is ten and more times slower on a CPU; several requests at
	// once, long contexts and heat cost less than this.
	farBelow = 5
)

// Pace is how fast a model generates: what is usual for it, and what the last
// answers show. The zero value knows nothing. It is learned from live answers.
type Pace struct {
	usual  float64   // tokens a second; 0 while it is not known
	recent []float64 // of the last answers, newest last
}

// Add takes the speed of one more answer, in tokens a second. What is far below
// the usual pace does not change it: a fault must not become the custom. What is
// far above changes it little: a short answer that is measured badly must not
// make all others look slow.
func (p Pace) Add(perSecond float64) Pace {
	if perSecond <= 0 {
		return p
	}
	recent := append(slices.Clone(p.recent), perSecond)
	p.recent = recent[max(0, len(recent)-paceAnswers):]
	switch {
	case p.usual == 0 && len(p.recent) < paceAnswers:
	case p.usual == 0:
		p.usual = slices.Sorted(slices.Values(p.recent))[paceAnswers/2]
	case perSecond > p.usual/farBelow:
		p.usual += paceLearns * (min(perSecond, 2*p.usual) - p.usual)
	}
	return p
}

// Afresh keeps what is usual and forgets the last answers, for a new load.
func (p Pace) Afresh() Pace { return Pace{usual: p.usual} }

// Fallen says that all of the last answers were far below the usual pace.
func (p Pace) Fallen() bool {
	return p.usual > 0 && len(p.recent) == paceAnswers && p.Fastest() < p.usual/farBelow
}

// Usual is the learned pace in tokens a second; 0 while it is not known.
func (p Pace) Usual() float64 { return p.usual }

// Fastest is the speed of the fastest of the last answers; there must be one.
func (p Pace) Fastest() float64 { return slices.Max(p.recent) }
