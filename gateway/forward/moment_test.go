package forward

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/relay"
)

// pausing lets something happen between the first piece of an answer and what
// is done with it.
type pausing struct {
	http.RoundTripper
	pause func() // nil when it is over
}

func (p *pausing) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := p.RoundTripper.RoundTrip(request)
	if err == nil && p.pause != nil {
		answer.Body = &pausedBody{answer.Body, p.pause}
		p.pause = nil
	}
	return answer, err
}

type pausedBody struct {
	io.ReadCloser
	pause func()
}

func (b *pausedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.pause != nil {
		b.pause()
		b.pause = nil
	}
	return n, err
}

func TestARequestThatMovesAtItsFirstPieceLosesNothing(t *testing.T) {
	var between *pausing
	replace := func(c *Config) { between = &pausing{RoundTripper: c.Transport}; c.Transport = between }
	inWorld(t, 2, replace, func(w *world) {
		defer w.busy(2)()
		a := w.sidecars[0]
		a.answers(func(writer http.ResponseWriter, request *http.Request) {
			say(writer, "first")
			<-request.Context().Done()
		})
		between.pause = func() {
			a.SetGate(relay.Gate{State: "recovering", All: &relay.Closure{Reason: "recovering", MayHold: true}})
			time.Sleep(3 * time.Second)
		}
		got := w.post("/api/chat", chatBody)
		if got.status != 200 || got.err != nil || strings.Contains(got.body, "first") || !strings.HasSuffix(got.body, doneLine) {
			t.Errorf("%+v", got)
		}
		if r := w.result(); r.Attempts != 2 || r.Cut != "" || len(w.sidecars[1].served) != 1 {
			t.Errorf("%+v, the other served %d", r, len(w.sidecars[1].served))
		}
	})
}
