package simulation

import (
	"net/http"
	"time"
)

// Now is what the clock on the simulated host's wall says. It stamps all that
// others read there: expires_at, created_at and modified_at, the Date of an
// answer, the engine's events and the times of the container's runs. How long
// things take does not depend on it.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now()
}

// now is Now for who holds w.mu. It has no monotonic part, as a time that was
// read from text has none.
func (w *World) now() time.Time { return time.Now().Add(w.jump).Round(0) }

// JumpClock sets the clock on the wall forward, or back with a negative d (F29).
// Times that were written down before stay as they were: the expiry of a loaded
// model then lies in the past, and it stays loaded for as long as it would have.
func (w *World) JumpClock(d time.Duration) { w.change(func() { w.jump += d }) }

// date is the wall's clock in an answer's header.
func (w *World) date() string { return w.Now().UTC().Format(http.TimeFormat) }
