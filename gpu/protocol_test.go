package gpu

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestMessagesThatNoChildSendsAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ line, because string }{
		"not JSON":          {"nvidia-smi has failed\n", "invalid character"},
		"another type":      {`{"kind":7}` + "\n", "cannot unmarshal"},
		"no kind":           {"{}\n", `unknown kind ""`},
		"a view without it": {`{"kind":"view","id":1}` + "\n", `"view" carries no view`},
		"a Xid without it":  {`{"kind":"xid"}` + "\n", `"xid" carries no Xid`},
		"half a line":       {`{"kind":"rea`, "unexpected end"},
		"an endless line":   {strings.Repeat("x", longestLine+1), "token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			err := readLines(strings.NewReader(c.line), message.validate)
			if err == nil || !strings.Contains(err.Error(), c.because) {
				t.Errorf("got %v, want something of %q", err, c.because)
			}
		})
	}
}

func TestMessageArrivesAsItWasSent(t *testing.T) {
	var line bytes.Buffer
	if err := newLineWriter(&line).send(message{Kind: kindXid, Xid: &evidence.Xid{GPU: "GPU-1", Code: 1 << 63}}); err != nil {
		t.Fatal(err)
	}
	var got []message
	err := readLines(&line, func(m message) error { got = append(got, m); return m.validate() })
	if err != nil || len(got) != 1 || got[0].Xid.Code != 1<<63 || got[0].Xid.GPU != "GPU-1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestServeEndsWhenItsInputIsNonsense(t *testing.T) {
	broken := &unavailable{reason: "broken"}
	input, write := io.Pipe()
	go func() { _, _ = io.WriteString(write, "please\n") }()
	hang := make(chan struct{})
	defer close(hang)
	err := serve(input, io.Discard, func() (driver, error) { <-hang; return nil, broken })
	if err == nil || errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
