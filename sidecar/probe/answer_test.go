package probe

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestWhatCountsAsAToken(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   evidence.Outcome
		words  string
	}{
		"content":                      {says(200, oneToken), evidence.Success, ""},
		"thinking alone":               {says(200, `{"message":{"content":"","thinking":"hm"}}`+"\n"), evidence.Success, ""},
		"content after empty chunks":   {says(200, strings.Repeat(`{"message":{"content":""}}`+"\n", 3)+oneToken), evidence.Success, ""},
		"a generated response":         {says(200, `{"response":"hi","done":false}`+"\n"), evidence.Success, ""},
		"text that Ollama held back":   {says(200, `{"message":{"content":""},"done":true,"done_reason":"length","eval_count":1}`+"\n"), evidence.Success, ""},
		"blank lines and noise before": {says(200, "\n\n: comment\n"+oneToken), evidence.Success, ""},
		"an end at once":               {says(200, `{"message":{"content":""},"done":true,"done_reason":"stop","eval_count":1}`+"\n"), evidence.Failure, "without any content"},
		"no token at all":              {says(200, `{"message":{"content":""},"done":true,"done_reason":"length"}`+"\n"), evidence.Failure, "without any content"},
		"a load's answer":              {says(200, `{"message":{"content":""},"done":true,"done_reason":"load"}`+"\n"), evidence.Failure, "without any content"},
		"nothing":                      {says(200, ""), evidence.Failure, "ended before any content"},
		"garbage":                      {says(200, "<html>\n<body>\n"), evidence.Failure, "ended before any content"},
		"half a chunk":                 {says(200, `{"message":{"role":"assistant","content":"h`), evidence.Failure, "ended before any content"},
		"half a chunk, cut off":        {cutAfter(`{"message":{"role":"assistant","content":"h`), evidence.Failure, "EOF"},
		"a line of 10 MB":              {says(200, `{"message":{"content":"`+strings.Repeat("x", 10<<20)), evidence.Failure, "line of more than 1024 KiB"},
		"empty chunks for ever":        {forEver(`{"message":{"content":""}}` + "\n"), evidence.Failure, "ended before any content"},
	} {
		inWorld(t, func(w *world) {
			w.ask = c.answer
			result := w.ready(w.Context(), spec())
			if result.Outcome != c.want || !strings.Contains(result.Reason, c.words) || (c.words == "") != (result.Reason == "") {
				t.Errorf("%s: %+v, want %s %q", name, result, c.want, c.words)
			}
			if !result.Answered || result.Crash || result.Server {
				t.Errorf("%s: %+v, want an answer without a crash", name, result)
			}
		})
	}
}

func TestWhatAnErrorSaysAboutTheModel(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   evidence.Outcome
		crash  bool
		words  string
	}{
		"our mistake":            {says(400, `{"error":"\"x\" does not support chat"}`), evidence.Unknown, false, `answered 400: the model does not support chat`},
		"it was not found":       {says(404, `{"error":"model not found"}`), evidence.Unknown, false, "answered 404"},
		"a redirect":             {says(302, ""), evidence.Unknown, false, "answered 302"},
		"a full queue":           {says(503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`), evidence.Unknown, false, "its queue is full"},
		"any 503":                {says(503, ""), evidence.Unknown, false, "answered 503"},
		"an error":               {says(500, `{"error":"something went wrong, second"}`), evidence.Failure, false, "POST /api/chat answered 500: an error of 28 bytes that Clawgate does not know"},
		"a dead runner":          {says(500, `{"error":"llama runner process has terminated: exit status 2"}`), evidence.Failure, true, "the runner's process has terminated: exit status 2"},
		"no memory":              {says(500, `{"error":"llama runner process has terminated: cudaMalloc failed: out of memory"}`), evidence.Failure, false, "out of memory"},
		"an error in the stream": {says(200, `{"error":"something went wrong, second"}`+"\n"), evidence.Failure, false, "answered with an error: an error of 28 bytes"},
		"a death in the stream":  {says(200, `{"error":"an error was encountered while running the model: unexpected EOF"}`+"\n"), evidence.Failure, true, "unexpected EOF"},
		"an endless error":       {says(500, strings.Repeat("x", 10<<20)), evidence.Failure, false, "answered 500: no error of Ollama's"},
		"an error in two lines":  {says(500, "first\nsecond"), evidence.Failure, false, "answered 500"},
	} {
		inWorld(t, func(w *world) {
			w.ask = c.answer
			result := w.ready(w.Context(), spec())
			if result.Outcome != c.want || result.Crash != c.crash || !result.Answered || result.Server {
				t.Errorf("%s: %+v", name, result)
			}
			if !strings.Contains(result.Reason, c.words) || strings.Contains(result.Reason, "second") || len(result.Reason) > 400 {
				t.Errorf("%s: says %q, want %q", name, result.Reason, c.words)
			}
		})
	}
}

func TestAPatternIsMatchedOverTheChunks(t *testing.T) {
	chunk := func(content string) string { return `{"message":{"content":"` + content + `"}}` + "\n" }
	last := `{"message":{"content":""},"done":true,"done_reason":"length","eval_count":32}` + "\n"
	for name, c := range map[string]struct {
		answer string
		want   evidence.Outcome
		words  string
	}{
		"in one chunk":      {chunk("pong"), evidence.Success, ""},
		"over several":      {chunk("p") + chunk("on") + chunk("g"), evidence.Success, ""},
		"after other words": {chunk("well, ") + chunk("pong"), evidence.Success, ""},
		"in the last one":   {chunk("po") + `{"message":{"content":"ng"},"done":true}` + "\n", evidence.Success, ""},
		"not":               {chunk("@@@@") + last, evidence.Failure, `4 bytes, does not match "pong"`},
		"not, cut short":    {chunk("@@@@"), evidence.Failure, `4 bytes, does not match`},
		"nothing to match":  {last, evidence.Failure, "without any content"},
	} {
		inWorld(t, func(w *world) {
			w.ask = says(200, c.answer)
			asked := spec()
			asked.Pattern = regexp.MustCompile("pong")
			if result := w.ready(w.Context(), asked); result.Outcome != c.want || !strings.Contains(result.Reason, c.words) {
				t.Errorf("%s: %+v", name, result)
			}
		})
	}
}

func TestAServerThatCannotBeReached(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialErr = errRefused
		if result := w.ready(w.Context(), spec()); result.Outcome != evidence.Failure || !result.Refused || result.Answered || !result.Server {
			t.Errorf("refused: %+v", result)
		}
	})
	inWorld(t, func(w *world) {
		w.dialErr = &net.DNSError{Err: "server misbehaving", Name: "ollama"}
		result := w.ready(w.Context(), spec())
		if result.Outcome != evidence.Unknown || !result.Unresolved || !strings.Contains(result.Reason, "server misbehaving") {
			t.Errorf("a name that does not resolve says nothing about the model: %+v", result)
		}
	})
}
