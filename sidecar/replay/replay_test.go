package replay

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// record is one of a keeper that has seen these, one a second.
func record(t *testing.T, inputs func(turn int) policy.Inputs, seen ...watch.Observation) string {
	t.Helper()
	var out bytes.Buffer
	keeper, recorder, now := policy.New(policy.Settings{Model: "m", Main: "m:latest", Seed: 7}), NewRecorder(&out), time.Now()
	recorder.Begin(now, keeper.Settings(), inputs(0), keeper.Begin(now, inputs(0)))
	for i, one := range seen {
		at := now.Add(time.Duration(i+1) * time.Second)
		recorder.Turn(at, inputs(i+1), one, keeper.Turn(at, inputs(i+1), one))
	}
	if err := recorder.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func none(int) policy.Inputs { return policy.Inputs{} }

func TestInputsAreWrittenWhereTheyChange(t *testing.T) {
	busy := func(turn int) policy.Inputs {
		in := policy.Inputs{Traffic: evidence.Traffic{SeenAt: time.Now()}}
		if turn >= 2 {
			in.Spent = 1
		}
		return in
	}
	lines := strings.Split(strings.TrimSpace(record(t, busy, watch.Tick{}, watch.Tick{}, watch.Tick{})), "\n")
	for i, want := range []bool{true, false, true, false} {
		if has := strings.Contains(lines[i], `"in":`); has != want {
			t.Errorf("line %d: %s", i+1, lines[i])
		}
	}
	if _, err := Replay(strings.NewReader(strings.Join(lines, "\n")), io.Discard); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoRecord(t *testing.T) {
	good := record(t, none, watch.Tick{})
	for name, c := range map[string]struct{ record, fails string }{
		"nothing":                   {"", "is empty"},
		"words":                     {"hello", "line 1"},
		"no settings":               {strings.SplitAfterN(good, "\n", 2)[1], "begins with the settings"},
		"an observation of no kind": {good + `{"at":"2026-11-28T12:00:00Z","saw":"a ghost"}`, "line 3"},
		"one that cannot be read":   {good + `{"at":"2026-11-28T12:00:00Z","saw":"sign","what":7}`, "line 3"},
		"one that breaks off":       {good + `{"at":"2026-11-`, "line 3"},
		"a line that does not end":  {good + strings.Repeat(" ", maxLine+1), "cannot read the record"},
	} {
		_, err := Replay(strings.NewReader(c.record), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A record that cannot be written harms nobody, and says why it ends.
func TestARecordThatCannotBeWritten(t *testing.T) {
	r := NewRecorder(fullDisk{})
	r.Begin(time.Now(), policy.Settings{}, policy.Inputs{}, nil)
	r.Turn(time.Now(), policy.Inputs{}, watch.Tick{}, nil)
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Error(err)
	}
	var nobody *Recorder
	nobody.Begin(time.Now(), policy.Settings{}, policy.Inputs{}, nil)
	nobody.Turn(time.Now(), policy.Inputs{}, watch.Tick{}, nil)
}

func TestTimesAreToldSteadily(t *testing.T) {
	began := time.Now()
	s := steadier{began: began}
	foreign := time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC)
	type deep struct {
		At    time.Time
		Map   map[string]*time.Time
		Any   any
		Times []time.Time
	}
	later := began.Add(time.Minute)
	got := copyOf(s, deep{At: later, Map: map[string]*time.Time{"a": &later}, Any: later, Times: []time.Time{foreign, {}}})
	want := began.Round(0).Add(time.Minute)
	if got.At != want || *got.Map["a"] != want || got.Any != any(want) || got.Times[0] != foreign || !got.Times[1].IsZero() {
		t.Errorf("%+v", got)
	}
	if later == want {
		t.Error("the value itself was changed")
	}
}
