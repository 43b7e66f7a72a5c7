//go:build e2e

package recovery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// lie is a request whose error Ollama writes with the client's own words in it.
type lie struct {
	path, body string
	words      string // as the client wrote them
}

// sentences are what a server says that is in trouble, in the words of Ollama 0.9 and
// of its runners.
var sentences = []string{
	"process has terminated",
	"llama runner process has terminated: signal: killed",
	"server busy, please try again.  maximum pending requests exceeded",
	"cudaMalloc failed: out of memory",
}

// lies are the places of a request that Ollama quotes, streamed and not.
func lies() []lie {
	var all []lie
	for _, words := range sentences {
		all = append(all, streamedAndWhole("/api/chat", words, map[string]any{"messages": hello(), "format": words})...)
	}
	const killed = "signal: killed"
	template := map[string]any{"prompt": "hello", "template": `{{ index .Messages "` + killed + `" }}`}
	all = append(all, streamedAndWhole("/api/generate", killed, template)...)
	for _, schema := range []any{sentences[1], map[string]any{"type": sentences[1]}} {
		format := map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "lie", "schema": schema}}
		all = append(all, streamedAndWhole("/v1/chat/completions", sentences[1], map[string]any{"messages": hello(), "response_format": format})...)
	}
	return all
}

func streamedAndWhole(path, words string, fields map[string]any) []lie {
	var both []lie
	for _, stream := range []bool{true, false} {
		fields["model"], fields["stream"] = parts.Model, stream
		body, err := json.Marshal(fields)
		if err != nil {
			panic(err)
		}
		both = append(both, lie{path: path, body: string(body), words: words})
	}
	return both
}

func hello() []map[string]string { return []map[string]string{{"role": "user", "content": "hello"}} }

// reply is what a client saw.
type reply struct {
	Status int
	Kind   string // of its content
	Body   string
}

// post sends a body and reads the answer to its end. It may be called from any
// goroutine.
func post(ctx context.Context, url, body string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, fmt.Errorf("cannot post to %s: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header.Get("Content-Type"), string(answer)}, err
}

// posted is post for what has to succeed.
func (s *stand) posted(t *testing.T, path string, fields map[string]any) {
	t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := post(t.Context(), s.relay+path, string(body))
	if err != nil || answer.Status != http.StatusOK {
		t.Errorf("%s %s was answered with %+v: %v", path, body, answer, err)
	}
}

// lookout reads the status all the time, so that little is missed.
type lookout struct {
	stop  context.CancelFunc
	done  sync.WaitGroup
	looks int
	odd   []string // what was seen that must not be
}

// lookOut watches for anything but a server that is ready for everybody.
func (s *stand) lookOut(t *testing.T) *lookout {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &lookout{stop: stop}
	l.done.Go(func() {
		for ctx.Err() == nil {
			l.look(ctx, s.admin)
		}
	})
	t.Cleanup(l.end)
	return l
}

func (l *lookout) look(ctx context.Context, url string) {
	const pause = 20 * time.Millisecond
	select {
	case <-time.After(pause):
	case <-ctx.Done():
		return
	}
	_, body, err := get(ctx, url+"/-/status")
	if err != nil {
		return // the end of the test, or of the sidecar, which other checks tell
	}
	l.looks++
	var now admin.Status
	if err := json.Unmarshal(body, &now); err != nil || now.State != "ready" || !now.Gate.Open || len(now.Gate.ModelsClosed)+len(now.Quarantine) > 0 {
		l.odd = append(l.odd, string(body))
	}
}

func (l *lookout) end() {
	l.stop()
	l.done.Wait()
}
