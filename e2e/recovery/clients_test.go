//go:build e2e

package recovery

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go"
	"github.com/openai/openai-go/option"

	"github.com/clawdbot/clawgate/e2e/parts"
)

func TestOfficialClientsUseTheDoor(t *testing.T) {
	s := shared(t, nil)
	t.Run("the ollama command line", s.commandLineAtTheDoor)
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
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		command := exec.CommandContext(ctx, "sh", "-c", program+" "+test.command)
		command.Env = append(os.Environ(), "OLLAMA_HOST="+s.door, "HOME="+t.TempDir())
		output, _ := command.CombinedOutput() // what is refused ends with a status, too
		cancel()
		if !strings.Contains(string(output), test.want) {
			t.Errorf("ollama %s: got %q, want %q in it", test.command, output, test.want)
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
