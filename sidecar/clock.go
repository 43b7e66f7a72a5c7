package sidecar

import (
	"log/slog"
	"time"
)

// jump is by how much the wall clock has to leave the monotonic one to count as
// a jump (docs/faults.md, F29).
const jump = 5 * time.Second

// clock notices when the wall clock jumps: after a suspend, or when somebody
// sets it. Clawgate's own timers do not go by it, but what Ollama and the engine
// say of times does.
type clock struct {
	wall     func() time.Time
	seen     time.Time // by the monotonic clock
	seenWall time.Time
	jumpedAt time.Time // zero if never
}

func (c *clock) look(log *slog.Logger) {
	now, wall := time.Now(), c.wall().Round(0) // without the monotonic reading
	if !c.seen.IsZero() {
		if by := wall.Sub(c.seenWall) - now.Sub(c.seen); by.Abs() > jump {
			log.Warn("the wall clock jumped; no remedy is begun for a while", "by", by.Round(time.Second))
			c.jumpedAt = now
		}
	}
	c.seen, c.seenWall = now, wall
}
