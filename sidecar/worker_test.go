package sidecar

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// worker counts the looks of a periodic worker in virtual time.
func worker(t *testing.T, pause time.Duration, act func(wake kick, looks func() []time.Time)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var looks []time.Time
		wake := make(kick, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			periodically(ctx, wake, func() time.Duration {
				looks = append(looks, time.Now())
				return pause
			})
		}()
		synctest.Wait()
		act(wake, func() []time.Time {
			synctest.Wait() // it is not at it
			return looks
		})
		cancel()
		<-ended
	})
}

func newest(looks []time.Time) time.Time { return looks[len(looks)-1] }

// TestNewsAreLookedAtAtOnce: as many as come together when something breaks.
func TestNewsAreLookedAtAtOnce(t *testing.T) {
	worker(t, time.Hour, func(wake kick, looks func() []time.Time) {
		for i := range wakesAtOnce {
			time.Sleep(time.Millisecond)
			kicked := time.Now()
			wake.kick()
			if last := newest(looks()); len(looks()) != i+2 || !last.Equal(kicked) {
				t.Fatalf("after %d news: %d looks, the last %s late", i+1, len(looks()), kicked.Sub(last))
			}
		}
	})
}

// TestFloodOfNewsIsNoFloodOfLooks kicks a worker a thousand times a second.
func TestFloodOfNewsIsNoFloodOfLooks(t *testing.T) {
	worker(t, 10*time.Second, func(wake kick, looks func() []time.Time) {
		const flood = 10 * time.Minute
		for began := time.Now(); time.Since(began) < flood; time.Sleep(time.Millisecond) {
			wake.kick()
		}
		most := 1 + wakesAtOnce + int(flood/wakesPause)
		if got := len(looks()); got > most || got < most-2 {
			t.Errorf("%d looks, want %d", got, most)
		}
	})
}

// TestNewsThatHaveToWaitAreNotForgotten: the last one of a flood is answered by a look
// that begins after it.
func TestNewsThatHaveToWaitAreNotForgotten(t *testing.T) {
	worker(t, time.Hour, func(wake kick, looks func() []time.Time) {
		for range 100 {
			wake.kick()
			time.Sleep(time.Millisecond)
		}
		wake.kick()
		last := time.Now()
		time.Sleep(2 * wakesPause)
		if at := newest(looks()); at.Before(last) {
			t.Errorf("the newest look began %s before the last of the news", last.Sub(at))
		}
	})
}

// TestKicksDoNotPutOffWhatIsDue: a worker that waits for its turn looks when it would
// have looked anyway.
func TestKicksDoNotPutOffWhatIsDue(t *testing.T) {
	const pause = 500 * time.Millisecond
	worker(t, pause, func(wake kick, looks func() []time.Time) {
		const flood = time.Minute
		for began := time.Now(); time.Since(began) < flood; time.Sleep(time.Millisecond) {
			wake.kick()
		}
		all := looks()
		for i, at := range all {
			if i > 0 && at.Sub(all[i-1]) > pause {
				t.Errorf("look %d came after %s, want %s at most", i, at.Sub(all[i-1]), pause)
			}
		}
	})
}
