//go:build e2e

package clients

import (
	_ "embed"
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go"
	"github.com/openai/openai-go/option"

	"github.com/clawdbot/clawgate/e2e/parts"
)

func TestTheOpenAIClientForGo(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		for name, client := range map[string]openai.Client{
			"open":       openai.NewClient(option.WithBaseURL("http://"+s.gateway.Door+"/v1/"), option.WithAPIKey("any"), option.WithMaxRetries(0)),
			"with a key": openai.NewClient(option.WithBaseURL("http://"+s.keyed(t).Door+"/ollama/v1/"), option.WithAPIKey(key), option.WithMaxRetries(0)),
		} {
			t.Run(name, func(t *testing.T) { useOpenAI(t, client) })
		}
	})
}

func useOpenAI(t *testing.T, client openai.Client) {
	t.Helper()
	limit := option.WithRequestTimeout(patience)
	ask := openai.ChatCompletionNewParams{
		Model: parts.Model, MaxTokens: openai.Int(5),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello")},
	}
	whole, err := client.Chat.Completions.New(t.Context(), ask, limit)
	if err != nil || len(whole.Choices) != 1 || whole.Choices[0].Message.Content == "" {
		t.Fatalf("no answer: %v: %+v", err, whole)
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), ask, limit)
	chunks := 0
	for stream.Next() {
		chunks++
	}
	if err := stream.Err(); err != nil || chunks < 5 {
		t.Errorf("%d chunks: %v", chunks, err)
	}
	models, err := client.Models.List(t.Context(), limit)
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != parts.Model {
		t.Errorf("models %+v: %v", models, err)
	}
	var refused *openai.Error
	if _, err = client.Models.Get(t.Context(), "hf.co/no/such", limit); !errors.As(err, &refused) || refused.StatusCode != 404 || refused.Type != "not_found_error" {
		t.Errorf("a model with a host in front: %v", err)
	}
	ask.Model = "no-such-model"
	if _, err = client.Chat.Completions.New(t.Context(), ask, limit); !errors.As(err, &refused) || refused.StatusCode != 404 {
		t.Errorf("a model that is not there: %v", err)
	}
}

//go:embed testdata/clients.py
var pythonClients string

// Each line of the script's output is one thing that it tried.
func TestTheClientsForPython(t *testing.T) {
	onEach(t, func(t *testing.T, s *stand) {
		embeds := "no" // llama-server embeds only with models that are made for it
		if s.older() {
			embeds = "yes"
		}
		keyed := "http://" + s.keyed(t).Door
		for needs, address := range map[string]string{"open": "http://" + s.gateway.Door, "header": keyed + "/ollama", "path": keyed} {
			t.Run(needs, func(t *testing.T) {
				output := parts.Python(t, pythonClients, address, key, needs, embeds)
				for line := range strings.Lines(output) {
					if !strings.HasPrefix(line, "ok ") && line != "end\n" {
						t.Error(strings.TrimSpace(line))
					}
				}
				if !strings.HasSuffix(output, "end\n") || strings.Count(output, "ok ") < 22 {
					t.Errorf("it did not try everything: %s", output)
				}
			})
		}
	})
}
