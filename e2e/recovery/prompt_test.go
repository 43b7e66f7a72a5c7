//go:build e2e

package recovery

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

// promptLength is what the long prompt has in tokens: a letter is one.
const promptLength = 6400

// longRead is how long the model reads before it says anything: several probes,
// and longer than any service level for a first chunk.
const longRead = 30 * time.Second

// TestALongPromptIsAwaited: while a model reads, no byte comes and no probe can
// be sent, just as when it is dead. That it works is to be seen elsewhere.
func TestALongPromptIsAwaited(t *testing.T) {
	t.Parallel()
	s := bare(t, map[string]string{
		"CLAWGATE_READY_INTERVAL": probeInterval.String(), "CLAWGATE_RECHECK_INTERVAL": "3s", "OLLAMA_CONTEXT_LENGTH": "16384",
	})
	s.awaitAdmin(t)
	s.server.AwaitUp(t)
	s.server.CreateModelWith(t, parts.Model, tinymodel.Config{Embedding: 128, Layers: 3, Context: 16384}, oneThread())
	s.awaitVerdict(t, "healthy", 2*time.Minute)
	s.Ollama.LimitCPUs(t, "0.015")
	s.untouched(t, func() {
		question := s.chat(5)
		question.Prompt = strings.Repeat("abcdefgh", promptLength/8)
		asked := time.Now()
		reading := ask(t, question)
		s.await(t, "a verdict on a server that reads", longRead, func(now admin.Status) bool { return now.Verdict.Name == "busy" })
		s.staysFor(t, longRead-time.Since(asked), "ready")
		select {
		case <-reading.first:
			t.Fatal("the first chunk came too soon to show anything")
		default:
		}
		s.Ollama.LimitCPUs(t, "2") // how fast a starved Ollama is differs tenfold from machine to machine
		answer := reading.end(t, 4*time.Minute)
		if !answer.Complete() || len(answer.Content) != 5 || answer.FirstChunk < longRead {
			t.Errorf("the answer to a long prompt did not arrive as it should: %s", answer)
		}
		if read := promptTokens(t, answer.Body); read < promptLength {
			t.Errorf("the model has read %d tokens, want all %d", read, promptLength)
		}
		t.Logf("the first chunk took %s", answer.FirstChunk.Round(time.Second))
	})
	s.serves(t)
}

// oneThread has a model made that works on one core at most: threads that wait
// for each other's turn would burn what little there is.
func oneThread() map[string]any {
	parameters := tinymodel.Parameters()
	parameters["num_thread"] = 1
	return map[string]any{"parameters": parameters}
}

// promptTokens is how many tokens of the prompt Ollama has counted, by the last
// chunk of the answer.
func promptTokens(t *testing.T, body []byte) (count int) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	var last struct {
		PromptTokens int `json:"prompt_eval_count"`
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatal(err)
	}
	return last.PromptTokens
}
