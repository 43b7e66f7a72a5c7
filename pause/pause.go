// Package pause waits for a time that has an end of its own as well as its
// context's.
package pause

import (
	"context"
	"time"
)

// For returns nil after d, or why ctx ended before.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
