package sidecar_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/replay"
)

// decidedAgain has what a scenario recorded decided again. The same must come of it.
func decidedAgain(t *testing.T, record *bytes.Buffer) replay.Result {
	t.Helper()
	var told bytes.Buffer
	result, err := replay.Replay(bytes.NewReader(record.Bytes()), &told)
	if err != nil {
		t.Fatal(err)
	}
	if result.Differ > 0 {
		at := bytes.Index(told.Bytes(), []byte("the record says instead"))
		t.Errorf("%d of %d decisions differ, the first:\n%s", result.Differ, result.Decided, told.Bytes()[max(0, at-2000):min(at+2000, told.Len())])
	}
	return result
}

// brief is a disk that is full after some lines.
type brief struct{ left int }

func (b *brief) Write(text []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(text), nil
}

// A record that cannot be written any more is told of once, and keeps nobody from serving.
func TestARecordThatEndsEarly(t *testing.T) {
	t.Parallel()
	play(t, setup{record: &brief{left: 10}}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		s.chat(3).complete()
		time.Sleep(time.Minute)
		if told := strings.Count(s.log.String(), "the record of what is seen and decided ends here"); told != 1 {
			s.Errorf("it was told %d times", told)
		}
	})
}

// What was seen determines what is decided, whatever happens: faults, acts of people, a
// wall clock that jumps.
func TestWhatIsRecordedIsDecidedAgain(t *testing.T) {
	t.Parallel()
	var record bytes.Buffer
	play(t, setup{record: &record, env: []string{"CLAWGATE_RECHECK_INTERVAL=2s"}}, func(s *scenario) {
		s.reaches(policy.Ready, time.Minute)
		s.post("/api/generate", generate(model, 3)).wait()
		s.must(s.FreezeRunner())
		s.reaches(policy.Isolated, 3*time.Minute)
		s.reaches(policy.Ready, time.Minute)
		s.JumpClock(-time.Hour)
		s.must(s.FreezeServer())
		s.reaches(policy.Recovering, 3*time.Minute)
		s.reaches(policy.Ready, 3*time.Minute)
	})
	result := decidedAgain(t, &record)
	if result.Turns < 100 || result.Decided < 20 {
		t.Errorf("only %+v", result)
	}
	if bytes.Contains(record.Bytes(), []byte(token)) {
		t.Error("the record holds a secret")
	}
	t.Logf("%+v in %d bytes", result, record.Len())
}
