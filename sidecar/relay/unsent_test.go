package relay

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/proxy"
)

// unsent sends bytes, and gives the status of the answer and how long the relay kept
// the connection.
func (w *world) unsent(request string) (status int, kept time.Duration) {
	w.Helper()
	client, err := w.door.dial(w.Context(), "tcp", "relay")
	if err != nil {
		w.Fatal(err)
	}
	defer client.Close()
	began := time.Now()
	go io.WriteString(client, request)
	_ = client.SetReadDeadline(time.Now().Add(time.Hour))
	reader := bufio.NewReader(client)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		w.Errorf("no answer: %v", err)
		return 0, time.Since(began)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
		var network net.Error
		if !errors.As(err, &network) || !network.Timeout() {
			w.Errorf("after the answer: %v", err)
		}
	}
	return answer.StatusCode, time.Since(began)
}

func TestAnAnnouncedBodyThatDoesNotComeIsNotWaitedForLong(t *testing.T) {
	lengths := map[string]string{
		"little": "Content-Length: 10\r\n\r\n", "much": "Content-Length: 10000000\r\n\r\n", "chunks": "Transfer-Encoding: chunked\r\n\r\n",
		"some of it": "Content-Length: 10000000\r\n\r\n{\"model\":\"m\"", "a chunk": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	}
	for line, c := range map[string]struct {
		status int
		most   time.Duration
	}{
		"GET /-/ready":             {200, unreadBody + time.Second},
		"POST /-/ready":            {405, unreadBody + time.Second},
		"GET /-/nothing":           {404, unreadBody + time.Second},
		"POST /api/pull":           {408, proxy.BodyIdleTimeout + time.Second},
		"POST /api/blobs/sha256:0": {408, proxy.BodyIdleTimeout + time.Second},
		"POST /api/show":           {408, proxy.BodyIdleTimeout + time.Second},
		"GET /api/tags":            {408, proxy.BodyIdleTimeout + time.Second},
		"POST /unknown":            {408, proxy.BodyIdleTimeout + time.Second},
		"POST /api/chat":           {408, 2*proxy.BodyIdleTimeout + time.Second}, // its beginning is waited for, and then the rest
	} {
		for name, head := range lengths {
			t.Run(line+", "+name, func(t *testing.T) {
				inWorld(t, nil, func(w *world) {
					status, kept := w.unsent(line + " HTTP/1.1\r\nHost: x\r\n" + head)
					if status != c.status || kept > c.most {
						w.Errorf("%d, kept for %v", status, kept)
					}
				})
			})
		}
	}
}

func TestAnAnswerToABodyThatNobodyReadsEndsItsConnection(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.away.Store(true)
		if status, kept := w.unsent("POST /api/blobs/sha256:0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"); status != 503 || kept > proxy.BodyIdleTimeout+time.Second {
			w.Errorf("%d, kept for %v", status, kept)
		}
	})
}

// trickling is an upload that goes on for hours, with a rest between its pieces.
type trickling struct {
	pieces int
	rest   time.Duration
}

func (s *trickling) Read(p []byte) (int, error) {
	if s.pieces == 0 {
		return 0, io.EOF
	}
	s.pieces--
	time.Sleep(s.rest)
	return copy(p, "piece"), nil
}

func TestALongUploadIsNotCut(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			time.Sleep(10 * time.Minute) // it looks at what it got, over every deadline
			writer.WriteHeader(http.StatusCreated)
		})
		if got := w.do(w.Context(), "/api/blobs/sha256:0", &trickling{pieces: 500, rest: proxy.BodyIdleTimeout - time.Second}); got.status != 201 || got.err != nil {
			w.Errorf("%+v", got)
		}
		if served := w.served[0]; len(served) != 500*len("piece") {
			w.Errorf("%d bytes reached Ollama", len(served))
		}
	})
}

func TestALongAnswerAfterAStreamedBodyIsNotCut(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			for range 100 {
				io.WriteString(writer, "{}\n")
				writer.(http.Flusher).Flush()
				time.Sleep(2 * proxy.BodyIdleTimeout)
			}
		})
		if got := w.do(w.Context(), "/api/pull", io.MultiReader(&trickling{pieces: 2, rest: time.Second})); got.status != 200 || got.err != nil || len(got.body) != 300 {
			w.Errorf("%+v", got)
		}
	})
}
