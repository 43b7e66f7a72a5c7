package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Recorder writes a record. A nil one writes nothing. One goroutine at a time may use it.
type Recorder struct {
	out    io.Writer
	steady steadier
	before *policy.Inputs
	failed error
}

// NewRecorder writes to out, a line in one Write.
func NewRecorder(out io.Writer) *Recorder { return &Recorder{out: out} }

// Begin writes the first turn down.
func (r *Recorder) Begin(now time.Time, settings policy.Settings, in policy.Inputs, did []policy.Act) {
	if r == nil {
		return
	}
	r.steady = steadier{began: now}
	r.write(line{Settings: &settings, At: r.steady.time(now), In: r.changed(in)}, did)
}

// Turn writes a further one down.
func (r *Recorder) Turn(now time.Time, in policy.Inputs, seen watch.Observation, did []policy.Act) {
	if r == nil || r.failed != nil {
		return
	}
	what, err := json.Marshal(copyOf(r.steady, seen))
	if err != nil {
		r.failed = fmt.Errorf("cannot write an observation down: %w", err)
		return
	}
	if string(what) == "{}" {
		what = nil
	}
	r.write(line{At: r.steady.time(now), Saw: watch.KindOf(seen), What: what, In: r.changed(in)}, did)
}

// Err is why the record ends before its time; nil where it does not.
func (r *Recorder) Err() error {
	if r == nil {
		return nil
	}
	return r.failed
}

// changed are the inputs; nil where they are the same as before. When the traffic was
// looked at is not told: it is always now.
func (r *Recorder) changed(in policy.Inputs) *policy.Inputs {
	in = copyOf(r.steady, in)
	in.Traffic.SeenAt = time.Time{}
	if r.before != nil && reflect.DeepEqual(*r.before, in) {
		return nil
	}
	r.before = &in
	return &in
}

func (r *Recorder) write(turn line, did []policy.Act) {
	var err error
	if turn.Did, err = written(copyOf(r.steady, did)); err != nil {
		r.failed = fmt.Errorf("cannot write a decision down: %w", err)
		return
	}
	text, err := json.Marshal(turn)
	if err == nil {
		_, err = r.out.Write(append(text, '\n'))
	}
	if err != nil {
		r.failed = fmt.Errorf("cannot write the record: %w", err)
	}
}
