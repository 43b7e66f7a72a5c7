package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// BenchmarkMemory measures what a connection takes, in each state that a client
// can keep it in for a while. The limits in package crowd rest on it. The client's
// own side is in it, about 1 kB.
func BenchmarkMemory(b *testing.B) {
	fields := func(n, value int) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "a%d:%s\r\n", i, strings.Repeat("x", value))
		}
		return text.String()
	}
	const post = "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
	for _, state := range []struct{ name, sent string }{
		{"nothing sent", ""},
		{"a header of 60 bytes, unfinished", post},
		{"a header of 15 KiB in one field, unfinished", post + "a:" + strings.Repeat("x", 15<<10)},
		{"a header of 15 KiB in 95 fields, unfinished", post + fields(95, 150)},
		{"answered, and idle", "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"in hand", post + "\r\n{}"},
		{"in hand, with 15 KiB in 95 fields", post + fields(95, 150) + "\r\n{}"},
		{"in hand, with a body of 70 kB that does not come", "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n"},
	} {
		b.Run(state.name, func(b *testing.B) { keepOpen(b, state.sent) })
	}
}

func keepOpen(b *testing.B, sent string) {
	const connections = 500
	hold := make(chan struct{})
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/-/ready" {
			io.WriteString(w, `{"ready":true,"state":"ready"}`)
			return
		}
		<-hold
	}))
	defer sidecar.Close()
	defer close(hold)
	address, _ := serveReal(b, sidecar.URL)
	for b.Loop() {
		before := heap()
		for range connections {
			if _, err := io.WriteString(connect(b, address), sent); err != nil {
				b.Fatal(err)
			}
		}
		time.Sleep(time.Second) // a measurement: what was sent has been read by then
		took := heap() - before
		b.ReportMetric(float64(took)/connections, "B/connection")
		b.ReportMetric(0, "ns/op")
		runtime.KeepAlive(sent)
	}
}
