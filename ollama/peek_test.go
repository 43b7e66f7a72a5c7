package ollama

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
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
		{"keep_alive under a second loads on newer releases", generate, `{"model":"a","keep_alive":"500ms"}`, "a:latest true 1 map[]"},
		{"a null takes a keep_alive back", generate, `{"model":"a","keep_alive":0,"keep_alive":null}`, "a:latest true 1 map[]"},
		{"a null takes messages back", chat, `{"model":"a","messages":[{}],"messages":null}`, "a:latest true 1 map[]"},
		{"a null takes a stream back", chat, `{"model":"a","messages":[{}],"stream":false,"stream":null}`, "a:latest true 0 map[]"},
		{"options are added up", chat, `{"model":"a","messages":[{}],"options":{"num_ctx":8,"num_gpu":1},"OPTIONS":{"num_gpu":2}}`, "a:latest true 0 map[num_ctx:8 num_gpu:2]"},
		{"a null takes options back", chat, `{"model":"a","messages":[{}],"options":{"num_ctx":8},"options":null,"options":{"num_gpu":2}}`, "a:latest true 0 map[num_gpu:2]"},
		{"options by their exact names", chat, `{"model":"a","messages":[{}],"options":{"NUM_CTX":8,"num\u005fgpu":1,"draft_num_predict":4}}`, "a:latest true 0 map[draft_num_predict:4 num_gpu:1]"},
		{"a number too long for anybody", chat, `{"model":"a","messages":[{}],"options":{"num_ctx":8,"num_ctx":8.` + strings.Repeat("0", 100) + `}}`, "a:latest true 0 map[]"},
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
	const size = 1 << 18
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
		"objects of options":   `{"model":"m","prompt":"x","n":0` + many(`,"options":{"num_ctx":1,"num_predict":2}`) + `}`,
		"escapes":              `{"` + many(`\u0061`) + `":1,"stream":"` + many(`\u0061`) + `","model":"m","prompt":"x"}`,
		"different options":    `{"model":"m","prompt":"x","options":` + names(size) + `}`,
		"in many objects":      `{"model":"m","prompt":"x","n":0` + strings.Repeat(`,"options":`+names(15<<10), size/(15<<10)) + `}`,
	} {
		if used, peek := usedToPeek([]byte(body)); used > 64<<10 || peek.Model != "m:latest" {
			t.Errorf("%s: %d bytes for a body of %d, %+v", name, used, len(body), peek)
		}
	}
}

// Each object adds to the one before it, as it does in Ollama: of one body of 60
// MiB nothing less than its own size in memory was made, outside of every budget.
func TestOptionsOfAnyNumberTakeNoMemory(t *testing.T) {
	for _, size := range []int{1 << 10, 1 << 18, largestBody} {
		var body strings.Builder
		body.WriteString(`{"model":"m","prompt":"x"`)
		for i := 0; body.Len() < size; i++ {
			fmt.Fprintf(&body, `,"options":{"%0150d":0,"num_ctx":%d}`, i, i) // all different
		}
		body.WriteString("}")
		if used, peek := usedToPeek([]byte(body.String())); used > 16<<10 || len(peek.Options) != 1 {
			t.Errorf("%d bytes for a body of %d, %+v", used, body.Len(), peek)
		}
	}
}

// usedToPeek is how many bytes were allocated meanwhile, also those that were let
// go of again.
func usedToPeek(body []byte) (used uint64, peek Peek) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peek = PeekBody(RouteOf("POST", "/api/generate"), body)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, peek
}

// names is an object of so many bytes whose names all differ.
func names(size int) string {
	var object strings.Builder
	object.WriteString(`{"o":0`)
	for i := 0; object.Len() < size; i++ {
		fmt.Fprintf(&object, `,"o%d":0`, i)
	}
	return object.String() + "}"
}

func TestPeekPrefix(t *testing.T) {
	chat := RouteOf("POST", "/api/chat")
	for prefix, want := range map[string]string{
		`{"model":"M","messages":[{"content":"xxx`:                  "m:latest",
		`{"stream":false,"Model":"M","options":{},"messages":[{"co`: "m:latest",
		`{"messages":[{"content":"xxx`:                              "",
		`{"model":"M`:                                               "",
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
	for _, seed := range []string{
		`{"model":"m","stream":true}`, `{"MODEL":"a","model":null} x`, `{"keep_alive":"1`, `{"options":{"num_ctx":[]}}`, "\xef\xbb\xbf{}", `{"model":"\u0000/:"}`,
		`{"model":" m:1b:LOCAL ","keep_alive":0.5,"options":{"num_ctx":1,"num_ctx":2},"OPTIONS":{"num_gpu":1}}`, `{"keep_alive":1e300,"options":{"num_ctx":1},"options":null}`,
		`{"keep_alive":-1,"keep_alive":null,"prompt":"x","raw":true,"stream":false}`, "{\"\u212aeep_alive\":\"300ms\",\"messages\":[]}", `{"options":{"n\u0075m_ctx":3}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		peek := PeekBody(RouteOf("POST", "/api/generate"), body)
		PeekPrefix(RouteOf("POST", "/api/chat"), body[:len(body)/2])
		var theirs struct {
			Model     string         `json:"model"`
			Prompt    string         `json:"prompt"`
			Stream    *bool          `json:"stream"`
			KeepAlive *duration      `json:"keep_alive"`
			Options   map[string]any `json:"options"`
		}
		if json.NewDecoder(bytes.NewReader(body)).Decode(&theirs) != nil {
			return // refused
		}
		if len(theirs.Model) < 350 && peek.Model != NormalizeModel(theirs.Model) {
			t.Errorf("model %q, Ollama reads %q", peek.Model, theirs.Model)
		}
		if want := theirs.Stream == nil || *theirs.Stream; peek.Streaming != want {
			t.Errorf("streaming %v, Ollama reads %v", peek.Streaming, want)
		}
		if k := peek.KeepAlive; k.Given != (theirs.KeepAlive != nil) || k.Given && !k.Odd && max(k.For, -1) != theirs.KeepAlive.Duration {
			t.Errorf("keep_alive %+v, Ollama reads %+v", k, theirs.KeepAlive)
		}
		unloads := theirs.Prompt == "" && theirs.KeepAlive != nil && theirs.KeepAlive.Duration == 0
		if (peek.Purpose == Unload) != unloads && !peek.KeepAlive.Odd {
			t.Errorf("purpose %d, Ollama unloads: %v", peek.Purpose, unloads)
		}
		for name := range runnerOptionNames {
			if number, is := theirs.Options[name].(float64); is {
				var ours float64
				_ = json.Unmarshal(peek.Options[name], &ours)
				if ours != number && len(peek.Options[name]) > 0 {
					t.Errorf("%s: %s, Ollama reads %v", name, peek.Options[name], number)
				}
			}
		}
	})
}

// duration is read as api.Duration is by 0.32.14, with -1 for ever.
type duration struct{ time.Duration }

func (d *duration) UnmarshalJSON(value []byte) (err error) {
	var parsed any
	if err := json.Unmarshal(value, &parsed); err != nil {
		return err
	}
	switch v := parsed.(type) {
	case float64:
		d.Duration = time.Duration(v * float64(time.Second))
		if v < 0 {
			d.Duration = -1
		}
	case string:
		d.Duration, err = time.ParseDuration(v)
		d.Duration = max(d.Duration, -1)
	default:
		err = errors.New("unsupported")
	}
	return err
}
