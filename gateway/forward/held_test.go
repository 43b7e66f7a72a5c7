package forward

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/clawdbot/clawgate/gateway/balance"
)

// An answer refers to the request that was sent for as long as it streams.
func TestARequestThatWasSentHoldsNothingOfItsBody(t *testing.T) {
	const size = 64 << 10
	x := &exchange{
		forwarder: New(Config{MaxBodyBytes: size, BufferMaxBytes: 2 * size}), result: &Result{},
		request: httptest.NewRequest("POST", "/api/generate", strings.NewReader(strings.Repeat("x", size))),
	}
	x.writer = httptest.NewRecorder()
	x.control = http.NewResponseController(x.writer)
	if !x.readBody() {
		t.Fatalf("%+v", x.result)
	}
	held := weak.Make(&x.body.Data[0])
	out := (&attempt{exchange: x, sidecar: &balance.Sidecar{}, ctx: t.Context()}).outgoing(balance.Choice{})
	again, err := out.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []io.Reader{again, out.Body} {
		if sent, err := io.ReadAll(body); err != nil || len(sent) != size {
			t.Errorf("%d bytes, %v", len(sent), err)
		}
	}
	x.body.Release()
	if runtime.GC(); held.Value() != nil {
		t.Error("the body is still in memory")
	}
	runtime.KeepAlive(out)
}
