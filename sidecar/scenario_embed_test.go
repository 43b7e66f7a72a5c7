package sidecar_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/simulation"
)

const embedder = "embedder:latest"

// generations are the releases that the simulation knows.
var generations = []string{"0.9.6", "0.32.14"}

// embedding is a world with an embedding model beside the one that chats.
func embedding(version string, rate float64) simulation.Config {
	return simulation.Config{Version: version, Models: []simulation.Model{{Name: model}, {Name: embedder, Embeds: true, PromptRate: rate}}}
}

func embed(name, text string) string { return fmt.Sprintf(`{"model":%q,"input":%q}`, name, text) }

// embedded waits for a vector.
func (c *call) embedded() *call {
	c.s.Helper()
	c.wait()
	if c.status != http.StatusOK || c.err != nil || !strings.Contains(c.body, "0.8") {
		c.s.Errorf("no embedding: %s", c)
	}
	return c
}

func TestAnEmbeddingModelAsTheMainOneOpensTheGate(t *testing.T) {
	t.Parallel()
	for _, version := range generations {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			play(t, setup{world: embedding(version, 0), env: []string{"CLAWGATE_MODEL=embedder"}}, func(s *scenario) {
				s.reaches(policy.Ready, 20*time.Second)
				runner := s.runner()
				s.post("/api/embed", embed(embedder, "hello")).embedded()
				s.stays(policy.Ready, 10*time.Minute)
				s.finds(verdict.Healthy, time.Second)
				s.remedies()
				if s.runner() != runner {
					s.Error("the probe had the runner replaced")
				}
			})
		})
	}
}

// The runner of the main model freezes under a client's request, as in the tests of a
// chat model.
func TestAFrozenEmbeddingModelIsHealedByUnloading(t *testing.T) {
	t.Parallel()
	play(t, setup{world: embedding("", 1), env: []string{"CLAWGATE_MODEL=embedder"}}, func(s *scenario) {
		s.reaches(policy.Ready, 30*time.Second)
		waits := s.post("/api/embed", embed(embedder, "hello"))
		time.Sleep(time.Second)
		s.must(s.FreezeRunner())
		frozen := time.Now()
		s.within("isolation with a client waiting", s.reaches(policy.Isolated, time.Minute).Sub(frozen), 5*time.Second, 30*time.Second)
		s.reaches(policy.Ready, 30*time.Second)
		waits.embedded()
		s.remedies("unload")
	})
}

// Beside the main model it is the client's waiting that has it looked at.
func TestAFrozenEmbeddingModelBesideTheMainOneIsFoundAsAChatModelIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, body, gives string }{
		"embed":               {"/api/embed", embed(embedder, "hello"), "0.8"},
		"OpenAI's embeddings": {"/v1/embeddings", embed(embedder, "hello"), "0.8"},
		"a chat model":        {"/api/generate", generate(other, 3), `"done":true`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, beside := embedding("", 1), embedder
			if c.path == "/api/generate" {
				beside, world.Models[1] = other, simulation.Model{Name: other, PromptRate: 1}
			}
			play(t, setup{world: world}, func(s *scenario) {
				s.reaches(policy.Ready, 30*time.Second)
				s.post(c.path, c.body).wait()
				time.Sleep(20 * time.Second)
				run := s.inspect().Identity
				waits := s.post(c.path, c.body)
				time.Sleep(time.Second)
				s.must(s.FreezeRunnerOf(beside))
				frozen := time.Now()
				s.within("finding it", s.reaches(policy.Isolated, time.Minute).Sub(frozen), 10*time.Second, 18*time.Second)
				s.reaches(policy.Ready, 30*time.Second)
				s.chat(3).complete()
				if waits.wait(); waits.status != http.StatusOK || !strings.Contains(waits.body, c.gives) {
					s.Errorf("the client that waited: %s", waits)
				}
				time.Sleep(10 * time.Minute)
				s.finds(verdict.Healthy, time.Second)
				s.remedies("unload")
				if s.inspect().Identity != run {
					s.Error("the container was restarted")
				}
			})
		})
	}
}

// However many texts it has to read, and however long they are.
func TestAnEmbeddingModelAtWorkIsLeftAlone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word", 60_000) // for ten minutes
	for name, main := range map[string]string{"as the main model": embedder, "beside it": model} {
		for kind, text := range map[string]string{"many texts": strings.Repeat("word", 800), "long ones": long} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				play(t, setup{world: embedding("0.32.14", 100), env: []string{"CLAWGATE_MODEL=" + main, "CLAWGATE_QUEUE_TIMEOUT=2h"}}, func(s *scenario) {
					s.reaches(policy.Ready, 30*time.Second)
					var ends []func()
					for range 5 {
						ends = append(ends, s.every(time.Second, func() {
							s.post("/api/embed", embed(embedder, text)).wait()
						}))
					}
					time.Sleep(decoyTakes())
					if main == model && !s.ready() {
						s.Errorf("the main model's gate is shut: %s", s.verdict().Sentence)
					}
					s.remedies()
					for _, end := range ends {
						go end()
					}
				})
			})
		}
	}
}
