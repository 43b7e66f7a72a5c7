package probe

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// What 0.9.6 and 0.32.14 answer.
const (
	vector      = `{"model":"qwen3:32b","embeddings":[[0.6,-0.8]],"prompt_eval_count":2}`
	cannotChat  = `{"error":"\"qwen3:32b\" does not support chat"}`
	cannotEmbed = "{\"error\":\"This server does not support embeddings. Start it with `--embeddings`\"}"
)

// abling answers each question on its own, and takes what the probe learned.
type abling struct {
	chat, embed http.HandlerFunc
	learned     []ollama.Abilities
}

func (a *abling) asked(can ollama.Abilities, w *world) ReadySpec {
	w.ask = func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/embed" {
			a.embed(rw, r)
		} else {
			a.chat(rw, r)
		}
	}
	asked := spec()
	asked.Path, asked.Abilities = "", can
	asked.Learned = func(can ollama.Abilities) { a.learned = append(a.learned, can) }
	return asked
}

func TestAModelIsAskedWhatItCan(t *testing.T) {
	both, speaks, embeds := ollama.Abilities{}, ollama.Abilities{CannotEmbed: true}, ollama.Abilities{CannotSpeak: true}
	chats, gives := says(200, oneToken), says(200, vector)
	noChat, noEmbed := says(400, cannotChat), says(501, cannotEmbed)
	const chat, embed = "/api/chat", "/api/embed"
	for name, c := range map[string]struct {
		can         ollama.Abilities
		chat, embed http.HandlerFunc
		calls       []string
		want        evidence.Outcome
		words       string
		learned     []ollama.Abilities
	}{
		"it speaks, as is not known":          {both, chats, noEmbed, []string{chat}, evidence.Success, "", nil},
		"it speaks, as is known":              {speaks, chats, noEmbed, []string{chat}, evidence.Success, "", nil},
		"it embeds, as is not known":          {both, noChat, gives, []string{chat, embed}, evidence.Success, "", []ollama.Abilities{embeds}},
		"it embeds, as is known":              {embeds, noChat, gives, []string{embed}, evidence.Success, "", nil},
		"it speaks now, and was thought not":  {embeds, chats, noEmbed, []string{embed}, evidence.Unknown, "answered 501: the model does not support embeddings", []ollama.Abilities{both}},
		"it refuses what it could":            {speaks, noChat, gives, []string{chat}, evidence.Unknown, "does not support chat", []ollama.Abilities{both}},
		"it refuses all":                      {both, noChat, noEmbed, []string{chat, embed}, evidence.Unknown, "does not support embeddings", []ollama.Abilities{both}},
		"it is known to be able to nothing":   {ollama.Abilities{CannotSpeak: true, CannotEmbed: true}, chats, gives, nil, evidence.Unknown, "neither chat nor embed", nil},
		"the file is gone":                    {both, noChat, says(404, `{"error":"model \"qwen3:32b\" not found, try pulling it first"}`), []string{chat, embed}, evidence.Unknown, "answered 404", nil},
		"the file is something else":          {both, noChat, says(500, `{"error":"invalid file magic"}`), []string{chat, embed}, evidence.Unknown, "ends too early or is something else", nil},
		"it fails to embed":                   {both, noChat, says(500, `{"error":"some error"}`), []string{chat, embed}, evidence.Failure, "POST /api/embed answered 500", nil},
		"it dies while it embeds":             {both, noChat, says(400, `{"error":"do embedding request: Post \"http://127.0.0.1:3/v1/embeddings\": EOF"}`), []string{chat, embed}, evidence.Failure, "the runner broke off while it embedded", nil},
		"it gives zeros":                      {both, noChat, says(200, `{"embeddings":[[0,0]]}`), []string{chat, embed}, evidence.Unknown, "zeros", nil},
		"an error in chat asks nothing else":  {both, says(500, `{"error":"some error"}`), gives, []string{chat}, evidence.Failure, "answered 500", nil},
		"a mistake of ours asks nothing else": {both, says(400, `{"error":"invalid options"}`), gives, []string{chat}, evidence.Unknown, "answered 400", nil},
	} {
		inWorld(t, func(w *world) {
			a := &abling{chat: c.chat, embed: c.embed}
			result := w.ready(w.Context(), a.asked(c.can, w))
			if result.Outcome != c.want || !strings.Contains(result.Reason, c.words) || (c.words == "") != (result.Reason == "") {
				t.Errorf("%s: %+v, want %s %q", name, result, c.want, c.words)
			}
			if result.Crash != strings.Contains(name, "dies") {
				t.Errorf("%s: a crash: %v", name, result.Crash)
			}
			if len(a.learned) != len(c.learned) || len(c.learned) > 0 && a.learned[0] != c.learned[0] {
				t.Errorf("%s: learned %+v, want %+v", name, a.learned, c.learned)
			}
			w.expectCalls(append([]string{"/api/ps"}, c.calls...)...)
		})
	}
}

// A path that is set holds, whatever comes of it.
func TestAPathThatIsSetIsTheOnlyOneAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		a := &abling{chat: says(400, cannotChat), embed: says(200, vector)}
		asked := a.asked(ollama.Abilities{CannotSpeak: true}, w)
		asked.Path = "/api/chat"
		if result := w.ready(w.Context(), asked); result.Outcome != evidence.Unknown || len(a.learned) > 0 {
			t.Errorf("%+v, learned %+v", result, a.learned)
		}
		w.expectCalls("/api/ps", "/api/chat")
	})
}

// Silence after a refusal is the model's, as it would be of the only question.
func TestAModelThatRefusesToChatAndEmbedsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		a := &abling{chat: after(2*time.Second, says(400, cannotChat)), embed: after(10*time.Second, says(200, vector))}
		result := w.ready(w.Context(), a.asked(ollama.Abilities{}, w))
		if result.Outcome != evidence.Success || !result.Late || result.Took != 12*time.Second {
			t.Errorf("%+v", result)
		}
		w.expectLate("an embedding")
	})
}

// Nothing that is wanted of a text is wanted of a vector.
func TestAnEmbeddingNeedsNoWords(t *testing.T) {
	inWorld(t, func(w *world) {
		a := &abling{embed: says(200, vector)}
		asked := a.asked(ollama.Abilities{CannotSpeak: true}, w)
		asked.Pattern, asked.Varied = regexp.MustCompile("pong"), true
		if result := w.ready(w.Context(), asked); result.Outcome != evidence.Success || result.Hollow {
			t.Errorf("%+v", result)
		}
	})
}

func TestWhatCountsAsAnEmbedding(t *testing.T) {
	long := strings.Repeat("0.0123456789,", 8000) // a line of 100 KB
	for answer, c := range map[string]struct {
		want  evidence.Outcome
		words string
	}{
		vector:                                {evidence.Success, ""},
		`{"embeddings":[[` + long + `1]]}`:    {evidence.Success, ""},
		`{"embeddings":[[0,0],[0,-1e-9]]}`:    {evidence.Success, ""},
		`{"embedding":[0.1]}`:                 {evidence.Success, ""},
		`{"data":[{"embedding":[0.1]}]}`:      {evidence.Success, ""},
		`{"embeddings":[[0,-0,0.0,0e7]]}`:     {evidence.Unknown, "consists of zeros"},
		`{"embeddings":[]}`:                   {evidence.Failure, "no embedding in it"},
		`{"embeddings":[[]]}`:                 {evidence.Failure, "no embedding in it"},
		`{"embeddings":null}`:                 {evidence.Failure, "no embedding in it"},
		`{"data":[]}`:                         {evidence.Failure, "no embedding in it"},
		`{"embeddings":[["a"]]}`:              {evidence.Failure, "no embedding in it"},
		`{"message":{"content":"hi"}}`:        {evidence.Failure, "no embedding in it"},
		"":                                    {evidence.Failure, "ended before any content"},
		"<html>\n":                            {evidence.Failure, "ended before any content"},
		`{"embeddings":[[0.1,0.2`:             {evidence.Failure, "ended before any content"},
		`{"error":"something went wrong"}`:    {evidence.Failure, "answered with an error"},
		"\n" + vector + "\n":                  {evidence.Success, ""},
		`{"embeddings":[[0.1]],"error":null}`: {evidence.Success, ""},
	} {
		inWorld(t, func(w *world) {
			w.ask = says(200, answer)
			asked := spec()
			asked.Path = "/api/embed"
			result := w.ready(w.Context(), asked)
			if result.Outcome != c.want || !strings.Contains(result.Reason, c.words) || !result.Answered || result.Hollow {
				t.Errorf("%.60s: %+v, want %s %q", answer, result, c.want, c.words)
			}
		})
	}
}
