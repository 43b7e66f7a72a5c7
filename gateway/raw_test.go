package gateway

import (
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const pull = `{"model":"m"}`

func TestNoWayOfWritingAPathGetsAroundThePolicy(t *testing.T) {
	for _, target := range []string{
		"/api/pull", "//api/pull", "/api//pull", "/api/./pull", "/api/x/../pull", "/../api/pull", "/api%2Fpull", "/api%2fpull", "/%61pi/pull", "/API/pull", "/Api/Pull",
		"/api/pull/", "/api/pull?x=/api/chat", "/api/pull%3Fx", "/api/pull;x=1", "/api/pull%00", "/api/pull%20", "/api/pull%0d%0aX:1", "/api\\pull", "/api%5cpull",
		"/api/chat/../pull", "/api/chat%2f..%2fpull", "/api/chat/..%2fpull", "/v1/../api/pull", "/api/\xc0\xafpull", "/api/%c0%afpull", "/api/%ff",
		"http://x/api/pull", "http://x//api/pull", "http://x@y/api/pull", "*", "x/api/pull", "/api/chat#/api/pull", "/api/%2570ull",
	} {
		t.Run(target, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				answer := w.raw("POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + pull)
				if !strings.HasPrefix(answer, "HTTP/1.1 4") {
					t.Error(answer)
				}
				if paths := w.paths(); len(paths) != 0 {
					t.Errorf("reached %v", paths)
				}
			})
		})
	}
}

func TestWhatWasDecidedAboutIsWhatIsSent(t *testing.T) {
	for _, target := range []string{"//api/chat", "/api/./chat", "/api%2Fchat", "/%61pi/chat", "/api/pull/../chat", "/api/chat/", "http://x/api/chat", "/-/../api/chat"} {
		t.Run(target, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				if answer := w.raw("POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + pull); !strings.HasPrefix(answer, "HTTP/1.1 200") {
					t.Fatal(answer)
				}
				if sent, _ := w.last(); sent.RequestURI != "/api/chat" {
					t.Errorf("sent as %s", sent.RequestURI)
				}
			})
		})
	}
}

func TestTheMethodIsTakenAsItIs(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		for _, method := range []string{"post", "PUT", "DELETE", "CONNECT", "TRACE", "PATCH"} {
			if answer := w.raw(method + " /api/chat HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: POST\r\nContent-Length: 13\r\n\r\n" + pull); !strings.HasPrefix(answer, "HTTP/1.1 4") {
				t.Errorf("%s: %s", method, answer)
			}
		}
		if paths := w.paths(); len(paths) != 0 {
			t.Errorf("reached %v", paths)
		}
	})
}

// smuggled is a request that hides in the body of another.
const smuggled = "POST /api/pull HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + pull

func TestNoRequestHidesInAnother(t *testing.T) {
	for name, head := range map[string]string{
		"a length and chunks":        "Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks and a length":        "Transfer-Encoding: chunked\r\nContent-Length: 200\r\n\r\n0\r\n\r\n",
		"two lengths":                "Content-Length: 0\r\nContent-Length: 100\r\n\r\n",
		"a list of lengths":          "Content-Length: 0, 100\r\n\r\n",
		"a signed length":            "Content-Length: +0\r\n\r\n",
		"an unknown encoding":        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"an encoding twice":          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a space before the colon":   "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"a folded header":            "X: y\r\n Content-Length: 0\r\n\r\n",
		"the end of a chunk missed":  "Transfer-Encoding: chunked\r\n\r\n1\r\nx0\r\n\r\n",
		"a bare line feed":           "Transfer-Encoding:\nchunked\r\n\r\n0\r\n\r\n",
		"an upgrade":                 "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
		"a length that it announces": "Content-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n",
		"a length that is dropped":   "Connection: Content-Length\r\nContent-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				answer := w.raw("POST /api/chat HTTP/1.1\r\nHost: x\r\n" + head + smuggled)
				if slices.ContainsFunc(w.paths(), func(path string) bool { return strings.Contains(path, "pull") }) {
					t.Errorf("reached %v: %s", w.paths(), answer)
				}
			})
		})
	}
}

func TestAChunkedBodyIsSentWithItsLength(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		answer := w.raw("POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\nd\r\n" + pull + "\r\n0\r\nX-Late: y\r\n\r\n")
		sent, body := w.last()
		if !strings.HasPrefix(answer, "HTTP/1.1 200") || sent.ContentLength != 13 || body != pull || len(sent.Trailer) != 0 || sent.Header.Get("Trailer") != "" {
			t.Errorf("%s: %d %v %s", answer, sent.ContentLength, sent.Header, body)
		}
	})
}

func TestAHeaderThatDoesNotEndIsNotWaitedForLong(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		connection, err := w.door.dial(w.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		start := time.Now()
		go drip(connection)
		text, _ := io.ReadAll(connection)
		if took := time.Since(start); took > 11*time.Second || len(w.requests()) != 0 {
			t.Errorf("%q after %v", text, took)
		}
		synctest.Wait()
	})
}

// drip sends a header byte by byte, a second each.
func drip(connection net.Conn) {
	io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nX: ")
	for {
		time.Sleep(time.Second)
		if _, err := io.WriteString(connection, "x"); err != nil {
			return
		}
	}
}

func TestAHeaderThatIsTooLongIsRefused(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		answer := w.raw("POST /api/chat HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 80<<10) + "\r\nContent-Length: 13\r\n\r\n" + pull)
		if answer != "" && !strings.HasPrefix(answer, "HTTP/1.1 431") || len(w.paths()) != 0 {
			t.Errorf("%.100s, reached %v", answer, w.paths())
		}
	})
}

func TestABodyThatIsNotWantedIsNotWaitedForLong(t *testing.T) {
	for name, request := range map[string]string{
		"without a key":     "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
		"unknown path":      "POST /api/nothing HTTP/1.1\r\nHost: x\r\nAuthorization: " + alice + "\r\nContent-Length: 100\r\n\r\n",
		"chunked":           "POST /api/nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"the page":          "GET /ui/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
		"a blob, too early": "POST /api/blobs/sha256:0 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, []string{keys}, func(w *world) {
				connection, err := w.door.dial(w.Context(), "tcp", "")
				if err != nil {
					t.Fatal(err)
				}
				defer connection.Close()
				start := time.Now()
				go io.WriteString(connection, request)
				_, _ = io.ReadAll(connection)
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("closed after %v", took)
				}
			})
		})
	}
}

func TestNobodyIsWaitedForWhoReadsNothing(t *testing.T) {
	for name, request := range map[string]string{
		"an answer":           "POST /api/chat HTTP/1.1\r\nHost: x\r\nAuthorization: " + alice + "\r\nContent-Length: 13\r\n\r\n" + pull,
		"without a key":       "GET /api/tags HTTP/1.1\r\nHost: x\r\n\r\n",
		"the page":            "GET /ui/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"for a load balancer": "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, []string{keys}, func(w *world) {
				connection, err := w.door.dial(w.Context(), "tcp", "")
				if err != nil {
					t.Fatal(err)
				}
				defer connection.Close()
				io.WriteString(connection, request)
				time.Sleep(5 * time.Minute)
				if n, err := connection.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
					t.Errorf("%d, %v: the connection is still held", n, err)
				}
			})
		})
	}
}
