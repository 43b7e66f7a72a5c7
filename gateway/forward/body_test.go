package forward

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/proxy"
)

// raw writes bytes of a request as they are and gives what comes back.
func (w *world) raw(request string, more func(net.Conn)) (answer string) {
	w.Helper()
	connection, err := w.door.dial(w.Context(), "tcp", "")
	if err != nil {
		w.Fatal(err)
	}
	defer connection.Close()
	go func() {
		io.WriteString(connection, request)
		if more != nil {
			more(connection)
		}
	}()
	text, _ := io.ReadAll(connection)
	return string(text)
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	for name, body := range map[string]io.Reader{
		"with its length": strings.NewReader(strings.Repeat("x", 1<<20+1)),
		"chunked":         io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20+1))),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, nil, func(w *world) {
				got := w.do(w.Context(), http.MethodPost, "/api/chat", body)
				// A client that is still writing may see the connection closed instead.
				if got.err == nil && (got.status != 413 || !strings.Contains(got.body, "1MiB (CLAWGATE_GATEWAY_MAX_BODY_BYTES)")) {
					t.Errorf("%+v", got)
				}
				if r := w.result(); r.Status != 413 || r.Refused != "body_too_large" || w.sidecars[0].asked() != 0 || w.forwarder.Buffered() != 0 {
					t.Errorf("%+v, %d bytes held", r, w.forwarder.Buffered())
				}
			})
		})
	}
}

func TestTheLargestBodyThatIsAllowedArrivesWhole(t *testing.T) {
	for _, size := range []int{0, 1, 64 << 10, 1<<20 - 1, 1 << 20} {
		inWorld(t, 1, nil, func(w *world) {
			text := strings.Repeat("x", size)
			for _, body := range []io.Reader{strings.NewReader(text), io.MultiReader(strings.NewReader(text))} { // chunked, too
				if got := w.do(w.Context(), http.MethodPost, "/api/chat", body); got.status != 200 {
					t.Errorf("%d bytes: %.200v", size, got)
				}
			}
			for _, served := range w.sidecars[0].served {
				if len(served) != size {
					t.Errorf("%d bytes of %d arrived", len(served), size)
				}
			}
		})
	}
}

func TestBodiesTogetherAreBounded(t *testing.T) {
	inWorld(t, 1, func(c *Config) { c.BufferMaxBytes = 3 << 19 }, func(w *world) {
		release := make(chan struct{})
		w.sidecars[0].answers(func(writer http.ResponseWriter, r *http.Request) { <-release; chat("hi")(writer, r) })
		large := `{"model":"m","prompt":"` + strings.Repeat("x", 700<<10) + `"}`
		first := w.later("/api/chat", large)
		if second := w.post("/api/chat", large); second.err == nil && (second.status != 503 || second.header.Get("Retry-After") == "") {
			t.Errorf("%.200v", second)
		}
		if r := w.result(); r.Refused != "memory" {
			t.Errorf("%+v", r)
		}
		close(release)
		if got := <-first; got.status != 200 || w.forwarder.Buffered() != 0 {
			t.Errorf("%.200v, %d bytes held", got, w.forwarder.Buffered())
		}
	})
}

func TestABodyWithoutALengthThatIsTooLargeIsNotAskedToTryAgain(t *testing.T) {
	// As much room as the gateway has for the largest body.
	inWorld(t, 1, func(c *Config) { c.BufferMaxBytes = 2 * c.MaxBodyBytes }, func(w *world) {
		for size, want := range map[int]int{1 << 20: 200, 1<<20 + 1: 413, 3 << 20: 413} {
			body := chatBody + strings.Repeat(" ", size-len(chatBody))
			for _, sent := range []io.Reader{strings.NewReader(body), struct{ io.Reader }{strings.NewReader(body)}} {
				got := w.do(w.Context(), http.MethodPost, "/api/chat", sent)
				if got.status != want || got.err != nil || got.header.Get("Retry-After") != "" {
					t.Errorf("%d bytes: %d %v %s", size, got.status, got.err, got.body)
				}
			}
		}
	})
}

func TestABodyThatIsTooLargeIsNotHeldWhileItsRestIsRead(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		held := make(chan int64, 1)
		answer := w.raw("POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n"+strings.Repeat(" ", 1<<20+1), func(net.Conn) {
			time.Sleep(time.Second) // and more may come
			held <- w.forwarder.Buffered()
		})
		if n := <-held; !strings.HasPrefix(answer, "HTTP/1.1 413") || n != 0 {
			t.Errorf("%d bytes held: %.200s", n, answer)
		}
	})
}

func TestTheLeastUploadRateIsSaidAndCanBeSet(t *testing.T) {
	for rate, want := range map[int64]string{proxy.LeastRate: "408 16KiB a second (CLAWGATE_GATEWAY_MIN_UPLOAD_RATE)", 1 << 10: "200", 0: "200"} {
		inWorld(t, 1, func(c *Config) { c.UploadRate = rate }, func(w *world) {
			reader, writer := io.Pipe()
			go func() { // 2 KiB a second
				_, err := io.WriteString(writer, chatBody)
				for i := 0; err == nil && i < 256; i++ {
					time.Sleep(time.Second)
					_, err = io.WriteString(writer, strings.Repeat(" ", 2<<10))
				}
				writer.Close()
			}()
			got := w.do(w.Context(), http.MethodPost, "/api/chat", reader)
			status, words, _ := strings.Cut(want, " ")
			if strconv.Itoa(got.status) != status || !strings.Contains(got.body, words) || got.status == 408 && got.took > 2*time.Minute {
				t.Errorf("at least %d: %d %s after %v", rate, got.status, got.body, got.took)
			}
			reader.Close()
		})
	}
}

func TestABodyThatEndsEarlyNeverReachesASidecar(t *testing.T) {
	for name, request := range map[string]string{
		"shorter than its length": "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + chatBody,
		"a chunk is missing":      "POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"model\":\"m\"",
		"a chunk that is none":    "POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, nil, func(w *world) {
				answer := w.raw(request, func(c net.Conn) { time.Sleep(time.Second); c.Close() })
				if answer != "" && !strings.HasPrefix(answer, "HTTP/1.1 4") {
					t.Error(answer)
				}
				if r := w.result(); r.Status < 400 || r.Status > 499 || w.sidecars[0].asked() != 0 {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

func TestABodyThatDoesNotComeIsNotWaitedForLong(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		start := time.Now()
		answer := w.raw("POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", nil)
		if took := time.Since(start); !strings.HasPrefix(answer, "HTTP/1.1 408 ") || took > 61*time.Second || strings.Contains(answer, "pipe") {
			t.Errorf("after %v: %s", took, answer)
		}
	})
}

func TestClientsThatTrickleTheirBodiesKeepNobodyOut(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		for range 4 { // which take the whole budget
			connection, err := w.door.dial(w.Context(), "tcp", "")
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			go io.Copy(io.Discard, connection)
			go func() {
				_, err := io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"+strings.Repeat("x", 1<<17+1))
				for ; err == nil; _, err = io.WriteString(connection, "x") {
					time.Sleep(59 * time.Second)
				}
			}()
		}
		time.Sleep(3 * time.Minute)
		if got := w.post("/api/chat", chatBody); got.status != 200 || w.forwarder.Buffered() != 0 {
			t.Errorf("%+v, %d bytes held", got, w.forwarder.Buffered())
		}
	})
}

func TestABlobIsPassedOnAsItComesAndWithoutALimit(t *testing.T) {
	inWorld(t, 1, func(c *Config) { c.MaxBodyBytes = 10 }, func(w *world) {
		arrived := make(chan string, 1)
		w.sidecars[0].scripted(func(writer http.ResponseWriter, request *http.Request) {
			first := make([]byte, 5)
			_, _ = io.ReadFull(request.Body, first)
			arrived <- string(first)
			n, err := io.Copy(io.Discard, request.Body)
			if n != 3<<20 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			writer.WriteHeader(http.StatusCreated)
		})
		reader, writer := io.Pipe()
		done := make(chan reply, 1)
		go func() { done <- w.do(w.Context(), http.MethodPost, "/api/blobs/sha256:0", reader) }()
		io.WriteString(writer, "12345")
		if got := <-arrived; got != "12345" {
			t.Errorf("%q", got)
		}
		io.WriteString(writer, strings.Repeat("x", 3<<20))
		writer.Close()
		if got := <-done; got.status != 201 || w.forwarder.Buffered() != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestABlobThatIsCutIsNotTakenForWhole(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		whole := make(chan bool, 1)
		w.sidecars[0].scripted(func(_ http.ResponseWriter, request *http.Request) {
			_, err := io.Copy(io.Discard, request.Body)
			whole <- err == nil
		})
		w.raw("POST /api/blobs/sha256:0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", func(c net.Conn) {
			time.Sleep(time.Second)
			c.Close()
		})
		if <-whole {
			t.Error("the sidecar saw a proper end")
		}
		if r := w.result(); r.Status < 400 {
			t.Errorf("%+v", r)
		}
	})
}

func TestABlobThatIsRefusedEarlyGivesItsClientTheReason(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(writer).EnableFullDuplex() // as the relay does
			http.Error(writer, "no such digest", http.StatusBadRequest)
		})
		reader, writer := io.Pipe()
		defer writer.Close()
		go io.WriteString(writer, "12345")
		if got := w.do(w.Context(), http.MethodPost, "/api/blobs/sha256:0", reader); got.status != 400 || !strings.Contains(got.body, "no such digest") {
			t.Errorf("%+v", got)
		}
	})
}

func TestABlobInBrokenChunksIsItsClientsFault(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].scripted(func(_ http.ResponseWriter, request *http.Request) { io.Copy(io.Discard, request.Body) })
		answer := w.raw("POST /api/blobs/sha256:0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", nil)
		if r := w.result(); !strings.HasPrefix(answer, "HTTP/1.1 400") || r.Refused != "bad_body" {
			t.Errorf("%+v: %s", r, answer)
		}
		if got := w.forwarder.config.Pool.Report(); !got[0].Up {
			t.Errorf("the sidecar was put aside: %+v", got)
		}
	})
}

func TestNoDeadlineOfARequestStrikesLater(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].scripted(func(writer http.ResponseWriter, request *http.Request) {
			io.Copy(io.Discard, request.Body)
			time.Sleep(5 * time.Minute)
			chat("hi")(writer, request)
		})
		connection, err := w.door.dial(w.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		reader := bufio.NewReader(connection)
		exchange := func(request string, want int) {
			t.Helper()
			go io.WriteString(connection, request)
			answer, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != want {
				t.Errorf("%d %s %v", answer.StatusCode, text, err)
			}
			time.Sleep(5 * time.Minute) // over every deadline that a request sets
			synctest.Wait()
		}
		for range 2 {
			exchange("POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}", 200)
		}
		exchange("POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", 413)
	})
}
