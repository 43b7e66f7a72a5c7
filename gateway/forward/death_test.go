package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/proxy"
)

// dies breaks the connection off, without an answer.
func dies(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestASidecarThatDiesBeforeAByteIsSeenByNobody(t *testing.T) {
	for name, death := range map[string]http.HandlerFunc{
		"without a header": dies,
		"after a header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, nil, func(w *world) {
				defer w.busy(2)()
				w.sidecars[0].scripted(death)
				if got := w.post("/api/chat", chatBody); got.status != 200 || got.err != nil || strings.Contains(got.body, "error") {
					t.Errorf("%+v", got)
				}
				if r := w.result(); r.Attempts != 2 || r.Sidecar != "10.0.0.2:80" {
					t.Errorf("%+v", r)
				}
				if got := w.sidecars[1].served; len(got) != 1 || got[0] != chatBody {
					t.Errorf("the other was sent %q", got)
				}
			})
		})
	}
}

func TestARequestKillsNoFourthSidecar(t *testing.T) {
	inWorld(t, 4, nil, func(w *world) {
		for _, s := range w.sidecars {
			s.scripted(dies)
		}
		got := w.post("/api/chat", chatBody)
		asked := w.sidecars[0].asked() + w.sidecars[1].asked() + w.sidecars[2].asked() + w.sidecars[3].asked()
		if got.status != 503 || asked != maxDeaths || got.header.Get("Retry-After") == "" {
			t.Errorf("%+v, sent %d times", got, asked)
		}
		if r := w.result(); r.Refused != "sidecar_died" {
			t.Errorf("%+v", r)
		}
	})
}

func TestTheOnlySidecarIsWaitedForAndAskedAgainOnce(t *testing.T) {
	inWorld(t, 1, nil, func(w *world) {
		release := make(chan struct{})
		w.sidecars[0].answers(func(writer http.ResponseWriter, r *http.Request) { <-release; chat("hi")(writer, r) })
		reply := w.later("/api/chat", chatBody)
		w.sidecars[0].door.die()
		time.Sleep(5 * time.Second)
		w.sidecars[0].door.away.Store(false)
		close(release)
		if got := <-reply; got.status != 200 || got.err != nil || got.took > 6*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestARequestThatMakesNoModelWorkIsNotSentTwice(t *testing.T) {
	for _, path := range []string{"/api/create", "/api/show", "/api/pull"} {
		inWorld(t, 2, nil, func(w *world) {
			for _, s := range w.sidecars {
				s.scripted(dies)
			}
			got := w.post(path, `{"model":"m"}`)
			if asked := w.sidecars[0].asked() + w.sidecars[1].asked(); got.status != 503 || asked != 1 {
				t.Errorf("%s: %+v, sent %d times", path, got, asked)
			}
		})
	}
}

func TestARequestThatNeverReachedASidecarGoesAnywhere(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		defer w.busy(2)()
		w.sidecars[0].door.die()
		if got := w.post("/api/create", `{"model":"m"}`); got.status != 200 || w.sidecars[1].asked() != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAnAnswerThatIsCutNeverLooksComplete(t *testing.T) {
	const line = "the answer was cut: the relay in front of Ollama went away"
	for name, c := range map[string]struct{ path, kind, said, want string }{
		"NDJSON":      {"/api/chat", "application/x-ndjson", "{\"message\":{}}\n", "{\"error\":\"" + line},
		"half a line": {"/api/chat", "application/x-ndjson", "{\"message\":", "\n{\"error\":\"" + line},
		"SSE":         {"/v1/chat/completions", "text/event-stream", "data: {}\n\n", "\n\ndata: {\"error\":{"},
		"Anthropic":   {"/v1/messages", "text/event-stream", "event: x\ndata: {}\n\n", "\n\nevent: error\ndata: {"},
		"JSON":        {"/api/chat", "application/json", "{\"message\":", ""},
		"compressed":  {"/api/chat", "application/x-ndjson", "\x1f\x8b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, nil, func(w *world) {
				w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
					writer.Header().Set("Content-Type", c.kind)
					if name == "compressed" {
						writer.Header().Set("Content-Encoding", "gzip")
					}
					io.WriteString(writer, c.said)
					writer.(http.Flusher).Flush()
					time.Sleep(time.Second)
					panic(http.ErrAbortHandler)
				})
				got := w.post(c.path, chatBody, "Accept-Encoding", "gzip")
				added := strings.TrimPrefix(got.body, c.said)
				if got.err == nil || got.status != 200 || !strings.HasPrefix(got.body, c.said) || !strings.Contains(added, c.want) || c.want == "" && added != "" {
					t.Errorf("%+v", got)
				}
				if r := w.result(); r.Cut != "sidecar" || r.Attempts != 1 || r.Bytes != int64(len(got.body)) {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

func TestAnAnswerOfAnAnnouncedLengthThatIsCutStaysShort(t *testing.T) {
	for _, sent := range []int{1, 9000} {
		inWorld(t, 1, nil, func(w *world) {
			w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
				writer.Header().Set("Content-Length", "10000")
				io.WriteString(writer, strings.Repeat("x", sent))
				writer.(http.Flusher).Flush()
				time.Sleep(time.Second)
				panic(http.ErrAbortHandler)
			})
			if got := w.post("/api/chat", chatBody); got.err == nil || strings.Contains(got.body, "cut") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestTheRelaysOwnErrorLineIsTheOnlyOne(t *testing.T) {
	for path, kind := range map[string]string{"/api/chat": "application/x-ndjson", "/v1/chat/completions": "text/event-stream", "/v1/messages": "text/event-stream"} {
		for _, size := range []int{1, 3000, 4000, 4080, 5000, 40000} {
			t.Run(fmt.Sprint(path, size), func(t *testing.T) {
				inWorld(t, 1, nil, func(w *world) {
					w.sidecars[0].answers(func(writer http.ResponseWriter, _ *http.Request) {
						writer.Header().Set("Content-Type", kind)
						fmt.Fprintf(writer, "data: {%q:1}\n\n", strings.Repeat("x", size))
						writer.(http.Flusher).Flush()
						panic(http.ErrAbortHandler)
					})
					got := w.post(path, strings.Replace(chatBody, "{", `{"stream":true,`, 1))
					if n := strings.Count(got.body, "the answer was cut"); got.err == nil || n != 1 {
						t.Errorf("%d error lines, %v", n, got.err)
					}
				})
			})
		}
	}
}

func TestAnErrorLineInTwoPiecesIsStillOne(t *testing.T) {
	const line = "{\"error\":\"the answer was cut: Ollama closed the connection\"}\n"
	for _, size := range []int{proxy.SmallPiece - 2, proxy.SmallPiece - 10, proxy.SmallPiece - len(line), proxy.SmallPiece + 1} {
		inWorld(t, 1, nil, func(w *world) {
			w.sidecars[0].scripted(func(writer http.ResponseWriter, _ *http.Request) {
				writer.Header().Set("Content-Type", "application/x-ndjson")
				io.WriteString(writer, strings.Repeat("x", size-1)+"\n"+line)
				writer.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			})
			got := w.post("/api/chat", chatBody)
			if n := strings.Count(got.body, "the answer was cut"); got.err == nil || n != 1 {
				t.Errorf("%d: %d error lines, %v", size, n, got.err)
			}
		})
	}
}

func TestASidecarThatHangsIsLeftAndAnAnswerThatHangsIsCut(t *testing.T) {
	inWorld(t, 2, nil, func(w *world) {
		defer w.busy(2)()
		hang := make(chan struct{})
		defer close(hang)
		w.sidecars[0].scripted(func(writer http.ResponseWriter, request *http.Request) {
			if body, _ := io.ReadAll(request.Body); strings.Contains(string(body), "stream") {
				say(writer, "one")
			}
			<-hang
		})
		answered := w.later("/api/chat", `{"model":"m","stream":true}`)
		w.busy(2)
		unanswered := w.later("/api/chat", chatBody)
		w.sidecars[0].mute.Store(true)
		if got := <-unanswered; got.status != 200 || got.err != nil || got.took < 10*time.Second || got.took > 16*time.Second {
			t.Errorf("unanswered: %+v", got)
		}
		if got := <-answered; got.err == nil || !strings.Contains(got.body, "does not answer") || got.took < 30*time.Second || got.took > 36*time.Second {
			t.Errorf("answered: %+v", got)
		}
	})
}

func TestAClientThatLeavesEndsTheRequestAtTheSidecar(t *testing.T) {
	for name, early := range map[string]bool{"before an answer": true, "in the midst of it": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, nil, func(w *world) {
				ended := make(chan time.Time, 1)
				w.sidecars[0].answers(func(writer http.ResponseWriter, request *http.Request) {
					if !early {
						say(writer, "one")
					}
					<-request.Context().Done()
					ended <- time.Now()
				})
				ctx, cancel := context.WithCancel(w.Context())
				time.AfterFunc(3*time.Second, cancel)
				left := time.Now().Add(3 * time.Second)
				got := w.do(ctx, http.MethodPost, "/api/chat", strings.NewReader(chatBody))
				if at := <-ended; got.err == nil || at.Sub(left) > 100*time.Millisecond {
					t.Errorf("%+v, told %v after", got, at.Sub(left))
				}
				synctest.Wait()
				if r := w.result(); early && r.Status != statusClientGone || !early && r.Cut != "client" {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}
