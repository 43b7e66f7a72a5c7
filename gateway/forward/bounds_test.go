package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/sidecar/relay"
	"github.com/clawdbot/clawgate/wire"
)

func TestAConnectionThatTimesOutSpendsTheBudgetThoughLooksSucceed(t *testing.T) {
	for _, sidecars := range []int{1, 2} {
		dropped := proxy.NewTransport(func(ctx context.Context, network, _ string) (net.Conn, error) {
			select {
			case <-time.After(5 * time.Second):
			case <-ctx.Done():
			}
			return nil, &net.OpError{Op: "dial", Net: network, Err: context.DeadlineExceeded}
		})
		inWorld(t, sidecars, func(c *Config) { c.Transport = dropped }, func(w *world) {
			got := w.post("/api/chat", chatBody)
			if got.status != 503 || got.header.Get("Retry-After") == "" || got.took > 45*time.Second {
				t.Errorf("%d sidecars: %+v", sidecars, got)
			}
			if r := w.result(); r.Attempts > maxAttempts+1 {
				t.Errorf("%d sidecars: %d attempts", sidecars, r.Attempts)
			}
		})
	}
}

func TestNoWaitIsLongerThanTheSidecarsAllow(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].close(relay.Closure{Reason: "recovering", MayHold: true})
		if got := w.post("/api/chat", chatBody, "Prefer", "wait=600"); got.status != 503 || got.took > 125*time.Second || got.took < 119*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheRelaysOwnHoldIsSpentOnce(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		var waits []string
		w.sidecars[0].scripted(func(writer http.ResponseWriter, request *http.Request) {
			waits = append(waits, request.Header.Get("Prefer"))
			if request.Header.Get("Prefer") == "" {
				time.Sleep(time.Minute)
			}
			writer.Header().Set("Clawgate-State", "recovering")
			writer.Header().Set("Clawgate-Reason", "gate")
			writer.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(writer, "closed")
		})
		if got := w.post("/api/chat", chatBody); got.status != 503 || got.took > 70*time.Second || len(waits) == 0 || waits[0] != "" {
			t.Errorf("%+v, asked with %q", got, waits)
		}
	})
}

func TestWhoHasWaitedInAQueueDoesNotWaitInAnother(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		for _, s := range w.sidecars {
			s.scripted(func(writer http.ResponseWriter, _ *http.Request) {
				time.Sleep(time.Minute)
				refuseAs(writer, "queue_timeout")
			})
		}
		if got := w.post("/api/chat", chatBody); got.status != 503 || got.took != time.Minute {
			t.Errorf("%+v", got)
		}
	})
}

func refuseAs(writer http.ResponseWriter, reason string) {
	writer.Header().Set("Clawgate-State", "ready")
	writer.Header().Set("Clawgate-Reason", reason)
	writer.WriteHeader(http.StatusServiceUnavailable)
}

func TestWhatARelayHasSentTwiceGoesToNoOther(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		defer w.busy(2)()
		w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
			writer.Header().Set("Clawgate-Replayed", "1")
			refuseAs(writer, "upstream")
		})
		if got := w.post("/api/chat", chatBody); got.status != 503 || w.sidecars[1].asked() != 0 {
			t.Errorf("%+v, asked %d times", got, w.sidecars[1].asked())
		}
	})
}

func TestTheNextRelayIsToldThatAnOllamaHasSeenTheRequest(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		defer w.busy(2)()
		w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) { refuseAs(writer, "upstream") })
		if got := w.post("/api/chat", chatBody); got.status != 200 {
			t.Errorf("%+v", got)
		}
		first, second := w.sidecars[0].reached[0], w.sidecars[1].reached[0]
		if first.Header.Get("Clawgate-Replayed") != "" || second.Header.Get("Clawgate-Replayed") != "1" {
			t.Errorf("told %q and %q", first.Header, second.Header)
		}
	})
}

func TestAStreamThatMovesIsNotCutBecauseLooksFail(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
			for range 120 {
				say(writer, "x")
				time.Sleep(time.Second)
			}
			io.WriteString(writer, doneLine)
		})
		answered := w.later("/api/chat", chatBody)
		w.sidecars[0].mute.Store(true)
		if got := <-answered; got.err != nil || !strings.HasSuffix(got.body, doneLine) {
			t.Errorf("after %v: %v", got.took, got.err)
		}
	})
}

func TestACutAfterALongSilenceIsTold(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
			say(writer, "x")
			time.Sleep(writeTimeout + 10*time.Second)
			panic(http.ErrAbortHandler)
		})
		if got := w.post("/api/chat", chatBody); got.err == nil || !strings.Contains(got.body, "the answer was cut") {
			t.Errorf("%+v", got)
		}
	})
}

func TestASidecarThatHadNoRoomIsAskedAgainWhenTheOtherIsGone(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		free := w.busy(2)
		defer free()
		full := true
		w.sidecars[0].scripted(func(writer http.ResponseWriter, request *http.Request) {
			if full {
				full = false
				refuseAs(writer, "queue_full")
				return
			}
			w.sidecars[0].ServeHTTP(writer, request)
		})
		w.sidecars[1].scripted(func(http.ResponseWriter, *http.Request) {
			go w.sidecars[1].door.die()
			panic(http.ErrAbortHandler)
		})
		if got := w.post("/api/chat", chatBody); got.status != 200 || got.took > time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatARelayHasSentOnceIsSentOnceMore(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		free := w.busy(2)
		defer free()
		w.sidecars[0].answers(func(http.ResponseWriter, *http.Request) {
			w.sidecars[0].SetGate(relay.Gate{State: "exhausted", All: &relay.Closure{Reason: "spent"}})
			panic(http.ErrAbortHandler)
		})
		got := w.post("/api/chat", chatBody)
		if got.status != 200 || w.sidecars[1].asked() != 1 || w.sidecars[1].reached[0].Header.Get("Clawgate-Replayed") != "1" {
			t.Errorf("%+v, asked %d times", got, w.sidecars[1].asked())
		}
		for name := range got.header {
			if strings.HasPrefix(name, wire.HeaderPrefix) {
				t.Errorf("the client is told %s", name)
			}
		}
	})
}

func TestNobodyIsWaitedForWhoReadsNothing(t *testing.T) {
	for name, gone := range map[string]bool{"an answer": false, "a refusal": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, nil, func(w *world) {
				if gone {
					w.sidecars[0].door.die()
				}
				w.sidecars[0].answers(func(writer http.ResponseWriter, _ *http.Request) { io.WriteString(writer, "{}") }) // which fits the server's buffer
				connection, err := w.door.dial(w.Context(), "tcp", "")
				if err != nil {
					t.Fatal(err)
				}
				defer connection.Close()
				io.WriteString(connection, "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}")
				time.Sleep(5 * time.Minute)
				if n, err := connection.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
					t.Errorf("%d, %v: the connection is still held", n, err)
				}
			})
		})
	}
}
