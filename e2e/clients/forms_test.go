//go:build e2e

package clients

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// form is a request as some client sends it, and what it is answered, by the older
// and by the newer release.
type form struct {
	name string
	request
	older, newer int
	// gateway is what the gateway says instead. It takes a path that Ollama would
	// lead to another for that other one, and reads no gzip.
	gateway int
}

func (f form) butTheGateway(says int) form {
	f.gateway = says
	return f
}

// plain is a form that is all in its request line.
func plain(line string, older, newer int) form {
	method, path, _ := strings.Cut(line, " ")
	return form{line, request{method: method, path: path}, older, newer, 0}
}

// looks are of clients that look what is there.
var looks = []form{
	plain("GET /v1", 404, 404), plain("GET /models", 404, 404), plain("GET /health", 404, 404), plain("GET /props", 404, 404),
	plain("GET /api/v0/models", 404, 404), plain("GET /v1/health", 404, 404), plain("POST /v1/rerank", 404, 404),
	plain("POST /chat/completions", 404, 404), plain("OPTIONS /nothing", 404, 404),
	plain("GET /v1/models/hf.co/me/mine", 404, 404), plain("GET /v1/models/hf.co%2Fme%2Fmine", 404, 404), plain("GET /v1/models/me/mine", 404, 404),
	plain("GET /v1/models/nothing", 404, 404), plain("GET /v1/models/"+"qwen3:32b", 200, 200), plain("GET /v1/models", 200, 200),
	plain("GET /api/chat", 405, 405), plain("POST /api/tags", 405, 405), plain("DELETE /v1/models/mine", 405, 405), plain("POST /api/delete", 405, 405),
	plain("GET /api/pull", 405, 405), plain("OPTIONS /api/chat", 405, 405), plain("PUT /", 405, 405), plain("PATCH /api/blobs/sha256:00", 405, 405),
	plain("HEAD /", 200, 200), plain("HEAD /api/tags", 200, 200), plain("HEAD /api/version", 200, 200), plain("HEAD /api/ps", 405, 405),
	plain("HEAD /v1/models", 405, 405), plain("HEAD /api/show", 405, 405), plain("HEAD /api/chat", 405, 405),
	plain("GET /", 200, 200), plain("GET /api/version", 200, 200), plain("GET /api/tags", 200, 200), plain("GET /api/ps", 200, 200),
	plain("GET /api/tags?x=%2F&y", 200, 200),
	plain("GET /api/tags/", 301, 301).butTheGateway(200), plain("GET //api/tags", 307, 307).butTheGateway(200),
	plain("GET /api/./tags", 307, 307).butTheGateway(200),
	plain("GET /API/tags", 404, 404), plain("GET /api%2Ftags", 200, 200),
	plain("GET /v1/models/", 301, 301).butTheGateway(200), plain("POST /api/chat/", 307, 307).butTheGateway(400),
}

const (
	chat    = `{"model":"qwen3:32b","messages":[{"role":"user","content":"hello"}],"options":{"num_predict":3}`
	whole   = chat + `,"stream":false}`
	openAI  = `{"model":"qwen3:32b","messages":[{"role":"user","content":"hello"}],"max_tokens":3`
	noModel = `{"model":"nothing","messages":[{"role":"user","content":"hello"}]}`
)

func post(name, path, body string, older, newer int, headers ...string) form {
	return form{name, request{method: "POST", path: path, body: body, headers: headers}, older, newer, 0}
}

// bodies are ordinary ones, and what programs and people make of them.
func bodies() []form {
	const path = "/api/chat"
	unannounced := post("a chunked body", path, whole, 200, 200)
	unannounced.chunked = true
	return []form{
		unannounced,
		post("a whole answer", path, whole, 200, 200),
		post("a stream", path, chat+"}", 200, 200),
		post("JSON under the name of a form", path, whole, 200, 200, "Content-Type", "application/x-www-form-urlencoded"),
		post("JSON under the name of text", path, whole, 200, 200, "Content-Type", "text/plain"),
		post("an encoding that is none", path, whole, 200, 200, "Content-Encoding", "identity"),
		post("an encoding that nobody knows", path, whole, 200, 200, "Content-Encoding", "rot13"),
		post("plain JSON that is called gzip", path, whole, 200, 200, "Content-Encoding", "gzip"),
		post("gzip", path, zipped(whole), 400, 400, "Content-Encoding", "gzip").butTheGateway(415),
		post("gzip without a word of it", path, zipped(whole), 400, 400),
		post("a byte order mark", path, "\ufeff"+whole, 400, 400),
		post("UTF-16", path, wide(whole), 400, 400),
		post("nothing", path, "", 400, 400),
		post("null", path, "null", 400, 400),
		post("an array", path, "["+whole+"]", 400, 400),
		post("two values", path, whole+whole, 200, 200),
		post("half a value", path, chat, 400, 400),
		post("a comma too much", path, strings.TrimSuffix(whole, "}")+",}", 400, 400),
		post("another field's case", path, strings.Replace(whole, "model", "Model", 1), 200, 200),
		post("a model twice", path, strings.Replace(whole, "{", `{"model":"nothing",`, 1), 200, 200),
		post("a model's case", path, strings.Replace(whole, "qwen3", "QWEN3", 1), 200, 200),
		post("a number for a model", path, `{"model":32}`, 400, 400),
		post("no model", path, `{"messages":[]}`, 400, 400),
		post("a model that is not there", path, noModel, 404, 404),
		post("a model with a host", path, strings.Replace(noModel, "nothing", "hf.co/me/mine:Q4", 1), 404, 404),
		post("an impossible name", path, strings.Replace(noModel, "nothing", "a b", 1), 400, 400),
		post("no tag", path, strings.Replace(whole, ":32b", "", 1), 404, 404),
		post("nothing to say", path, `{"model":"qwen3:32b","messages":[]}`, 200, 200),
		post("minutes as a word", path, chat+`,"stream":false,"keep_alive":"5m"}`, 200, 200),
		post("seconds as a number", path, chat+`,"stream":false,"keep_alive":300}`, 200, 200),
		post("no time at all", path, chat+`,"stream":false,"keep_alive":"soon"}`, 400, 400),
		post("a word for a truth", path, chat+`,"stream":"no"}`, 400, 400),
		post("a word for a number", path, strings.Replace(whole, ":3}", `:"3"}`, 1), 500, 500),
		post("thoughts of one that cannot", path, chat+`,"think":true}`, 400, 400),
		post("tools of one that cannot", path, chat+`,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}]}`, 400, 400),
		post("an image that is none", path, `{"model":"qwen3:32b","messages":[{"role":"user","content":"hello","images":["?"]}]}`, 400, 400),
		post("generate", "/api/generate", `{"model":"qwen3:32b","prompt":"hello","stream":false,"options":{"num_predict":3}}`, 200, 200),
		post("generate by the name of name", "/api/generate", `{"name":"qwen3:32b","prompt":"hello"}`, 404, 404),
		post("generate a load", "/api/generate", `{"model":"qwen3:32b"}`, 200, 200),
		post("insert into one that cannot", "/api/generate", `{"model":"qwen3:32b","prompt":"a","suffix":"b"}`, 400, 400),
		post("embed", "/api/embed", `{"model":"qwen3:32b","input":"hello"}`, 200, 501),
		post("embed an empty list", "/api/embed", `{"model":"qwen3:32b","input":[]}`, 200, 200),
		post("embeddings", "/api/embeddings", `{"model":"qwen3:32b","prompt":"hello"}`, 200, 500),
		post("show", "/api/show", `{"model":"qwen3:32b"}`, 200, 200),
		post("show by name", "/api/show", `{"name":"qwen3:32b"}`, 200, 200),
		post("show what is not there", "/api/show", `{"model":"nothing"}`, 404, 404),
		post("OpenAI", "/v1/chat/completions", openAI+"}", 200, 200, "Authorization", "Bearer ollama"),
		post("OpenAI, a stream", "/v1/chat/completions", openAI+`,"stream":true}`, 200, 200),
		post("OpenAI, a stream that counts", "/v1/chat/completions", openAI+`,"stream":true,"stream_options":{"include_usage":true}}`, 200, 200),
		post("OpenAI, a model that is not there", "/v1/chat/completions", noModel, 404, 404),
		post("OpenAI, nothing", "/v1/chat/completions", "", 400, 400),
		post("OpenAI, nothing to say", "/v1/chat/completions", `{"model":"qwen3:32b","messages":[]}`, 400, 400),
		post("OpenAI, of old", "/v1/completions", `{"model":"qwen3:32b","prompt":"hello","max_tokens":3}`, 200, 200),
		post("OpenAI, embeddings", "/v1/embeddings", `{"model":"qwen3:32b","input":["hello"]}`, 200, 501),
		post("OpenAI, of today", "/v1/responses", `{"model":"qwen3:32b","input":"hello","max_output_tokens":3}`, 404, 200),
		post("OpenAI, of today, a stream", "/v1/responses", `{"model":"qwen3:32b","input":"hello","max_output_tokens":3,"stream":true}`, 404, 200),
		post("Anthropic", "/v1/messages", openAI+"}", 404, 200, "x-api-key", "any", "anthropic-version", "2023-06-01"),
		post("Anthropic, a stream", "/v1/messages", openAI+`,"stream":true}`, 404, 200),
		post("Anthropic, a model that is not there", "/v1/messages", strings.Replace(noModel, "{", `{"max_tokens":3,`, 1), 404, 404),
		post("copy what is not there", "/api/copy", `{"source":"nothing","destination":"copy"}`, 404, 404),
		post("a blob of another digest", "/api/blobs/sha256:"+strings.Repeat("0", 64), "hello", 400, 400),
		post("a digest that is none", "/api/blobs/sha256:00", "hello", 400, 400),
		post("create from what is not there", "/api/create", `{"model":"made","from":"/","stream":false}`, 400, 400),
		{"delete what is not there", request{method: "DELETE", path: "/api/delete", body: `{"model":"nothing"}`}, 404, 404, 0},
		{"a blob that is not there", request{method: "HEAD", path: "/api/blobs/sha256:" + strings.Repeat("0", 64)}, 404, 404, 0},
	}
}

func zipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.String()
}

func wide(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

var layers = [3]string{"Ollama", "the relay", "the gateway"}

// ask sends the form to each of the layers.
func (s *stand) ask(t *testing.T, f form) (said [3]answer) {
	t.Helper()
	for i, url := range []string{s.server.URL, "http://" + s.sidecar.Door, "http://" + s.gateway.Door} {
		var err error
		if said[i], err = f.send(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}
	return said
}

func (s *stand) right(f form) int {
	if s.older() {
		return f.older
	}
	return f.newer
}

// What Ollama says is what comes through both layers. Only a path or a method that
// nothing has is refused in the gateway's own words.
func TestForms(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		for _, f := range append(bodies(), looks...) {
			t.Run(f.name, func(t *testing.T) {
				said := s.ask(t, f)
				right := s.right(f)
				for i, want := range []int{right, right, cmp.Or(f.gateway, right)} {
					if said[i].status != want {
						t.Errorf("%s says %d, not %d: %.300s", layers[i], said[i].status, want, said[i].body)
					}
				}
				same(t, layers[1], said[0], said[1])
				switch {
				case f.gateway != 0:
				case (right == 404 || right == 405) && (f.method == "HEAD" || said[2].shape() != said[0].shape()):
					isRefusal(t, f, said[2])
				default:
					same(t, layers[2], said[0], said[2])
				}
				if got, want := methods(said[2]), methods(said[0]); got != want {
					t.Errorf("the gateway allows %s, and Ollama %s", got, want)
				}
			})
		}
		s.isUnharmed(t)
	})
}

func same(t *testing.T, who string, want, got answer) {
	t.Helper()
	if got.shape() != want.shape() {
		t.Errorf("%s says\n%.600s\nand Ollama\n%.600s", who, got.shape(), want.shape())
	}
	for _, header := range []string{"Content-Type", "Location"} {
		if got.header.Get(header) != want.header.Get(header) {
			t.Errorf("%s: %s %q, and Ollama's %q", who, header, got.header.Get(header), want.header.Get(header))
		}
	}
}

// isRefusal: Ollama has plain text for it, and programs read JSON.
func isRefusal(t *testing.T, f form, got answer) {
	t.Helper()
	var said struct{ Error any }
	err := json.Unmarshal(got.body, &said)
	if f.method == "HEAD" {
		return
	}
	if err != nil || said.Error == nil {
		t.Errorf("the gateway says %.300q: %v", got.body, err)
	}
	if detail, _ := said.Error.(map[string]any); strings.HasPrefix(f.path, "/v1") != (detail["message"] != nil) {
		t.Errorf("the gateway's error has the wrong form: %.300s", got.body)
	}
}

func methods(a answer) string {
	all := strings.Split(a.header.Get("Allow"), ", ")
	slices.Sort(all)
	return fmt.Sprint(all)
}
