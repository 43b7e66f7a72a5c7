package relay

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/clawdbot/clawgate/evidence"
)

// answers are what the relay told of complete answers so far.
func (w *world) answers() (answers []evidence.Answer) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sign := range w.signs {
		if sign.Kind == evidence.SignAnswered {
			answers = append(answers, sign.Answer)
		}
	}
	return answers
}

// says answers with a body as it is.
func says(contentType, body string) http.HandlerFunc {
	return func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", contentType)
		io.WriteString(writer, body)
	}
}

const (
	ndjson   = "application/x-ndjson"
	justJSON = "application/json; charset=utf-8"
	events   = "text/event-stream"
	nothing  = `{"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":7}` + "\n"
)

func TestACompleteAnswerIsToldOnce(t *testing.T) {
	few := strings.Replace(doneLine, `"eval_count":20`, `"eval_count":7`, 1)
	for name, c := range map[string]struct {
		path, body string
		answer     http.HandlerFunc
		want       []evidence.Answer // but for the prompt
	}{
		"a chat":                {"/api/chat", chatBody, chat("hi", " there"), []evidence.Answer{{Tokens: 20, PerSecond: 10}}},
		"of few tokens":         {"/api/chat", chatBody, says(ndjson, few), []evidence.Answer{{Tokens: 7}}},
		"in one piece":          {"/api/chat", chatBody, says(justJSON, strings.Replace(doneLine, `""`, `"hi"`, 1)), []evidence.Answer{{Tokens: 20, PerSecond: 10}}},
		"OpenAI's":              {"/v1/chat/completions", sseBody, says(events, "data: "+sseChunk+"\n\ndata: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":20}}\n\ndata: [DONE]\n\n"), []evidence.Answer{{Tokens: 20}}},
		"an embedding":          {"/api/embed", `{"model":"qwen3:32b","input":"x"}`, says(justJSON, `{"embeddings":[[0.1]],"prompt_eval_count":7}`), []evidence.Answer{{}}},
		"nothing":               {"/api/chat", chatBody, says(ndjson, nothing), []evidence.Answer{{Hollow: true}}},
		"one symbol":            {"/api/chat", chatBody, chat(strings.Repeat("@", 40)), []evidence.Answer{{Tokens: 20, PerSecond: 10, Hollow: true}}},
		"one that Ollama ended": {"/api/chat", chatBody, func(w http.ResponseWriter, _ *http.Request) { say(w, slices.Repeat([]string{"@"}, 31)...) }, []evidence.Answer{{Hollow: true}}},
		"nothing, as asked":     {"/api/generate", `{"model":"qwen3:32b","prompt":"x","raw":true}`, says(ndjson, nothing), []evidence.Answer{{}}},
		"a load":                {"/api/chat", `{"model":"qwen3:32b","messages":[]}`, says(justJSON, `{"message":{"content":""},"done":true,"done_reason":"load"}`), nil},
		"an error at its end":   {"/api/chat", chatBody, says(ndjson, `{"error":"no"}`+"\n"), nil},
		"an answer cut":         {"/api/chat", chatBody, func(w http.ResponseWriter, _ *http.Request) { say(w, "half") }, nil},
		"a mistake":             {"/api/chat", chatBody, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400); io.WriteString(w, nothing) }, nil},
		"one that nobody can read": {"/api/chat", chatBody, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "zstd")
			chat("hi")(w, r)
		}, nil},
	} {
		inWorld(t, nil, func(w *world) {
			w.ollama(c.answer)
			w.post(c.path, c.body)
			got := w.answers()
			for i := range got {
				if got[i].Prompt == 0 {
					w.Errorf("%s: no prompt", name)
				}
				got[i].Prompt = 0
			}
			if !slices.Equal(got, c.want) {
				w.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		})
	}
}

func TestPromptsAreToldApartAndNotKept(t *testing.T) {
	inWorld(t, func(c *Config) { c.ReplayMaxBytes = 1000 }, func(w *world) {
		w.post("/api/chat", chatBody)
		w.post("/api/chat", strings.Replace(chatBody, "hello", "hallo", 1))
		w.post("/api/chat", chatBody)
		w.post("/api/chat", strings.Replace(chatBody, "hello", strings.Repeat("long", 500), 1))
		got := w.answers()
		if len(got) != 4 {
			w.Fatalf("%+v", got)
		}
		if got[0].Prompt == got[1].Prompt || got[0].Prompt != got[2].Prompt || got[3].Prompt != 0 {
			w.Errorf("%+v, want the third as the first, and none of a body that was not held", got)
		}
	})
}
