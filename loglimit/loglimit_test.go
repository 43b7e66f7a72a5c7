package loglimit_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/loglimit"
)

func limited() (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(loglimit.New(slog.NewTextHandler(&out, nil))), &out
}

func lines(out *bytes.Buffer) []string {
	text := strings.TrimSpace(out.String())
	out.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// TestPlaceThatRepeatsItselfIsBounded floods a log with a thousand lines a second from
// one place.
func TestPlaceThatRepeatsItselfIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, out := limited()
		const flood = 10 * time.Minute
		for began := time.Now(); time.Since(began) < flood; time.Sleep(time.Millisecond) {
			log.Info("loading the model")
		}
		most := loglimit.AtOnce + int(flood/loglimit.Pause)
		if got := len(lines(out)); got > most || got < most-1 {
			t.Errorf("%d lines passed, want %d", got, most)
		}
	})
}

// TestNothingIsLostWithoutAWord: what passes and what is said to have been left out
// are together what was logged.
func TestNothingIsLostWithoutAWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, out := limited()
		again := func() { log.Warn("answer cut") }
		for range 500 {
			again()
		}
		passed := lines(out)
		if len(passed) != loglimit.AtOnce || strings.Contains(passed[len(passed)-1], loglimit.LeftOut) {
			t.Fatalf("%d lines passed, the last %q", len(passed), passed[len(passed)-1])
		}
		time.Sleep(loglimit.Pause)
		again()
		want := fmt.Sprintf("%s=%d", loglimit.LeftOut, 500-loglimit.AtOnce)
		if next := lines(out); len(next) != 1 || !strings.Contains(next[0], want) {
			t.Errorf("the next line is %q, want one with %s", next, want)
		}
		time.Sleep(loglimit.Pause)
		again()
		if next := lines(out); len(next) != 1 || strings.Contains(next[0], loglimit.LeftOut) {
			t.Errorf("the one after it is %q, want one with nothing left out", next)
		}
	})
}

// TestPlacesTakeNothingFromOneAnother: also not where loggers were derived, and the
// message is the same.
func TestPlacesTakeNothingFromOneAnother(t *testing.T) {
	log, out := limited()
	flood := func(l *slog.Logger) { l.Info("same words") }
	for range 1000 {
		flood(log)
	}
	lines(out)
	flood(log.With("a", 1))
	flood(log.WithGroup("g"))
	if derived := lines(out); len(derived) > 0 {
		t.Errorf("a derived logger has bounds of its own: %q", derived)
	}
	log.Info("same words")
	if other := lines(out); len(other) != 1 {
		t.Errorf("another place passed %q, want its line", other)
	}
}

// TestMessagesOfOnePlaceTakeNothingFromOneAnother: it tells what others have decided.
func TestMessagesOfOnePlaceTakeNothingFromOneAnother(t *testing.T) {
	log, out := limited()
	tell := func(message string) { log.Info(message) } //nolint:sloglint // the one place is the point
	for range 1000 {
		tell("often")
	}
	lines(out)
	tell("often")
	tell("seldom")
	if passed := lines(out); len(passed) != 1 || !strings.Contains(passed[0], "seldom") {
		t.Errorf("passed %q, want what is said seldom", passed)
	}
}

func TestLevelsAndDerivedLoggersPassThrough(t *testing.T) {
	log, out := limited()
	log.Debug("not wanted")
	log.With("model", "m").WithGroup("took").Error("failed", "load", 3)
	if got := lines(out); len(got) != 1 || !strings.Contains(got[0], "level=ERROR msg=failed model=m took.load=3") {
		t.Errorf("passed: %q", got)
	}
}

func TestManyGoroutinesAreCountedTogether(t *testing.T) {
	log, out := limited()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				log.Info("from everywhere")
			}
		})
	}
	all.Wait()
	if got := len(lines(out)); got < loglimit.AtOnce || got > loglimit.AtOnce+30 { // a slow machine lets some time pass
		t.Errorf("%d lines passed, want about %d", got, loglimit.AtOnce)
	}
}
