package recovery

import (
	"math/rand/v2"
	"time"
)

const (
	backoffFirst = 5 * time.Second
	backoffMax   = 5 * time.Minute
	// StableAfter is how long a model has to stay ready before earlier attempts
	// are forgotten. A success right after a restart proves little.
	StableAfter = 10 * time.Minute
)

// Backoff returns the pause after the given number of attempts that did not
// help, 1 being the first: 5 s, doubling to 5 min, and up to a tenth more, so
// that several machines do not act in step.
func Backoff(attempts int) time.Duration {
	pause := backoffMax
	if attempts < 1 {
		attempts = 1
	}
	if attempts <= 6 {
		pause = min(backoffFirst<<(attempts-1), backoffMax)
	}
	return pause + rand.N(pause/10+1)
}
