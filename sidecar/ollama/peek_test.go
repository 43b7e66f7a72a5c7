package ollama

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestPeekBody(t *testing.T) {
	chat, generate := RouteOf("POST", "/api/chat"), RouteOf("POST", "/api/generate")
	openAI, embed := RouteOf("POST", "/v1/chat/completions"), RouteOf("POST", "/api/embed")
	for _, c := range []struct {
		what  string
		route Route
		body  string
		want  string // model, streaming, purpose, runner options
	}{
		{"a chat", chat, `{"model":"M","messages":[{"content":"x"}]}`, "m:latest true 0 map[]"},
		{"not streamed", chat, `{"model":"m","stream":false,"messages":[{}]}`, "m:latest false 0 map[]"},
		{"/v1 does not stream by itself", openAI, `{"model":"m"}`, "m:latest false 0 map[]"},
		{"/v1 streams when asked", openAI, `{"model":"m","stream":true}`, "m:latest true 0 map[]"},
		{"embeddings never stream", embed, `{"model":"m","stream":true,"input":"x"}`, "m:latest false 0 map[]"},
		{"the last of duplicates wins", chat, `{"model":"a","MODEL":"b","messages":[{}]}`, "b:latest true 0 map[]"},
		{"null leaves alone", chat, `{"model":"a","model":null,"stream":null,"messages":[{}]}`, "a:latest true 0 map[]"},
		{"what follows the value is ignored", chat, `{"model":"a","messages":[{}]} {"model":"b"} x`, "a:latest true 0 map[]"},
		{"runner options", chat, `{"model":"a","messages":[{}],"options":{"num_ctx":8,"seed":1,"num_gpu":null}}`, "a:latest true 0 map[num_ctx:8]"},
		{"/v1 ignores options", openAI, `{"model":"a","options":{"num_ctx":8}}`, "a:latest false 0 map[]"},
		{"options that are none", chat, `{"model":"a","messages":[{}],"options":[1]}`, "a:latest true 0 map[]"},
		{"a chat without messages loads", chat, `{"model":"a","messages":[ ]}`, "a:latest true 1 map[]"},
		{"an empty prompt loads", generate, `{"model":"a","prompt":"","keep_alive":-1}`, "a:latest true 1 map[]"},
		{"a prompt does not", generate, `{"model":"a","prompt":"x","keep_alive":0}`, "a:latest true 0 map[]"},
		{"keep_alive 0 unloads", generate, `{"model":"a","keep_alive":0}`, "a:latest true 2 map[]"},
		{"keep_alive under a second unloads", generate, `{"model":"a","keep_alive":"500ms"}`, "a:latest true 2 map[]"},
		{"keep_alive 5m loads", generate, `{"model":"a","keep_alive":"5m"}`, "a:latest true 1 map[]"},
		{"not JSON", chat, `{"model":`, " true 1 map[]"},
		{"no object", chat, `[1]`, " true 1 map[]"},
		{"a model that is no string", chat, `{"model":5,"messages":[{}]}`, " true 0 map[]"},
		{"nothing", chat, ``, " true 1 map[]"},
	} {
		peek := PeekBody(c.route, []byte(c.body))
		if got := fmt.Sprintf("%s %v %d %s", peek.Model, peek.Streaming, peek.Purpose, peek.Options); got != c.want || peek.Opaque {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestPeekingIntoALargeBodyTakesLittleMemory(t *testing.T) {
	const size = 1 << 20
	many := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	for name, body := range map[string]string{
		"a long prompt":        `{"model":"m","prompt":"` + many("x") + `"}`,
		"many messages":        `{"model":"m","prompt":"x","messages":[{}` + many(`,{"content":"x"}`) + `]}`,
		"and more after it":    `{"model":"m","prompt":"` + many("x") + `"} x`,
		"a long keep_alive":    `{"model":"m","prompt":"x","keep_alive":"` + many("0") + `"}`,
		"a keep_alive of many": `{"model":"m","prompt":"x","keep_alive":[0` + many(",0") + `]}`,
		"long options":         `{"model":"m","prompt":"x","options":{"stop":"` + many("x") + `"}}`,
		"many options":         `{"model":"m","prompt":"x","options":{"n":0` + many(`,"m":1`) + `}}`,
		"a long name":          `{"model":"` + many("x") + `","prompt":"x","model":"m"}`,
	} {
		text := []byte(body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		peek := PeekBody(RouteOf("POST", "/api/generate"), text)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > size/4 || peek.Model != "m:latest" {
			t.Errorf("%s: %d bytes for a body of %d, %+v", name, used, len(body), peek)
		}
	}
}

func TestPeekPrefix(t *testing.T) {
	chat := RouteOf("POST", "/api/chat")
	for prefix, want := range map[string]string{
		`{"model":"M","messages":[{"content":"xxx`:                  "m:latest",
		`{"stream":false,"Model":"M","options":{},"messages":[{"co`: "m:latest",
		`{"messages":[{"content":"xxx`:                              "",
		`{"mod`:                                                     "",
		`not JSON`:                                                  "",
		``:                                                          "",
	} {
		peek := PeekPrefix(chat, []byte(prefix))
		if peek.Model != want || peek.Opaque != (want == "") || peek.Purpose != Generate {
			t.Errorf("%s: %+v, want model %q", prefix, peek, want)
		}
	}
}

// FuzzPeekBody holds the peek to what Ollama's own decoder makes of a body.
func FuzzPeekBody(f *testing.F) {
	for _, seed := range []string{`{"model":"m","stream":true}`, `{"MODEL":"a","model":null} x`, `{"keep_alive":"1`, `{"options":{"num_ctx":[]}}`, "\xef\xbb\xbf{}", `{"model":"\u0000/:"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		peek := PeekBody(RouteOf("POST", "/api/generate"), body)
		var theirs struct {
			Model string `json:"model"`
		}
		err := json.NewDecoder(strings.NewReader(string(body))).Decode(&theirs)
		if err == nil && len(theirs.Model) < 350 && peek.Model != NormalizeModel(theirs.Model) {
			t.Errorf("model %q, Ollama reads %q", peek.Model, theirs.Model)
		}
		PeekPrefix(RouteOf("POST", "/api/chat"), body[:len(body)/2])
	})
}
