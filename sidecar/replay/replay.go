package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Result is what came of a replay.
type Result struct {
	Turns   int
	Decided int // turns in which something was decided
	// Differ are the turns in which this build decides otherwise than the record says.
	Differ int
}

// maxLine bounds one line of a record, in bytes: an inspection, or a long list of models.
const maxLine = 16 << 20

// Replay decides again what a record holds, and writes each turn in which anything is, or
// was, decided: when it was, what was seen and what follows, and where it differs what was
// decided then. An error names the line that cannot be read.
func Replay(record io.Reader, out io.Writer) (Result, error) {
	p := player{out: out}
	lines := bufio.NewScanner(record)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for number := 1; lines.Scan(); number++ {
		if err := p.play(lines.Bytes()); err != nil {
			return p.result, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return p.result, fmt.Errorf("cannot read the record: %w", err)
	}
	if p.keeper == nil {
		return p.result, errors.New("the record is empty")
	}
	return p.result, nil
}

type player struct {
	keeper *policy.Keeper
	in     policy.Inputs
	out    io.Writer
	result Result
}

func (p *player) play(text []byte) error {
	var turn line
	if err := json.Unmarshal(text, &turn); err != nil {
		return fmt.Errorf("this is no turn of a record: %w", err)
	}
	if turn.In != nil {
		p.in = *turn.In
	}
	p.in.Traffic.SeenAt = turn.At
	acts, err := p.decide(turn)
	if err != nil {
		return err
	}
	did, err := written(acts)
	if err != nil {
		return fmt.Errorf("cannot write a decision down: %w", err)
	}
	p.result.Turns++
	return p.compare(turn, did)
}

// decide has the keeper take one turn.
func (p *player) decide(turn line) ([]policy.Act, error) {
	switch {
	case turn.Settings != nil:
		p.keeper = policy.New(*turn.Settings)
		return p.keeper.Begin(turn.At, p.in), nil
	case p.keeper == nil:
		return nil, errors.New("a record begins with the settings, and this one does not")
	}
	seen, err := watch.Read(turn.Saw, turn.What)
	if err != nil {
		return nil, err
	}
	return p.keeper.Turn(turn.At, p.in, seen), nil
}

// compare writes what was decided, and how it differs from the record.
func (p *player) compare(turn line, did json.RawMessage) error {
	same := bytes.Equal(did, turn.Did)
	if !same {
		p.result.Differ++
	}
	if len(did) == 0 && same {
		return nil
	}
	p.result.Decided++
	told := fmt.Sprintf("%s %s\n", turn.At.Format(time.RFC3339Nano), turn.Saw)
	told += each(" ", did)
	if !same {
		told += "  the record says instead:\n" + each(" -", turn.Did)
	}
	if _, err := io.WriteString(p.out, told); err != nil {
		return fmt.Errorf("cannot write the decisions: %w", err)
	}
	return nil
}

// each are acts, one a line.
func each(sign string, acts json.RawMessage) (lines string) {
	var list []json.RawMessage
	if json.Unmarshal(acts, &list) != nil {
		return ""
	}
	for _, act := range list {
		lines += sign + " " + string(act) + "\n"
	}
	return lines
}
