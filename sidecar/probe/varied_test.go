package probe

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAVariedAnswerHasTwoSymbols(t *testing.T) {
	chunk := func(content string) string { return `{"message":{"content":"` + content + `"}}` + "\n" }
	last := `{"message":{"content":""},"done":true,"done_reason":"length","eval_count":16}` + "\n"
	stop := `{"message":{"content":""},"done":true,"done_reason":"stop","eval_count":2}` + "\n"
	const overAndOver, nothing = "the model says one symbol over and over", "the model says nothing"
	for name, c := range map[string]struct {
		path, answer string
		want         evidence.Outcome
		reason       string
	}{
		"a word":                    {"", chunk("hi") + last, evidence.Success, ""},
		"over two chunks":           {"", chunk("@") + chunk("!") + last, evidence.Success, ""},
		"in the last":               {"", strings.Repeat(chunk("@"), 15) + `{"message":{"content":"!"},"done":true}` + "\n", evidence.Success, ""},
		"thinking":                  {"", `{"message":{"content":"","thinking":"hm"}}` + "\n" + last, evidence.Success, ""},
		"generated":                 {"/api/generate", `{"response":"hi","done":false}` + "\n", evidence.Success, ""},
		"generated thinking":        {"/api/generate", `{"response":"","thinking":"hm"}` + "\n" + last, evidence.Success, ""},
		"OpenAI's":                  {"/v1/chat/completions", `data: {"choices":[{"delta":{"content":"hi"}}]}` + "\n\ndata: [DONE]\n\n", evidence.Success, ""},
		"an embedding":              {"/api/embed", `{"embeddings":[[0.1]]}`, evidence.Success, ""},
		"one symbol":                {"", strings.Repeat(chunk("@"), 16) + last, evidence.Failure, overAndOver},
		"one symbol and spaces":     {"", strings.Repeat(chunk(" 嗯"), 16) + last, evidence.Failure, overAndOver},
		"one symbol, cut":           {"", strings.Repeat(chunk("GGGG"), 4), evidence.Failure, overAndOver},
		"nothing":                   {"", stop, evidence.Failure, nothing},
		"white space":               {"", strings.Repeat(chunk("\\n"), 16) + last, evidence.Failure, nothing},
		"words that were held back": {"", last, evidence.Unknown, "Ollama kept the model's words to itself"},
		"a short word":              {"", chunk("I") + stop, evidence.Unknown, `the model's answer of 1 bytes is too short to tell`},
	} {
		inWorld(t, func(w *world) {
			w.ask = says(200, c.answer)
			asked := spec()
			asked.Varied = true
			if c.path != "" {
				asked.Path = c.path
			}
			result := w.ready(w.Context(), asked)
			if result.Outcome != c.want || result.Reason != c.reason || result.Hollow != (c.want == evidence.Failure) {
				t.Errorf("%s: %+v", name, result)
			}
		})
	}
}

func TestAVariedAnswerMustStillMatchThePattern(t *testing.T) {
	for content, want := range map[string]evidence.Outcome{"pong": evidence.Success, "ping": evidence.Failure} {
		inWorld(t, func(w *world) {
			w.ask = says(200, `{"message":{"content":"`+content+`"}}`+"\n"+`{"message":{"content":""},"done":true}`+"\n")
			asked := spec()
			asked.Varied, asked.Pattern = true, regexp.MustCompile("pong")
			if result := w.ready(w.Context(), asked); result.Outcome != want || result.Hollow {
				t.Errorf("%s: %+v", content, result)
			}
		})
	}
}

func TestWhatIsNoAnswerIsNotHollow(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an error": says(500, `{"error":"something went wrong"}`), "nothing at all": says(200, ""), "garbage": says(200, "<html>\n"),
	} {
		inWorld(t, func(w *world) {
			w.ask = answer
			asked := spec()
			asked.Varied = true
			if result := w.ready(w.Context(), asked); result.Outcome != evidence.Failure || result.Hollow {
				t.Errorf("%s: %+v", name, result)
			}
		})
	}
}
