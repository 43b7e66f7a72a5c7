package ollama

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

const (
	generate   = "POST /api/generate"
	noGenerate = `{"error":"\"nomic-embed-text:latest\" does not support generate"}`
)

func TestALoadSendsWhatItIsGiven(t *testing.T) {
	options := RunnerOptions{"num_ctx": json.RawMessage("4096")}
	for want, c := range map[string]struct {
		keepAlive any
		options   RunnerOptions
	}{
		`{"model":"qwen3:32b","stream":false}`:                                              {},
		`{"model":"qwen3:32b","stream":false,"keep_alive":-1}`:                              {keepAlive: -1},
		`{"model":"qwen3:32b","stream":false,"keep_alive":"5m","options":{"num_ctx":4096}}`: {keepAlive: "5m", options: options},
		`{"model":"qwen3:32b","stream":false,"keep_alive":0}`:                               {keepAlive: 0, options: RunnerOptions{}},
	} {
		s := one(t, generate, 200, `{"done":true,"done_reason":"load"}`)
		if err := s.client.Load(t.Context(), "qwen3:32b", c.keepAlive, c.options); err != nil {
			t.Error(err)
		}
		s.expectCalls(generate)
		s.expectBody(0, want)
	}
}

func TestAModelThatOnlyEmbedsIsLoadedByAnEmbedding(t *testing.T) {
	s := serve(t, map[string][]exchange{generate: {{400, noGenerate}}, "POST /api/embed": {{200, `{"embeddings":[]}`}}})
	if err := s.client.Load(t.Context(), "nomic-embed-text", -1, RunnerOptions{"num_ctx": json.RawMessage("512")}); err != nil {
		t.Error(err)
	}
	s.expectCalls(generate, "POST /api/embed")
	s.expectBody(1, `{"model":"nomic-embed-text","stream":false,"keep_alive":-1,"options":{"num_ctx":512},"input":""}`)
}

func TestALoadThatFails(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"model requires more system memory"}`: "POST /api/generate: HTTP status 500: an error of 33 bytes that Clawgate does not know",
		`{"error":"\"x\" does not support generate"}`:   `POST /api/generate: HTTP status 500: the model does not support generate`, // only a 400 says so
	} {
		s := one(t, generate, 500, body)
		expectError(t, s.client.Load(t.Context(), "x", nil, nil), want)
		s.expectCalls(generate)
	}
	s := serve(t, map[string][]exchange{generate: {{400, noGenerate}}, "POST /api/embed": {{500, `{"error":"no"}`}}})
	expectError(t, s.client.Load(t.Context(), "x", nil, nil), "POST /api/embed: HTTP status 500: an error of 2 bytes that Clawgate does not know")
}

func TestAnUnloadIsAKeepAliveOfZeroWithoutAPrompt(t *testing.T) {
	s := one(t, generate, 200, `{"done":true,"done_reason":"unload"}`)
	if err := s.client.Unload(t.Context(), "qwen3:32b"); err != nil {
		t.Error(err)
	}
	s.expectBody(0, `{"model":"qwen3:32b","stream":false,"keep_alive":0}`)
	expectError(t, one(t, generate, 404, `{"error":"model not found"}`).client.Unload(t.Context(), "x"), "POST /api/generate: HTTP status 404: an error of 15 bytes that Clawgate does not know")
}

func TestBlobFindsTheWeights(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	path := "/root/.ollama/models/blobs/sha256-" + digest
	for modelfile, want := range map[string]string{
		"# Modelfile generated\n# FROM qwen3:32b\n\nFROM " + path + "\nTEMPLATE \"\"\"\nFROM nowhere\n\"\"\"\n": path,
		"FROM " + path + "\r\n": path,
		"FROM " + path + "\nFROM /x/sha256-" + strings.Repeat("cd", 32) + "\n": path, // a projector follows the weights
		"# FROM " + path + "\n":            "",
		"FROM qwen3:32b\n":                 "",
		"FROM /blobs/sha256-" + digest[1:]: "",
		"":                                 "",
	} {
		body, err := json.Marshal(map[string]string{"modelfile": modelfile})
		if err != nil {
			t.Fatal(err)
		}
		s := one(t, "POST /api/show", 200, string(body))
		if got, err := s.client.Blob(t.Context(), "qwen3:32b"); got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", modelfile, got, err, want)
		}
		s.expectBody(0, `{"model":"qwen3:32b"}`)
	}
}

// shown is the text of /api/show's "parameters", in the format of Ollama 0.9.6
// (server/routes.go: "%-30s %#v", one line a value).
const shown = `num_ctx                        4096
num_gpu                        40
temperature                    0.7
min_p                          1e-07
num_predict                    1e+06
use_mmap                       true
stop                           "<|im_end|>"
stop                           "two words"`

func TestParametersThatAreThereAreNotWrittenAgain(t *testing.T) {
	for _, options := range []string{
		`{"num_ctx":4096}`, `{"num_ctx":4096.0,"num_gpu":40}`, `{"temperature":0.7}`, `{"temperature":7e-1}`, `{"min_p":0.0000001}`,
		`{"num_predict":1000000}`, `{"use_mmap":true}`, `{"stop":["<|im_end|>","two words"]}`, `{}`, `null`,
	} {
		s := one(t, "POST /api/show", 200, showing(t, shown))
		if changed, err := s.client.EnsureParameters(t.Context(), "qwen3:32b", parsed(t, options)); changed || err != nil {
			t.Errorf("%s: changed %v, %v", options, changed, err)
		}
	}
}

func TestParametersThatDifferAreWrittenOnce(t *testing.T) {
	for _, options := range []string{
		`{"num_ctx":8192}`, `{"num_ctx":4096,"num_gpu":41}`, `{"num_ctx":"4096"}`, `{"temperature":0.70001}`, `{"use_mmap":false}`,
		`{"stop":["<|im_end|>"]}`, `{"stop":["two words","<|im_end|>"]}`, `{"top_k":1}`, `{"num":4096}`,
	} {
		s := serve(t, map[string][]exchange{"POST /api/show": {{0, showing(t, shown)}}, "POST /api/create": {{0, `{"status":"success"}`}}})
		if changed, err := s.client.EnsureParameters(t.Context(), "qwen3:32b", parsed(t, options)); !changed || err != nil {
			t.Errorf("%s: changed %v, %v", options, changed, err)
		}
		s.expectCalls("POST /api/show", "POST /api/create")
		s.expectBody(1, `{"model":"qwen3:32b","from":"qwen3:32b","stream":false,"parameters":`+options+`}`)
	}
}

func TestParametersThatCannotBeWritten(t *testing.T) {
	options := parsed(t, `{"num_ctx":1}`)
	s := one(t, "POST /api/show", 404, `{"error":"model 'x' not found"}`)
	changed, err := s.client.EnsureParameters(t.Context(), "x", options)
	expectError(t, err, "POST /api/show: HTTP status 404: Ollama does not have the model")
	if changed {
		t.Error("nothing was changed")
	}
	s = serve(t, map[string][]exchange{"POST /api/show": {{0, `{}`}}, "POST /api/create": {{400, `{"error":"no"}`}}})
	changed, err = s.client.EnsureParameters(t.Context(), "x", options)
	expectError(t, err, "POST /api/create: HTTP status 400: an error of 2 bytes that Clawgate does not know")
	if changed {
		t.Error("nothing was changed")
	}
}

func showing(t *testing.T, parameters string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"parameters": parameters})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func parsed(t *testing.T, options string) (parsed map[string]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal([]byte(options), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestAPullTellsItsProgress(t *testing.T) {
	s := one(t, "POST /api/pull", 200, `{"status":"pulling manifest"}

noise
{"status":"pulling ab","digest":"sha256:ab","total":200,"completed":50}
{"status":"success"}`)
	var told []PullProgress
	if err := s.client.Pull(t.Context(), "qwen3:32b", func(p PullProgress) { told = append(told, p) }); err != nil {
		t.Error(err)
	}
	want := []PullProgress{{Status: "pulling manifest"}, {Status: "pulling ab", Digest: "sha256:ab", Total: 200, Completed: 50}, {Status: "success"}}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("told %+v", told)
	}
	s.expectBody(0, `{"model":"qwen3:32b"}`)
}

func TestAPullThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"by its answer":      {404, `{"error":"model not found"}`, `cannot pull "x": HTTP status 404: an error of 15 bytes that Clawgate does not know`},
		"on the way":         {200, "{\"status\":\"pulling\"}\n{\"error\":\"pull model manifest: file does not exist\"}\n", `cannot pull "x": the registry does not have the model`},
		"without its end":    {200, `{"status":"pulling"}`, `cannot pull "x": the answer ended without success (HTTP status 200)`},
		"with more after it": {200, "{\"status\":\"success\"}\n{\"status\":\"pulling\"}", `cannot pull "x": the answer ended without success (HTTP status 200)`},
		"without a word":     {502, "", `cannot pull "x": the answer ended without success (HTTP status 502)`},
		"a line of 2 MB":     {200, strings.Repeat("x", 2<<20), `cannot pull "x": bufio.Scanner: token too long`},
	} {
		t.Run(name, func(t *testing.T) {
			s := one(t, "POST /api/pull", c.status, c.body)
			err := s.client.Pull(t.Context(), "x", func(PullProgress) {})
			expectError(t, err, c.want)
			var status *StatusError
			if errors.As(err, &status) != strings.Contains(c.body, "error") {
				t.Errorf("status %+v", status)
			}
		})
	}
}
