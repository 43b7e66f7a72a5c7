package healthlog

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestEachDayHasAFileOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "health.log")
		log := New(path, slog.New(slog.DiscardHandler))
		stop := running(t, log)
		toMidnight := untilMidnight(time.Now())
		log.Add(transition("first day, morning"))
		time.Sleep(toMidnight - time.Second)
		log.Add(transition("first day, last second"))
		time.Sleep(2 * time.Second)
		log.Add(transition("second day"))
		time.Sleep(72 * time.Hour) // quiet days leave no file
		log.Add(transition("fifth day"))
		stop()

		earlier := earlierDays(t, path)
		if len(earlier) != 2 {
			t.Fatalf("found %q, want the files of two earlier days", earlier)
		}
		for file, want := range map[string][]string{
			earlier[0]: {"first day, morning", "first day, last second"},
			earlier[1]: {"second day"},
			path:       {"fifth day"},
		} {
			if found := sentences(t, file); !slices.Equal(found, want) {
				t.Errorf("%s holds %q, want %q", filepath.Base(file), found, want)
			}
		}
	})
}

func TestOnlyTwoWeeksAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "health.log")
		log := New(path, slog.New(slog.DiscardHandler))
		stop := running(t, log)
		for day := range 30 {
			log.Add(transition(fmt.Sprint(day)))
			time.Sleep(24 * time.Hour)
		}
		stop()
		earlier := earlierDays(t, path)
		if len(earlier) != keepFiles {
			t.Fatalf("kept %d files, want %d", len(earlier), keepFiles)
		}
		if found := sentences(t, earlier[0]); !slices.Equal(found, []string{"15"}) {
			t.Errorf("the oldest file holds %q, want day 15", found)
		}
	})
}

func TestARestartGoesOnWithTodaysFileAndPutsYesterdaysAside(t *testing.T) {
	tests := map[string]struct {
		writtenBefore time.Duration
		wantEarlier   int
		want          []string
	}{
		"the same day":   {time.Minute, 0, []string{"before", "after"}},
		"the day before": {24 * time.Hour, 1, []string{"after"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(untilMidnight(time.Now()) + 12*time.Hour)
				path := filepath.Join(t.TempDir(), "health.log")
				writeOnce(t, path, "before")
				then := time.Now().Add(-test.writtenBefore)
				if err := os.Chtimes(path, then, then); err != nil {
					t.Fatal(err)
				}
				writeOnce(t, path, "after")
				if found := sentences(t, path); !slices.Equal(found, test.want) {
					t.Errorf("the current file holds %q, want %q", found, test.want)
				}
				if earlier := earlierDays(t, path); len(earlier) != test.wantEarlier {
					t.Errorf("found earlier files %q, want %d", earlier, test.wantEarlier)
				}
			})
		})
	}
}

func writeOnce(t *testing.T, path, sentence string) {
	t.Helper()
	log := New(path, slog.New(slog.DiscardHandler))
	stop := running(t, log)
	log.Add(transition(sentence))
	stop()
}

func untilMidnight(now time.Time) time.Duration {
	year, month, day := now.Local().Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, time.Local).Sub(now)
}
