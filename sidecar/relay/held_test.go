package relay

import (
	"io"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"weak"
)

// An answer refers to the request that was sent for as long as it streams.
func TestARequestThatWasSentHoldsNothingOfItsBody(t *testing.T) {
	for name, most := range map[string]int{"as it came": 0, "with a cap in it": 100} {
		t.Run(name, func(t *testing.T) {
			r := New(Config{Upstream: &url.URL{Scheme: "http", Host: "ollama:11434"}, ReplayMaxBytes: 1 << 20, BufferMaxBytes: 1 << 20, MaxTokens: most})
			text := `{"model":"m","prompt":"` + strings.Repeat("x", 64<<10) + `"}`
			x := newExchange(r, httptest.NewRecorder(), httptest.NewRequest("POST", "/api/generate", strings.NewReader(text)))
			if !x.readBody() || (x.capped.Text != "") != (most > 0) {
				t.Fatalf("capped by %q", x.capped.Text)
			}
			held := weak.Make(&x.body.Data[0])
			out := newFlight(x).outgoing()
			again, err := out.GetBody()
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range []io.Reader{again, out.Body} {
				if sent, err := io.ReadAll(body); err != nil || int64(len(sent)) != out.ContentLength {
					t.Errorf("%d bytes of %d, %v", len(sent), out.ContentLength, err)
				}
			}
			x.body.Release()
			if runtime.GC(); held.Value() != nil {
				t.Error("the body is still in memory")
			}
			runtime.KeepAlive(out)
		})
	}
}
