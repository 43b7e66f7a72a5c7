package pause

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPauseEndsAfterItsTimeOrWithItsContext(t *testing.T) {
	for within, want := range map[time.Duration]error{2 * time.Minute: nil, time.Second: context.DeadlineExceeded} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			began := time.Now()
			err := For(ctx, time.Minute)
			if took := time.Since(began); !errors.Is(err, want) || took != min(within, time.Minute) {
				t.Errorf("within %s: %v after %s, want %v", within, err, took, want)
			}
		})
	}
}
