package parts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/clawdbot/clawgate/e2e/parts"
)

const (
	chunk = `{"message":{"content":"a"},"done":false}` + "\n"
	last  = `{"message":{"content":""},"done":true}` + "\n"
)

func TestAnswerIsSeenAsItArrived(t *testing.T) {
	tests := map[string]struct {
		status   int
		body     string
		abort    bool
		complete bool
		want     string // what tells the answers apart
	}{
		"whole":       {200, chunk + chunk + last, false, true, `chunks 3 content "aa" done true clean true error ""`},
		"cut":         {200, chunk, true, false, `chunks 1 content "a" done false clean false error ""`},
		"error line":  {200, chunk + `{"error":"gone"}` + "\n", true, false, `chunks 1 content "a" done false clean false error "gone"`},
		"silent end":  {200, chunk, false, false, `chunks 1 content "a" done false clean true error ""`},
		"refused":     {503, `{"error":"recovering"}`, false, false, `chunks 0 content "" done false clean true error "recovering"`},
		"not JSON":    {200, "<html>\n", false, false, `chunks 0 content "" done false clean true error ""`},
		"no body":     {200, "", false, false, `chunks 0 content "" done false clean true error ""`},
		"thoughts":    {200, `{"message":{"thinking":"b"}}` + "\n" + last, false, true, `chunks 2 content "b" done true clean true error ""`},
		"half a line": {200, chunk + `{"mess`, true, false, `chunks 1 content "a" done false clean false error ""`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answering(test.status, test.body, test.abort))
			defer server.Close()
			answer, err := parts.Chat{URL: server.URL, Model: "m"}.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("chunks %d content %q done %t clean %t error %q",
				answer.Chunks, answer.Content, answer.Done, answer.Clean, answer.ErrorLine)
			if got != test.want {
				t.Errorf("answer is %s, want %s", got, test.want)
			}
			if answer.Status != test.status || answer.Complete() != test.complete {
				t.Errorf("status %d, complete %t; want %d, %t", answer.Status, answer.Complete(), test.status, test.complete)
			}
			if string(answer.Body) != test.body {
				t.Errorf("body is %q, want %q", answer.Body, test.body)
			}
		})
	}
}

func TestQuestionCarriesWhatWasAsked(t *testing.T) {
	var got struct {
		Model   string
		Stream  bool
		Options map[string]float64
	}
	var waits string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waits = r.Header.Get("Prefer")
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, last)
	}))
	defer server.Close()

	chat := parts.Chat{URL: server.URL, Model: "m", Tokens: 9, Whole: true,
		Options: map[string]any{"num_ctx": 512}, Header: http.Header{"Prefer": {"wait=9"}}}
	if _, err := chat.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Model != "m" || got.Stream || got.Options["num_predict"] != 9 || got.Options["num_ctx"] != 512 || waits != "wait=9" {
		t.Errorf("the server was asked %+v with Prefer %q", got, waits)
	}
}

func TestFirstChunkIsReportedWhileTheRestIsMissing(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, chunk)
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, last)
	}))
	defer server.Close()

	answer, err := parts.Chat{URL: server.URL, OnChunk: func(chunks int) {
		if chunks == 1 {
			close(release)
		}
	}}.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !answer.Complete() || answer.FirstChunk <= 0 || answer.FirstChunk > answer.Total {
		t.Errorf("answer: %s", answer)
	}
}

func TestNoResponseIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if answer, err := (parts.Chat{URL: "http://127.0.0.1:1"}).Do(ctx); err == nil {
		t.Errorf("a request that was never sent gave %s", answer)
	}
}

func answering(status int, body string, abort bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		if abort {
			panic(http.ErrAbortHandler)
		}
	})
}
