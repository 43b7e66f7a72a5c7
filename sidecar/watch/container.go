package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Container is what is known of the container of the configured name.
type Container struct {
	Seen      evidence.Container // the last inspection
	Ran       evidence.Container // the last one that found it running
	Known     bool               // it was inspected since the last act of Clawgate's own
	GoneSince time.Time          // since when it does not run; zero while it does

	EngineAway  time.Time // since when the engine does not answer; zero while it does
	EngineBack  time.Time // when it answered again; zero if it was never away
	EngineError string

	Operator Operator
}

// EngineFailed notes that the engine did not answer, and says whether that is news.
func (c *Container) EngineFailed(now time.Time, reason string) (news bool) {
	c.EngineError = reason
	if news = c.EngineAway.IsZero(); news {
		c.EngineAway = now
	}
	return news
}

// EngineAnswered notes that it did, and says for how long it was away; 0 if it was not.
func (c *Container) EngineAnswered(now time.Time) (away time.Duration) {
	if c.EngineAway.IsZero() {
		return 0
	}
	away = now.Sub(c.EngineAway)
	c.EngineAway, c.EngineBack, c.EngineError = time.Time{}, now, ""
	return away
}

// Inspected takes an inspection.
func (c *Container) Inspected(container evidence.Container, now time.Time) {
	paused := c.Seen.Status == evidence.Paused
	c.Seen, c.Known = container, true
	if container.Status == evidence.Running {
		c.Ran = container
	}
	if container.Status == evidence.Running || paused && container.Status != evidence.Paused { // a pause is no end
		c.GoneSince = time.Time{}
	}
	if container.Status != evidence.Running && c.GoneSince.IsZero() {
		c.GoneSince = goneSince(container, now)
	}
}

// goneSince is when a container ended, as far as the engine's clock can be
// believed: it may run ahead of ours, or the container never ran.
func goneSince(c evidence.Container, now time.Time) time.Time {
	if c.FinishedAt.IsZero() || c.FinishedAt.After(now) {
		return now
	}
	return c.FinishedAt
}
