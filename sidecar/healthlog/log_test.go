package healthlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running runs log until the returned function is called, which waits for its end.
func running(t *testing.T, log *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- log.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v, want nil", err)
		}
	}
}

func transition(sentence string) Record {
	return Record{At: time.Now(), Kind: KindTransition, From: "ready", To: "isolated", Sentence: sentence}
}

// oneOf are records of all kinds in turn, so that none of them repeats too often.
func oneOf(i int) Record {
	return Record{At: time.Now(), Kind: kinds[i%len(kinds)], Sentence: fmt.Sprint(i)}
}

// sentences returns the sentence of every line in the file, and fails on a
// line that is not JSON.
func sentences(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	scanner := bufio.NewScanner(bytes.NewReader(content))
	for scanner.Scan() {
		var record Record
		if err := json.Unmarshal(scanner.Bytes(), &record); err != nil {
			t.Fatalf("line %q of %s: %v", scanner.Text(), filepath.Base(path), err)
		}
		found = append(found, record.Sentence)
	}
	return found
}

func earlierDays(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "-*.log")
	if err != nil {
		t.Fatal(err)
	}
	return found // sorted by name, hence by time
}

// warnings is a logger's output that counts.
type warnings struct {
	mu    sync.Mutex
	lines []string
}

func (w *warnings) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, string(p))
	return len(p), nil
}

func (w *warnings) containing(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := 0
	for _, line := range w.lines {
		if strings.Contains(line, text) {
			count++
		}
	}
	return count
}

func logger(out *warnings) *slog.Logger { return slog.New(slog.NewJSONHandler(out, nil)) }

func TestEveryRecordIsOneJSONLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "made", "health.log")
		log := New(path, slog.New(slog.DiscardHandler))
		stop := running(t, log)
		at := time.Now()
		log.Add(Record{
			At: at, Kind: KindRemedy, State: "recovering", Verdict: "wedged",
			Sentence: "no first chunk on 3 probes\nfor 19 s", Detail: map[string]any{"rung": "unload", "attempt": 1},
		})
		stop()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"at":%q,"kind":"remedy","state":"recovering","verdict":"wedged",`+
			`"sentence":"no first chunk on 3 probes\nfor 19 s","detail":{"attempt":1,"rung":"unload"}}`+"\n",
			at.Format(time.RFC3339Nano))
		if string(content) != want {
			t.Errorf("file holds %q, want %q", content, want)
		}
	})
}

func TestNothingIsLostAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "health.log")
		log := New(path, slog.New(slog.DiscardHandler))
		for i := range queueLength {
			log.Add(oneOf(i))
		}
		running(t, log)() // ends as soon as it has begun
		found := sentences(t, path)
		if len(found) != queueLength || found[0] != "0" || found[len(found)-1] != fmt.Sprint(queueLength-1) {
			t.Errorf("file holds %d lines, want %d in order", len(found), queueLength)
		}
		if log.Dropped() != 0 {
			t.Errorf("Dropped() = %d, want 0", log.Dropped())
		}
	})
}

func TestAFullQueueDropsAndCountsAndNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "health.log")
		var out warnings
		log := New(path, logger(&out))
		for i := range queueLength + 3 {
			log.Add(oneOf(i))
		}
		if log.Dropped() != 3 {
			t.Errorf("Dropped() = %d, want 3", log.Dropped())
		}
		running(t, log)()
		if found := sentences(t, path); len(found) != queueLength {
			t.Errorf("file holds %d lines, want %d", len(found), queueLength)
		}
		if out.containing(`"health log lacks lines"`) != 1 || out.containing(`"dropped":3`) != 1 {
			t.Errorf("logged %q, want one warning that 3 lines are missing", out.lines)
		}
	})
}

// TestWhatRepeatsItselfIsBoundedAndCounted floods the log with one kind, beside which
// another still finds its way.
func TestWhatRepeatsItselfIsBoundedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "health.log")
		log := New(path, slog.New(slog.DiscardHandler))
		const flood = 100 * time.Second
		written := 0
		for began := time.Now(); time.Since(began) < flood; time.Sleep(10 * time.Millisecond) {
			log.Add(transition("again"))
			written++
		}
		log.Add(Record{At: time.Now(), Kind: KindRemedy, Sentence: "a remedy"})
		running(t, log)()
		most := atOnce + int(flood/pause)
		found := sentences(t, path)
		if len(found) > most+1 || found[len(found)-1] != "a remedy" {
			t.Errorf("file holds %d lines, the last %q, want at most %d and the remedy", len(found), found[len(found)-1], most+1)
		}
		if got := int(log.Dropped()) + len(found); got != written+1 {
			t.Errorf("%d lines written or counted as dropped, want %d", got, written+1)
		}
	})
}

func TestAPathThatCannotBeWrittenIsReportedOnce(t *testing.T) {
	tests := map[string]struct {
		path func(t *testing.T, folder string) string
		want string
	}{
		"a folder that is a file": {func(t *testing.T, folder string) string {
			file := filepath.Join(folder, "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(file, "health.log")
		}, "not a directory"},
		"the folder itself": {func(_ *testing.T, folder string) string { return folder }, "not a regular file"},
		"a device":          {func(*testing.T, string) string { return os.DevNull }, "not a regular file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out warnings
				log := New(test.path(t, t.TempDir()), logger(&out))
				stop := running(t, log)
				for range 3 {
					log.Add(transition("x"))
				}
				stop()
				if log.Dropped() != 3 {
					t.Errorf("Dropped() = %d, want 3", log.Dropped())
				}
				if out.containing("health log is impaired") != 1 || out.containing(test.want) != 1 {
					t.Errorf("logged %q, want one warning with %q", out.lines, test.want)
				}
			})
		})
	}
}

// faultyFile is a file whose writes fail, tear or hang.
type faultyFile struct {
	content bytes.Buffer
	room    int // bytes until the disk is full; negative: no limit
	hang    chan struct{}
}

var errDiskFull = errors.New("no space left on device")

func (f *faultyFile) Write(line []byte) (int, error) {
	if f.hang != nil {
		<-f.hang
	}
	if f.room < 0 || len(line) <= f.room {
		return f.content.Write(line)
	}
	written, _ := f.content.Write(line[:f.room])
	f.room = 0
	return written, errDiskFull
}

func (f *faultyFile) Close() error { return nil }

func TestAFullDiskCostsItsLinesAndSpoilsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out warnings
		file := &faultyFile{room: 10}
		log := New("health.log", logger(&out))
		log.file = file
		stop := running(t, log)
		log.Add(transition("torn"))
		log.Add(transition("lost"))
		synctest.Wait()
		file.room = -1
		log.Add(transition("whole"))
		log.Add(transition("again"))
		stop()

		lines := strings.Split(strings.TrimSpace(file.content.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[1], "whole") || !json.Valid([]byte(lines[1])) || !json.Valid([]byte(lines[2])) {
			t.Errorf("file holds %q, want the torn line and two whole ones", lines)
		}
		if log.Dropped() != 2 {
			t.Errorf("Dropped() = %d, want 2", log.Dropped())
		}
		if out.containing("health log is impaired") != 1 || out.containing(`"dropped":2`) != 1 {
			t.Errorf("logged %q, want one warning at the fault and one with the count", out.lines)
		}
	})
}

func TestARecordThatCannotBeEncodedCostsOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "health.log")
		log := New(path, slog.New(slog.DiscardHandler))
		stop := running(t, log)
		log.Add(Record{Kind: KindRemedy, Detail: map[string]any{"channel": make(chan int)}})
		log.Add(transition("after"))
		stop()
		if found := sentences(t, path); len(found) != 1 || found[0] != "after" || log.Dropped() != 1 {
			t.Errorf("file holds %q with %d dropped, want the one after and 1 dropped", found, log.Dropped())
		}
	})
}

func TestADiskThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out warnings
		file := &faultyFile{room: -1, hang: make(chan struct{})}
		log := New("health.log", logger(&out))
		log.file = file
		stop := running(t, log)
		for i := range queueLength + 2 {
			log.Add(oneOf(i))
		}
		began := time.Now()
		stop()
		if took := time.Since(began); took != closeTimeout {
			t.Errorf("Run ended %v after its context, want %v", took, closeTimeout)
		}
		if out.containing("the disk does not answer") != 1 {
			t.Errorf("logged %q, want that the disk does not answer", out.lines)
		}
		close(file.hang)
		synctest.Wait()
	})
}

func TestWithoutAPathChangesAreKeptInMemoryOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := New("", slog.New(slog.DiscardHandler))
		stop := running(t, log)
		for i := range recentLength + 5 {
			log.Add(transition(fmt.Sprint(i)))
			log.Add(Record{Kind: KindProbeFailure})
		}
		stop()
		newest := log.Recent(2)
		if len(newest) != 2 || newest[0].Sentence != "67" || newest[1].Sentence != "68" {
			t.Errorf("Recent(2) = %v, want the changes 67 and 68", newest)
		}
		if all := log.Recent(1000); len(all) != recentLength || all[0].Sentence != "5" {
			t.Errorf("Recent(1000) has %d records, want %d beginning with 5", len(all), recentLength)
		}
		if none := log.Recent(0); len(none) != 0 {
			t.Errorf("Recent(0) = %v, want none", none)
		}
	})
}
