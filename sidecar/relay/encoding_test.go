package relay

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	gzipFrame = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + chatBody
	zstdFrame = "\x28\xb5\x2f\xfd\x00\x58" + chatBody
)

// headersOfPlain are what people's proxies and libraries call a plain body.
var headersOfPlain = [][]string{
	{}, {"identity"}, {"IDENTITY"}, {"utf-8"}, {"none"}, {"x-unknown"}, {"gzip"}, {"zstd"}, {"br"}, {"gzip, identity"}, {""}, {"", "identity"}, {"identity", "zstd"},
}

func TestTheBodyDecidesWhatIsJSON(t *testing.T) {
	filling := strings.Repeat("x", 2<<20)
	bodies := map[string]struct {
		body        string
		closed, cap int // statuses while the model's gate is closed, and with a cap
	}{
		"plain":                       {chatBody, 503, 200},
		"after blanks":                {" \r\n\t" + chatBody, 503, 200},
		"with more behind":            {chatBody + "\x1f\x8b", 503, 200},
		"another model's":             {`{"model":"other","messages":[{"role":"user","content":"x"}]}`, 200, 200},
		"too large to be held":        {`{"model":"qwen3:32b","messages":[{"content":"` + filling + `"}]}`, 503, 413},
		"another's, too large for it": {`{"model":"other","messages":[{"content":"` + filling + `"}]}`, 200, 413},
		"no object":                   {`["qwen3:32b"]`, 200, 200}, // Ollama says what is wrong with it
		"nothing":                     {"", 200, 200},
		"nothing but blanks":          {" \n", 200, 200},
	}
	inWorld(t, func(c *Config) { c.MaxTokens = 100 }, func(w *world) {
		capped, plain := w.relay, New(func() Config { c := w.relay.config; c.MaxTokens = 0; return c }())
		plain.SetModels(listing(model, "m", "other"))
		plain.SetGate(Gate{State: "ready", Models: map[string]Closure{model: {Reason: "dead"}}})
		for name, c := range bodies {
			for _, header := range headersOfPlain {
				for how, want := range map[*Relay]int{plain: c.closed, capped: c.cap} {
					if got := w.through(how, c.body, header); got != want {
						t.Errorf("%s, called %q, capped %v: %d, want %d", name, header, how == capped, got, want)
					}
				}
			}
		}
	})
}

func TestAFrameIsWhatItsHeaderCallsIt(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxTokens = 100 }, func(w *world) {
		open := New(func() Config { c := w.relay.config; c.MaxTokens = 0; return c }())
		open.SetModels(listing(model))
		for body, frame := range map[string]string{"gzip": gzipFrame, "zstd": zstdFrame} {
			for _, header := range [][]string{{"gzip"}, {"zstd"}, {"identity"}, {"x-unknown"}, {"", "zstd"}} {
				if got := w.through(w.relay, frame, header); got != http.StatusUnsupportedMediaType {
					t.Errorf("%s called %q, with a cap: %d", body, header, got)
				}
				open.SetGate(Gate{State: "ready"})
				if got := w.through(open, frame, header); got != http.StatusOK {
					t.Errorf("%s called %q: %d", body, header, got)
				}
				open.SetGate(Gate{State: "ready", Models: map[string]Closure{model: {Reason: "dead"}}})
				if got := w.through(open, frame, header); got != http.StatusServiceUnavailable { // it may be for that one
					t.Errorf("%s called %q, while a model is kept out: %d", body, header, got)
				}
			}
		}
	})
}

// through sends a body through a relay, with and without a length, and gives the status.
func (w *world) through(r *Relay, body string, header []string) (status int) {
	for _, sent := range []io.Reader{strings.NewReader(body), unsized{strings.NewReader(body)}} {
		request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://relay/api/chat", sent)
		if err != nil {
			w.Fatal(err)
		}
		if len(header) > 0 {
			request.Header["Content-Encoding"] = header
		}
		door := newPipeListener()
		stop := w.serve(r, door)
		client := &http.Transport{DialContext: door.dial}
		answer, err := client.RoundTrip(request)
		if err != nil {
			w.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		client.CloseIdleConnections()
		stop()
		if status != 0 && status != answer.StatusCode {
			w.Errorf("%.40q: %d with a length, %d without", body, status, answer.StatusCode)
		}
		status = answer.StatusCode
	}
	return status
}
