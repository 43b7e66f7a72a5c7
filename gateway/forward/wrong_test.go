package forward

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hijacked answers with bytes that need not be HTTP, and closes.
func hijacked(answer string) http.HandlerFunc {
	return func(writer http.ResponseWriter, request *http.Request) {
		io.Copy(io.Discard, request.Body)
		connection, _, err := writer.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		io.WriteString(connection, answer)
		connection.Close()
	}
}

func TestAWrongAnswerIsNeverTakenForAWholeOne(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
	for name, answer := range map[string]string{
		"nothing":               "",
		"garbage":               "\x00\x01garbage\r\n\r\n",
		"half a header":         "HTTP/1.1 200 OK\r\nContent-Le",
		"an endless header":     "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20+1),
		"a header alone":        head + "Transfer-Encoding: chunked\r\n\r\n",
		"half a chunk":          head + "Transfer-Encoding: chunked\r\n\r\n10\r\nhalf",
		"no last chunk":         head + "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"a chunk that is none":  head + "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
		"less than its length":  head + "Content-Length: 10\r\n\r\nhalf",
		"two lengths":           head + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nhalf",
		"an unknown encoding":   head + "Transfer-Encoding: gzip\r\n\r\nhalf",
		"only an early hint":    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
		"another protocol":      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		"an answer to somebody": "SSH-2.0-OpenSSH_9.2\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, nil, func(w *world) {
				w.sidecars[0].scripted(hijacked(answer))
				got := w.post("/api/chat", chatBody)
				if got.err == nil && got.status < 400 {
					t.Errorf("%+v", got)
				}
				if n := w.sidecars[0].asked(); n > maxDeaths {
					t.Errorf("sent %d times", n)
				}
			})
		})
	}
}

func TestErrorsOfOllamasOwnArePassedOnAsTheyAre(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		for _, status := range []int{400, 404, 429, 500, 503} {
			for _, s := range w.sidecars {
				s.answers(func(writer http.ResponseWriter, _ *http.Request) {
					writer.Header().Set("Clawgate-State", "a lie")
					writer.Header().Set("X-Own", "kept")
					http.Error(writer, `{"error":"model 'm' not found"}`, status)
				})
			}
			got := w.post("/api/chat", chatBody)
			if got.status != status || got.body != "{\"error\":\"model 'm' not found\"}\n" || got.header.Get("Clawgate-State") != "" || got.header.Get("X-Own") != "kept" || got.took > 0 {
				t.Errorf("%+v", got)
			}
			if r := w.result(); r.Attempts != 1 || r.Refused != "" {
				t.Errorf("%d: %+v", status, r)
			}
		}
	})
}

func TestAnAnswerWithoutABodyIsPassedOn(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].answers(func(http.ResponseWriter, *http.Request) {})
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			if got := w.do(w.Context(), method, "/", nil); got.status != 200 || got.err != nil || got.body != "" {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestAClientThatReadsNothingIsLeft(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		left := make(chan time.Time, 1)
		w.sidecars[0].answers(func(writer http.ResponseWriter, request *http.Request) {
			for request.Context().Err() == nil {
				say(writer, strings.Repeat("x", 1000))
				time.Sleep(time.Millisecond)
			}
			left <- time.Now()
		})
		connection, err := w.door.dial(context.Background(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		start := time.Now()
		io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}")
		if took := (<-left).Sub(start); took > writeTimeout+time.Second {
			t.Errorf("after %v", took)
		}
		if r := w.result(); r.Cut != "client" {
			t.Errorf("%+v", r)
		}
	})
}

func TestAnAttemptThatIsRefusedForWantOfRoomGoesToTheOther(t *testing.T) {
	for _, reason := range []string{"queue_full", "upstream"} {
		t.Run(reason, func(t *testing.T) {
			inWorld(t, 2, nil, func(w *world) {
				defer w.busy(2)()
				refuses := func(writer http.ResponseWriter, _ *http.Request) {
					writer.Header().Set("Clawgate-State", "ready")
					writer.Header().Set("Clawgate-Reason", reason)
					writer.Header().Set("Retry-After", "7")
					http.Error(writer, "full", http.StatusServiceUnavailable)
				}
				w.sidecars[0].scripted(refuses)
				if got := w.post("/api/chat", chatBody); got.status != 200 || got.took > 0 {
					t.Errorf("%+v", got)
				}
				w.sidecars[1].scripted(refuses)
				got := w.post("/api/chat", chatBody)
				if got.status != 503 || got.body != "full\n" || got.header.Get("Retry-After") != "7" || w.sidecars[0].asked() != 2 || w.sidecars[1].asked() != 2 {
					t.Errorf("both: %+v, asked %d and %d times", got, w.sidecars[0].asked(), w.sidecars[1].asked())
				}
			})
		})
	}
}
