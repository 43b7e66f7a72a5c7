package sidecar

import "time"

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
}

// look says by how much it jumped since the last look; 0 if it did not.
func (c *clock) look(now time.Time) (by time.Duration) {
	wall := c.wall().Round(0) // without the monotonic reading
	if !c.seen.IsZero() {
		if by = wall.Sub(c.seenWall) - now.Sub(c.seen); by.Abs() <= jump {
			by = 0
		}
	}
	c.seen, c.seenWall = now, wall
	return by
}
