package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/replay"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// recorded is what a sidecar records that is started and paused by hand.
func recorded(t *testing.T) []byte {
	t.Helper()
	var record bytes.Buffer
	keeper, recorder, now := policy.New(policy.Settings{Model: "m", Main: "m:latest"}), replay.NewRecorder(&record), time.Now()
	recorder.Begin(now, keeper.Settings(), policy.Inputs{}, keeper.Begin(now, policy.Inputs{}))
	for i, seen := range []watch.Observation{watch.Tick{}, watch.PauseAsked{Reason: "maintenance"}, watch.Tick{}} {
		at := now.Add(time.Duration(i+1) * time.Second)
		recorder.Turn(at, policy.Inputs{}, seen, keeper.Turn(at, policy.Inputs{}, seen))
	}
	if err := recorder.Err(); err != nil {
		t.Fatal(err)
	}
	return record.Bytes()
}

func TestReplay(t *testing.T) {
	record := recorded(t)
	other := bytes.Replace(record, []byte("maintenance"), []byte("upkeep"), 1) // in what was seen, and not in what was decided
	for name, c := range map[string]struct {
		record []byte
		fails  string
		says   string
	}{
		"the same":         {record, "", `{"Operated":{"call":"pause","reason":"maintenance"`},
		"something else":   {other, "decides otherwise", "the record says instead"},
		"no record at all": {[]byte("hello\n"), "line 1", ""},
	} {
		file := filepath.Join(t.TempDir(), "record")
		if err := os.WriteFile(file, c.record, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := replayFile(file, &out)
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: it says\n%s", name, out.String())
		}
	}
	if err := replayFile(filepath.Join(t.TempDir(), "missing"), os.Stderr); err == nil {
		t.Error("a missing file is replayed")
	}
	if got := runReplay(t.Context(), nil); got != exitUsage {
		t.Errorf("without a file it ends with %d", got)
	}
}
