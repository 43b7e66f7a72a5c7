//go:build e2e

package recovery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go"
	"github.com/openai/openai-go/option"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

func TestOfficialClientsUseTheDoor(t *testing.T) {
	s := shared(t, nil)
	t.Run("the ollama command line", s.commandLineAtTheDoor)
	t.Run("the ollama command line with a key", s.commandLineWithAKey)
	t.Run("what does not exist", s.unknownAtTheDoor)
	t.Run("the OpenAI client", s.openAIAtTheDoor)
	t.Run("a stream that is cut is told", s.cutAtTheDoor)
}

// commandLineAtTheDoor runs the official program on this machine, as a user
// does who sets OLLAMA_HOST.
func (s *stand) commandLineAtTheDoor(t *testing.T) {
	program, err := parts.OllamaBinary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ command, want string }{
		{"list", "qwen3:32b"},
		{"show qwen3:32b", "architecture"},
		{"ps", "qwen3:32b"},
		{"run qwen3:32b hello 2>/dev/null | head -c 3 | wc -c", "3"},
		{"pull no-such/model:tag 2>&1", "CLAWGATE_GATEWAY_ALLOW"},
		{"rm qwen3:32b 2>&1", "CLAWGATE_GATEWAY_ALLOW"},
		{"stop qwen3:32b 2>&1", "CLAWGATE_GATEWAY_ALLOW"},
	} {
		if output := runOllama(t, s.door, t.TempDir(), program+" "+test.command); !strings.Contains(output, test.want) {
			t.Errorf("ollama %s: got %q, want %q in it", test.command, output, test.want)
		}
	}
}

// runOllama runs a command of the shell with that OLLAMA_HOST, and gives what it
// prints.
func runOllama(t *testing.T, host, folder, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", command)
	shell.Env = append(os.Environ(), "OLLAMA_HOST="+host, "HOME="+folder)
	shell.Dir = folder
	output, _ := shell.CombinedOutput() // what is refused ends with a status, too
	return string(output)
}

// commandLineWithAKey: the official program sends no Authorization, but takes a path.
func (s *stand) commandLineWithAKey(t *testing.T) {
	const key = "0123456789-abc~def"
	program, err := parts.OllamaBinary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	door := parts.StartRole(t, "gateway", map[string]string{
		"CLAWGATE_GATEWAY_SIDECARS": s.relay, "CLAWGATE_GATEWAY_API_KEYS": "alice:" + key, "CLAWGATE_GATEWAY_KEY_IN_PATH": "true",
		"CLAWGATE_GATEWAY_ALLOW": "inference,inspect,manage", "CLAWGATE_GATEWAY_BASE_PATH": "/ollama",
	})
	folder := t.TempDir()
	model, err := os.Create(filepath.Join(folder, "tiny.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tinymodel.Write(model, tinymodel.Config{Seed: 7}), model.Close(),
		os.WriteFile(filepath.Join(folder, "Modelfile"), []byte("FROM ./tiny.gguf\nTEMPLATE \"\"\""+tinymodel.Template+"\"\"\"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, command, want string }{
		{"/key/" + key, "list", "qwen3:32b"},
		{"/key/" + key + "/", "show qwen3:32b", "architecture"},
		{"/key/" + key, "cp qwen3:32b copied", "copied"},
		{"/key/" + key, "create made -f Modelfile", "success"}, // sends the blob
		{"/ollama/key/" + key, "list", "made"},
		{"/key/" + key, "run made hello 2>/dev/null | head -c 3 | wc -c", "3"},
		{"/key/" + key, "ps", "made"},
		{"/key/" + key, "stop made; echo status $?", "status 0"},
		{"/key/" + key, "rm made copied", "deleted 'copied'"},
		{"/key/" + key + "x", "list; echo status $?", "status 1"},
		{"", "list; echo status $?", "status 1"},
	} {
		if output := runOllama(t, "http://"+door.Door+test.path, folder, program+" "+test.command); !strings.Contains(output, test.want) {
			t.Errorf("%s: ollama %s: got %q, want %q in it", test.path, test.command, output, test.want)
		}
	}
	for who, log := range map[string]string{"gateway": door.Logs(t), "sidecar": s.Sidecar.Logs(t)} {
		if strings.Contains(log, key) || strings.Contains(log, "/key") {
			t.Errorf("the %s logs a key", who)
		}
	}
}

// unknownAtTheDoor: clients that look what is there are told what Ollama tells them.
func (s *stand) unknownAtTheDoor(t *testing.T) {
	for _, form := range []string{
		"GET /v1", "GET /models", "GET /health", "GET /props", "GET /api/v0/models", "GET /v1/health", "POST /v1/rerank", "POST /chat/completions", "OPTIONS /nothing",
		"GET /v1/models/hf.co/me/mine", "GET /v1/models/hf.co%2Fme%2Fmine", "GET /v1/models/me/mine",
		"GET /api/chat", "POST /api/tags", "DELETE /v1/models/mine", "POST /api/delete", "GET /api/pull", "OPTIONS /api/chat", "PUT /", "PATCH /api/blobs/sha256:00",
		"HEAD /", "HEAD /api/tags", "HEAD /api/version", "HEAD /api/ps", "HEAD /v1/models", "HEAD /api/show", "HEAD /api/chat", "GET /", "GET /api/version",
	} {
		method, path, _ := strings.Cut(form, " ")
		var said []string
		for _, url := range []string{s.server.URL, s.relay, s.door} {
			request, err := http.NewRequestWithContext(t.Context(), method, url+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			allow := strings.Split(answer.Header.Get("Allow"), ", ")
			slices.Sort(allow)
			said = append(said, fmt.Sprint(answer.StatusCode, allow))
		}
		if said[0] != said[1] || said[0] != said[2] {
			t.Errorf("%s: Ollama says %s, the relay %s, the gateway %s", form, said[0], said[1], said[2])
		}
	}
}

func (s *stand) openAIAtTheDoor(t *testing.T) {
	client := openai.NewClient(option.WithBaseURL(s.door+"/v1/"), option.WithAPIKey("any"), option.WithMaxRetries(0))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ask := openai.ChatCompletionNewParams{
		Model: parts.Model, MaxTokens: openai.Int(5),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello")},
	}
	whole, err := client.Chat.Completions.New(ctx, ask)
	if err != nil || len(whole.Choices) != 1 || whole.Choices[0].Message.Content == "" {
		t.Fatalf("no answer: %v: %+v", err, whole)
	}
	stream := client.Chat.Completions.NewStreaming(ctx, ask)
	chunks := 0
	for stream.Next() {
		chunks++
	}
	if err := stream.Err(); err != nil || chunks < 5 {
		t.Errorf("%d chunks: %v", chunks, err)
	}
	models, err := client.Models.List(ctx)
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != parts.Model {
		t.Errorf("models %+v: %v", models, err)
	}
	ask.Model = "no-such-model"
	var refused *openai.Error
	if _, err = client.Models.Get(ctx, "hf.co/no/such"); !errors.As(err, &refused) || refused.StatusCode != 404 || refused.Type != "not_found_error" {
		t.Errorf("a model with a host in front: %v", err)
	}
	if _, err = client.Chat.Completions.New(ctx, ask); !errors.As(err, &refused) || refused.StatusCode != 404 {
		t.Errorf("a model that is not there: %v", err)
	}
}

// cutAtTheDoor: the sidecar dies under a stream that has begun.
func (s *stand) cutAtTheDoor(t *testing.T) {
	long := ask(t, parts.Chat{URL: s.door, Model: parts.Model, Tokens: 100_000})
	long.begun(t, 30*time.Second)
	s.Sidecar.Server(t).Kill(t)
	answer := long.end(t, 10*time.Second)
	if answer.Clean || answer.Done || !strings.Contains(answer.ErrorLine, "the relay in front of Ollama went away") {
		t.Errorf("the client saw %s", answer)
	}
	parts.Await(t, time.Minute, "the door to be ready again", func() bool {
		status, _, err := get(t.Context(), s.door+"/-/ready") // the sidecar's own port is another now
		return err == nil && status == http.StatusOK
	})
}
