package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// On real sockets, with net/http's own transport between.
func TestAnswersThatStreamHoldNoBodies(t *testing.T) {
	const size, streams = 4 << 20, 4
	release := make(chan struct{})
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/-/ready" {
			io.WriteString(w, `{"ready":true,"state":"ready"}`)
			return
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "{\"first\":1}\n")
		w.(http.Flusher).Flush()
		<-release
	}))
	t.Cleanup(sidecar.Close)
	t.Cleanup(func() { close(release) })
	address, _ := serveReal(t, sidecar.URL)
	body := `{"model":"m","prompt":"` + strings.Repeat("x", size) + `"}`
	before := heap()
	for range streams {
		connection := connect(t, address)
		if _, err := fmt.Fprintf(connection, "POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > size {
		t.Errorf("%d streams take %d MiB", streams, grown>>20)
	}
}
