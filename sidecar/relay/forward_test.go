package relay

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAnAnswerPassesChunkByChunk(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		next := make(chan struct{})
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			say(writer, "one")
			<-next
			say(writer, "two")
			io.WriteString(writer, doneLine)
		})
		answer, err := w.client.Post("http://relay/api/chat", "application/json", strings.NewReader(chatBody))
		if err != nil {
			w.Fatal(err)
		}
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		if !lines.Scan() || !strings.Contains(lines.Text(), "one") {
			w.Fatalf("first line %q before the second was made", lines.Text())
		}
		w.wantSigns(evidence.SignFirstChunk)
		close(next)
		lines.Scan()
		lines.Scan()
		if !strings.Contains(lines.Text(), `"done":true`) || lines.Scan() || lines.Err() != nil {
			w.Errorf("ended with %q, error %v", lines.Text(), lines.Err())
		}
		if synctest.Wait(); w.tokens != 7201 {
			w.Errorf("tokens %d, want 7 of the prompt and 20 at 10 a second", w.tokens)
		}
	})
}

func TestHeadersAreThoseOfTheOtherSide(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var seen http.Header
		w.ollama(func(writer http.ResponseWriter, request *http.Request) {
			seen = request.Header
			writer.Header().Set("Clawgate-State", "forged")
			writer.Header().Set("Keep-Alive", "timeout=5")
			writer.Header().Set("X-Ollama", "kept")
			chat("hi")(writer, request)
		})
		got := w.post("/api/chat", chatBody, "Prefer", "wait=5", "Clawgate-Key", "me", "X-Request-Id", "abc-1",
			"Connection", "X-Secret", "X-Secret", "1", "Authorization", "Bearer k", "X-Forwarded-For", "10.0.0.9")
		for _, name := range []string{"Prefer", "Clawgate-Key", "X-Secret", "Connection", "User-Agent-Go"} {
			if seen.Get(name) != "" {
				w.Errorf("%s reached Ollama as %q", name, seen.Get(name))
			}
		}
		if seen.Get("X-Request-Id") != "abc-1" || seen.Get("X-Forwarded-For") != "10.0.0.9, 127.0.0.1" || seen.Get("Authorization") != "Bearer k" {
			w.Errorf("Ollama got %v", seen)
		}
		if h := got.header; h.Get("Clawgate-State") != "" || h.Get("Keep-Alive") != "" || h.Get("X-Ollama") != "kept" || h.Get("X-Request-Id") != "abc-1" {
			w.Errorf("the client got %v", h)
		}
		if got := w.post("/api/chat", chatBody, "X-Request-Id", "bad id\x7f"); got.err == nil && got.header.Get("X-Request-Id") == "bad id\x7f" {
			w.Error("an ID that is not sane was taken over")
		}
	})
}

func TestWhatIsNotInferencePassesAClosedGate(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.close(Closure{Reason: "recovering"})
		w.ollama(func(writer http.ResponseWriter, request *http.Request) {
			io.WriteString(writer, request.URL.RequestURI())
		})
		for _, path := range []string{"/api/show", "/api/pull?x=1", "/api/create", "/api/blobs/sha256:0", "/other//path%2fx"} {
			if got := w.post(path, "{}"); got.status != 200 || got.body != path {
				w.Errorf("%s: %d %q %v", path, got.status, got.body, got.err)
			}
		}
		answer, err := w.client.Head("http://relay/")
		if err != nil || answer.StatusCode != 200 {
			w.Errorf("HEAD: %v %v", answer, err)
		}
		unload := `{"model":"qwen3:32b","keep_alive":0}`
		if got := w.post("/api/generate", unload); got.status != 200 {
			w.Errorf("unload: %d %q", got.status, got.body)
		}
		if last := w.served[len(w.served)-1]; last != unload {
			w.Errorf("Ollama got the unload as %q", last)
		}
	})
}

func TestWhatIsNotInferenceIsRefusedWhenOllamaIsAway(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		away := map[string]func(){
			"away": func() { w.away.Store(true) },
			"dead": func() {
				w.away.Store(false)
				w.ollama(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			},
		}
		for name, happens := range away {
			happens()
			for path, body := range map[string]string{"/api/show": "{}", "/v1/x": "", "/api/generate": `{"model":"qwen3:32b","keep_alive":0}`} {
				got := w.post(path, body)
				h := got.header
				if got.status != 503 || h.Get("Retry-After") != "60" || h.Get("Retry-After-Ms") != "59000" || h.Get("Clawgate-State") != "ready" || h.Get("Clawgate-Reason") != "upstream" {
					w.Errorf("%s, %s: %d %v", name, path, got.status, h)
				}
				if !strings.HasPrefix(got.body, `{"error":`) {
					w.Errorf("%s, %s: %q", name, path, got.body)
				}
			}
		}
		if n := w.counted(w.refused, "upstream"); n != 6 {
			w.Errorf("counted %d", n)
		}
	})
}

func TestAConnectionOutlastsARefusal(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.away.Store(true)
		for _, path := range []string{"/api/show", "/api/chat", "/v1/x"} {
			connection, err := w.door.dial(w.Context(), "tcp", "relay")
			if err != nil {
				w.Fatal(err)
			}
			reader := bufio.NewReader(connection)
			for range 2 {
				go io.WriteString(connection, "POST "+path+" HTTP/1.1\r\nHost: relay\r\nContent-Length: 2\r\n\r\n{}")
				answer, err := http.ReadResponse(reader, nil)
				if err != nil || answer.StatusCode != 503 || answer.Close {
					w.Fatalf("%s: %v %v", path, answer, err)
				}
				io.Copy(io.Discard, answer.Body)
				synctest.Wait()
			}
			connection.Close()
		}
	})
}

func TestAPathInDisguiseDoesNotPassAClosedGate(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.relay.SetGate(Gate{State: "isolated", Models: map[string]Closure{model: {Reason: "dead"}}})
		for _, path := range []string{"/api/chat", "//api/chat", "/api//chat", "/api/chat/", "/api%2fchat", "/API/Chat", "/api/./chat", "/v1/new"} {
			for _, name := range []string{"qwen3:32b", "QWEN3:32B", "library/qwen3:32b", "registry.ollama.ai/library/qwen3:32b"} {
				got := w.post(path, `{"MODEL":"other","model":"`+name+`"} trailing`)
				if got.status != 503 || got.header.Get("Clawgate-State") != "isolated" {
					w.Errorf("%s of %s: %d", path, name, got.status)
				}
			}
		}
		if w.reached() > 0 {
			w.Errorf("Ollama was reached: %q", w.served)
		}
		if got := w.post("/api/chat", `{"model":"other"}`); got.status != 200 {
			w.Errorf("another model: %d", got.status)
		}
		if got := w.post("/api/chat", `{"model":`); got.status != 200 {
			w.Errorf("a body that is not JSON is Ollama's to refuse, got %d", got.status)
		}
	})
}

func TestAClientThatGoesEndsTheUpstreamRequestAtOnce(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		ended := make(chan time.Time, 1)
		w.ollama(func(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done(); ended <- time.Now() })
		ctx, leave := context.WithTimeout(w.Context(), time.Second)
		defer leave()
		start := time.Now()
		if got := w.do(ctx, "/api/chat", strings.NewReader(chatBody)); got.err == nil {
			w.Fatalf("got %v", got)
		}
		if at := <-ended; at.Sub(start) > 1100*time.Millisecond {
			w.Errorf("ended after %v", at.Sub(start))
		}
		w.wantSigns(evidence.SignLoading)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.codes[499] != 1 || w.relay.Load().InFlight != 0 {
			w.Errorf("codes %v, load %+v", w.codes, w.relay.Load())
		}
	})
}

func TestTrailersAndEncodedAnswersPassUntouched(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			writer.Header().Set("Content-Encoding", "gzip")
			writer.Header().Set("Content-Type", "application/x-ndjson")
			writer.Header().Set("Trailer", "X-Sum")
			io.WriteString(writer, "\x1f\x8bnot looked into")
			writer.Header().Set("X-Sum", "42")
		})
		request, _ := http.NewRequest(http.MethodPost, "http://relay/api/chat", strings.NewReader(chatBody))
		request.Header.Set("Accept-Encoding", "gzip")
		answer, err := w.client.Do(request)
		if err != nil {
			w.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(body) != "\x1f\x8bnot looked into" || answer.Trailer.Get("X-Sum") != "42" {
			w.Errorf("%q, trailers %v, error %v", body, answer.Trailer, err)
		}
	})
}

func TestTheRelaysOwnPathsAreNeverForwarded(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		get := func(path string) (int, string) {
			answer, err := w.client.Get("http://relay" + path)
			if err != nil {
				w.Fatal(err)
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			return answer.StatusCode, string(body)
		}
		if status, body := get("/-/ready"); status != 200 || !strings.Contains(body, `"ready":true,"state":"ready"`) || !strings.Contains(body, `"slots":1`) {
			w.Errorf("open: %d %s", status, body)
		}
		w.close(Closure{Reason: "the runner is frozen"})
		if status, body := get("/-/ready"); status != 503 || !strings.Contains(body, "the runner is frozen") {
			w.Errorf("closed: %d %s", status, body)
		}
		for _, path := range []string{"/-/", "/-", "/-/nothing", "//-/x", "/api/../-/x"} {
			if status, body := get(path); status != 404 || !strings.HasPrefix(body, `{"error":`) {
				w.Errorf("%s: %d %s", path, status, body)
			}
		}
		if w.reached() != 0 {
			w.Error("Ollama was reached")
		}
	})
}

func TestLongWaitsAreToldOnce(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.ollama(func(writer http.ResponseWriter, request *http.Request) {
			time.Sleep(10 * time.Minute)
			chat("late")(writer, request)
		})
		if got := w.post("/api/chat", chatBody); got.status != 200 || got.err != nil {
			w.Errorf("%d %v", got.status, got.err)
		}
		w.wantSigns(evidence.SignLoading, evidence.SignWaitedLong, evidence.SignFirstChunk, evidence.SignAnswered)
	})
}
