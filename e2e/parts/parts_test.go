//go:build e2e

package parts_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

func TestRealOllamaAnswersWithTheTinyModel(t *testing.T) {
	ollama := parts.StartOllama(t, parts.OllamaConfig{})
	ollama.CreateModel(t, parts.Model, tinymodel.Config{})
	for _, whole := range []bool{false, true} {
		answer := ask(t, parts.Chat{URL: ollama.URL, Model: parts.Model, Tokens: 20, Whole: whole})
		if !answer.Complete() || len(answer.Content) != 20 {
			t.Errorf("whole %t: %s, content %q; want 20 letters", whole, answer, answer.Content)
		}
		if want := map[bool]int{false: 21, true: 1}[whole]; answer.Chunks != want {
			t.Errorf("whole %t: %d chunks, want %d", whole, answer.Chunks, want)
		}
	}
}

func TestFrozenRunnerLooksAliveAndIsNot(t *testing.T) {
	ollama := startLoaded(t, parts.OllamaConfig{})
	runner := ollama.Runner(t)
	runner.Freeze(t)

	if loaded := ollama.Loaded(t); len(loaded) != 1 {
		t.Errorf("with a frozen runner the server lists %q as loaded, want one model", loaded)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if answer, err := (parts.Chat{URL: ollama.URL, Model: parts.Model}).Do(ctx); err == nil {
		t.Errorf("a frozen runner answered: %s", answer)
	}

	runner.Thaw(t)
	if answer := ask(t, parts.Chat{URL: ollama.URL, Model: parts.Model, Tokens: 5}); !answer.Complete() {
		t.Errorf("a thawed runner answered: %s", answer)
	}
	if now := ollama.Runner(t); now.PID != runner.PID {
		t.Errorf("the runner is process %d, was %d", now.PID, runner.PID)
	}
}

func TestKilledRunnerCutsItsStream(t *testing.T) {
	ollama := startLoaded(t, parts.OllamaConfig{})
	runner := ollama.Runner(t)
	answer := ask(t, parts.Chat{URL: ollama.URL, Model: parts.Model, Tokens: 2000, OnChunk: func(chunks int) {
		if chunks == 5 {
			runner.Kill(t)
		}
	}})
	if answer.Complete() || answer.Status != http.StatusOK || answer.ErrorLine == "" {
		t.Errorf("the cut stream was seen as: %s", answer)
	}
	if runner.Alive() {
		t.Error("the killed runner is still there")
	}
}

func TestKilledServerIsACrashAndComesBackAtItsAddress(t *testing.T) {
	ollama := startLoaded(t, parts.OllamaConfig{})
	before := ollama.StartedAt(t)
	ollama.Server(t).Kill(t)
	parts.Await(t, 30*time.Second, "the engine to start the crashed server", func() bool {
		return ollama.StartedAt(t).After(before)
	})
	ollama.AwaitUp(t)
	if answer := ask(t, parts.Chat{URL: ollama.URL, Model: parts.Model, Tokens: 5}); !answer.Complete() {
		t.Errorf("after a crash: %s", answer)
	}
}

func TestModelsOutliveTheContainerInAVolume(t *testing.T) {
	models := parts.Volume(t)
	first := startLoaded(t, parts.OllamaConfig{Models: models})
	first.Remove(t)
	second := parts.StartOllama(t, parts.OllamaConfig{Models: models})
	if answer := ask(t, parts.Chat{URL: second.URL, Model: parts.Model, Tokens: 5}); !answer.Complete() {
		t.Errorf("with another container's models: %s", answer)
	}
}

func TestCPULimitHoldsAServerBack(t *testing.T) {
	ollama := startLoaded(t, parts.OllamaConfig{})
	ollama.LimitCPUs(t, "0.03")
	runner := ollama.Runner(t)
	before := runner.CPUTime(t)
	slow := ask(t, parts.Chat{URL: ollama.URL, Model: parts.Model, Tokens: 30})
	used := runner.CPUTime(t) - before
	// Other work on the machine makes the share smaller, never larger.
	if !slow.Complete() || used > slow.Total/10 {
		t.Errorf("on 3 %% of a core: %s; its runner used %s of CPU", slow, used)
	}
}

func startLoaded(t *testing.T, config parts.OllamaConfig) parts.Ollama {
	t.Helper()
	ollama := parts.StartOllama(t, config)
	ollama.CreateModel(t, parts.Model, tinymodel.Config{})
	ollama.Load(t, parts.Model)
	return ollama
}

func ask(t *testing.T, question parts.Chat) parts.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	answer, err := question.Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
