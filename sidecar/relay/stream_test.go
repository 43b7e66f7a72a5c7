package relay

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// saySSE writes events of /v1 as Ollama does.
func saySSE(writer http.ResponseWriter, events ...string) {
	writer.Header().Set("Content-Type", "text/event-stream")
	for _, event := range events {
		fmt.Fprintf(writer, "data: %s\n\n", event)
		writer.(http.Flusher).Flush()
	}
}

const sseChunk = `{"choices":[{"index":0,"delta":{"role":"assistant","content":"hi"}}]}`

func TestACutAnswerNeverLooksComplete(t *testing.T) {
	aborted := func(write func(http.ResponseWriter)) http.HandlerFunc {
		return func(writer http.ResponseWriter, _ *http.Request) {
			write(writer)
			writer.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	died := []evidence.SignKind{evidence.SignFirstChunk, evidence.SignRunnerDied}
	for name, c := range map[string]struct {
		path, body string
		answer     http.HandlerFunc
		ending     string
		reason     string
		signs      []evidence.SignKind
	}{
		"NDJSON, by the upstream": {"/api/chat", chatBody, aborted(func(w http.ResponseWriter) { say(w, "half") }),
			"\n" + `{"error":"the answer was cut: Ollama closed the connection"}` + "\n", "upstream", died},
		"NDJSON, inside a line": {"/api/chat", chatBody, aborted(func(w http.ResponseWriter) { say(w, "half"); io.WriteString(w, `{"mess`) }),
			`{"mess` + "\n\n" + `{"error":"the answer was cut: Ollama closed the connection"}` + "\n", "upstream", died},
		"SSE, by the upstream": {"/v1/chat/completions", sseBody, aborted(func(w http.ResponseWriter) { saySSE(w, sseChunk) }),
			"\n\n" + `data: {"error":{"code":"api_error","message":"the answer was cut: Ollama closed the connection","param":null,"type":"api_error"}}` + "\n\n", "upstream", died},
		"NDJSON, cleanly without done": {"/api/chat", chatBody, func(w http.ResponseWriter, _ *http.Request) { say(w, "aaaa") },
			"\n" + `{"error":"upstream error: the answer ended without its final chunk and may not be complete"}` + "\n", "incomplete", died},
		"SSE, cleanly without [DONE]": {"/v1/chat/completions", sseBody, func(w http.ResponseWriter, _ *http.Request) { saySSE(w, sseChunk) },
			"and may not be complete\",\"param\":null,\"type\":\"api_error\"}}\n\n", "incomplete", died},
		"nothing at all": {"/api/chat", chatBody, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/x-ndjson") },
			`may not be complete"}` + "\n", "incomplete", died[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.ollama(c.answer)
				got := w.post(c.path, c.body)
				if got.err == nil || !strings.HasSuffix(got.body, c.ending) {
					w.Errorf("%q, error %v; want it to end in %q and abort", got.body, got.err, c.ending)
				}
				if w.counted(w.cuts, c.reason) != 1 {
					w.Errorf("cuts %v", w.cuts)
				}
				w.wantSigns(c.signs...)
			})
		})
	}
}

func TestOllamasOwnErrorLinePassesAndIsASign(t *testing.T) {
	const line = `{"error":"an error was encountered while running the model: unexpected EOF"}` + "\n"
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) { say(writer, "half"); io.WriteString(writer, line) })
		got := w.post("/api/chat", chatBody)
		if got.err != nil || !strings.HasSuffix(got.body, line) || strings.Count(got.body, "error\"") != 1 {
			w.Errorf("%q %v", got.body, got.err)
		}
		w.wantSigns(evidence.SignFirstChunk, evidence.SignRunnerDied)
	})
}

func TestErrorAnswersPassAsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		signs  []evidence.SignKind
	}{
		"unknown model": {404, `{"error":"model \"nope\" not found, try pulling it first"}`, nil},
		"bad request":   {400, `{"error":"unexpected EOF"}`, nil},
		"busy":          {503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`, []evidence.SignKind{evidence.SignOverloaded}},
		"out of memory": {500, `{"error":"llama runner process has terminated: cudaMalloc failed: out of memory"}`, []evidence.SignKind{evidence.SignOutOfMemory}},
		"long":          {500, strings.Repeat("x", 3*maxErrorBytes), nil},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
					writer.WriteHeader(c.status)
					io.WriteString(writer, c.body)
				})
				got := w.post("/api/chat", chatBody)
				if got.status != c.status || got.body != c.body || got.header.Get("Clawgate-State") != "" {
					w.Errorf("%d %.100q", got.status, got.body)
				}
				w.wantSigns(c.signs...)
			})
		})
	}
}

func TestSilenceBetweenChunksIsCutOnlyWhereNothingWorks(t *testing.T) {
	for _, working := range []bool{false, true} {
		t.Run(fmt.Sprintf("working %v", working), func(t *testing.T) {
			inWorld(t, func(c *Config) { c.Working = func() bool { return working } }, func(w *world) {
				w.ollama(func(writer http.ResponseWriter, r *http.Request) {
					say(writer, "one")
					select {
					case <-time.After(10 * time.Minute):
						chat("two")(writer, r)
					case <-r.Context().Done():
					}
				})
				start := time.Now()
				got := w.post("/api/chat", chatBody)
				if cut := w.counted(w.cuts, "stalled") == 1; cut == working || (got.err != nil) == working {
					w.Errorf("cut %v after %v, error %v", cut, time.Since(start), got.err)
				}
				if !working && time.Since(start) > 4*time.Minute {
					w.Errorf("cut after %v", time.Since(start))
				}
			})
		})
	}
}

func TestAnAnswerMayTakeAnyTime(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, r *http.Request) {
			for range 500 {
				say(writer, "x")
				time.Sleep(time.Minute)
			}
			chat()(writer, r)
		})
		if got := w.post("/api/chat", chatBody); got.err != nil || strings.Count(got.body, "\n") != 501 {
			w.Errorf("%d lines, error %v", strings.Count(got.body, "\n"), got.err)
		}
	})
}

func TestNonsenseFromUpstreamCostsNoMemory(t *testing.T) {
	const size = 10 << 20
	for name, line := range map[string]string{"a long line": `{"message":{"content":"` + strings.Repeat("x", size), "garbage": strings.Repeat("\x00\xff{[", size/4)} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
					writer.Header().Set("Content-Type", "application/x-ndjson")
					io.WriteString(writer, line)
				})
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				request, _ := http.NewRequest(http.MethodPost, "http://relay/api/chat", strings.NewReader(chatBody))
				answer, err := w.client.Do(request)
				if err != nil {
					w.Fatal(err)
				}
				n, err := io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				runtime.ReadMemStats(&after)
				if n < size || err == nil {
					w.Errorf("%d bytes, error %v", n, err)
				}
				if grown := after.TotalAlloc - before.TotalAlloc; grown > size/4 {
					w.Errorf("%d bytes allocated", grown)
				}
			})
		})
	}
}

func TestTheLoadedRunnersOptionsAreThoseOfTheLastRequest(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		if _, known := w.relay.RunnerOptions(model); known {
			w.Error("known before any request")
		}
		w.post("/api/chat", `{"model":"Qwen3:32B","messages":[{"content":"x"}],"options":{"num_ctx":8192,"seed":1}}`)
		if got, known := w.relay.RunnerOptions(model); !known || len(got) != 1 || string(got["num_ctx"]) != "8192" {
			w.Errorf("%s %v", got, known)
		}
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) { saySSE(writer, sseChunk, "[DONE]") })
		w.post("/v1/chat/completions", sseBody)
		if got, known := w.relay.RunnerOptions(model); !known || len(got) != 0 {
			w.Errorf("after /v1: %s %v", got, known)
		}
		w.post("/api/generate", `{"model":"qwen3:32b","keep_alive":"0s"}`)
		if _, known := w.relay.RunnerOptions(model); known {
			w.Error("known after an unload")
		}
		w.ollama(chat())
		w.post("/api/generate", `{"model":"qwen3:32b","options":{"num_gpu":40}}`)
		if got := fmt.Sprintf("%s", first(w.relay.RunnerOptions(model))); got != `map[num_gpu:40]` {
			w.Errorf("after a load: %s", got)
		}
	})
}

func first(options ollama.RunnerOptions, _ bool) ollama.RunnerOptions { return options }
