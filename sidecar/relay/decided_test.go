package relay

import (
	"testing"
	"time"
)

func TestARequestIsHeldUntilItIsDecided(t *testing.T) {
	for name, c := range map[string]struct {
		prefer  string
		hold    time.Duration
		mayHold bool
		open    time.Duration // when the probe decides, either way; 0 for never
		decides *Closure      // nil for an open gate
		want    time.Duration
		status  int
	}{
		"no wait of its own":             {"", 0, true, 0, nil, 10 * time.Second, 503},
		"a longer one":                   {"wait=15", 0, true, 0, nil, 15 * time.Second, 503},
		"a shorter one":                  {"wait=3", 0, true, 0, nil, 10 * time.Second, 503},
		"none, as the gateway says":      {"wait=0", 0, true, 0, nil, 0, 503},
		"none, which overrules HOLD":     {"wait=0", 30 * time.Second, true, 0, nil, 0, 503},
		"nobody may wait":                {"", 0, false, 0, nil, 0, 503},
		"an answer":                      {"", 0, true, 4 * time.Second, nil, 4 * time.Second, 200},
		"stillness":                      {"", 0, true, 4 * time.Second, &Closure{Reason: "frozen", MayHold: true}, 4 * time.Second, 503},
		"stillness, and it may wait":     {"wait=15", 0, true, 4 * time.Second, &Closure{Reason: "frozen", MayHold: true}, 15 * time.Second, 503},
		"stillness, and HOLD":            {"", 15 * time.Second, true, 4 * time.Second, &Closure{Reason: "frozen", MayHold: true}, 15 * time.Second, 503},
		"it goes on until it is decided": {"", 0, true, 4 * time.Second, &Closure{Reason: "loading", MayHold: true, HoldFor: 20 * time.Second}, 10 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(config *Config) { config.Hold = c.hold }, func(w *world) {
				w.relay.SetGate(Gate{State: "ready", Models: map[string]Closure{model: {Reason: "being proved", MayHold: c.mayHold, HoldFor: 10 * time.Second}}})
				start := time.Now()
				took := make(chan time.Duration, 1)
				held := make(chan reply, 1)
				go func() { held <- w.post("/api/chat", chatBody, "Prefer", c.prefer); took <- time.Since(start) }()
				if c.open > 0 {
					time.Sleep(c.open)
					if c.decides == nil {
						w.open()
					} else {
						w.relay.SetGate(Gate{State: "ready", Models: map[string]Closure{model: *c.decides}})
					}
				}
				if c.status == 0 { // longer than it seemed at first
					c.want, c.status = 20*time.Second, 503
				}
				w.all(c.status, held)
				if got := <-took; got != c.want {
					w.Errorf("decided after %v, want %v", got, c.want)
				}
			})
		})
	}
}
