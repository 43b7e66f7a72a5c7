package relay

import (
	"context"
	"time"
)

// writerGrace is how long Cancel waits for an attempt that is stuck writing to
// a client that does not read. Its upstream connection is closed at once all
// the same, by the transport.
const writerGrace = 250 * time.Millisecond

// Cancel ends the requests that are with Ollama and says how many they were: those to
// the models at the place of one, given by its title, and those of which nobody knows
// whether they are; with an empty title, all. The gate must be closed
// before, or they come right back. Those of which the client has no byte yet
// are kept and sent again, once; the others end with an error line that gives
// the cause, and an aborted connection.
//
// It returns when Ollama is rid of them, or when ctx ends.
func (r *Relay) Cancel(ctx context.Context, model, cause string) int {
	ended := r.admission.cancel(model, recovery{cause})
	for f, done := range ended {
		waitEnded(ctx, f, done)
	}
	if closer, can := r.config.Transport.(interface{ CloseIdleConnections() }); can {
		closer.CloseIdleConnections() // the next Ollama may have another address
	}
	return len(ended)
}

// recovery is the cause of an attempt that Cancel ended.
type recovery struct{ cause string }

func (e recovery) Error() string        { return "a recovery began: " + e.cause }
func (e recovery) Is(target error) bool { return target == errRecovery }

func waitEnded(ctx context.Context, f *flight, done <-chan struct{}) {
	grace := time.NewTimer(writerGrace)
	defer grace.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-grace.C:
			if f.writingSince.Load() > 0 {
				return
			}
			grace.Reset(writerGrace)
		}
	}
}

func (a *admission) cancel(model string, cause error) map[*flight]<-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	ended := map[*flight]<-chan struct{}{}
	there := subjectOf(a.models.Titled(model))
	for f := range a.flights {
		is := f.subject.Load()
		if model != "" && is.lane != there.lane && is.home != there.home && is.lane != opaqueLane {
			continue
		}
		if f.ended == nil {
			f.ended = make(chan struct{})
		}
		ended[f] = f.ended
		f.cancel(cause)
	}
	return ended
}

// Drain refuses new inference requests and those that wait, and returns when
// those with Ollama have ended, or with ctx's error.
func (r *Relay) Drain(ctx context.Context) error {
	a := r.admission
	a.startDraining()
	select {
	case <-a.quiet:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (a *admission) startDraining() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.draining {
		return
	}
	a.draining = true
	for _, l := range a.lanes {
		a.refuseAll(l, a.refuseDraining())
		a.forget(l)
	}
	a.checkQuiet()
}

func (a *admission) checkQuiet() {
	if !a.draining || len(a.flights) > 0 {
		return
	}
	select {
	case <-a.quiet:
	default:
		close(a.quiet)
	}
}
