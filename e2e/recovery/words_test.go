//go:build e2e

package recovery

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
	"github.com/clawdbot/clawgate/sidecar/admin"
)

const (
	secondModel = "second:1b"
	copied      = "copied:1b"
)

// TestAClientsWordsAreNotOllamasWord: Ollama quotes its clients in its errors, so that
// anybody can have it say that its runner was killed. Whatever is written, and however
// runners come and go at the same time because clients want other ones, a server that
// works is left alone; and one whose runner really dies is still noticed at once.
func TestAClientsWordsAreNotOllamasWord(t *testing.T) {
	t.Parallel()
	s := shared(t, map[string]string{
		"OLLAMA_MAX_LOADED_MODELS": "1", // so that one model evicts another
		"CLAWGATE_LOG_LEVEL":       "debug",
	})
	s.server.CreateModel(t, secondModel, tinymodel.Config{Seed: 2})
	s.unmended(t, func() {
		t.Run("while runners come and go", s.lied)
		t.Run("words that the model says", s.saidByTheModel)
		t.Run("are repeated nowhere", s.repeatedNowhere)
		t.Run("and a runner that is really killed is noticed", s.reallyKilled)
	})
}

// lied tells every lie ten times, each round beside requests that replace the runner.
func (s *stand) lied(t *testing.T) {
	id, restarts := s.Ollama.ContainerID(t), s.Ollama.RestartCount(t)
	answers := s.ownAnswers(t)
	lookout := s.lookOut(t)
	changes := len(s.logged(t, "state changed"))
	for round := range 10 {
		act := s.replaceTheRunner
		if round%2 == 1 {
			s.give(t, parts.Model, copied)
			s.give(t, secondModel, parts.Model) // the name stands for other weights now
			act = s.changeTheModel
		}
		s.allQuoted(t, answers, act)
		if round%2 == 1 {
			s.give(t, copied, parts.Model)
		}
	}
	lookout.end()
	if len(lookout.odd) > 0 || lookout.looks == 0 {
		t.Errorf("the server was not ready for everybody in %d of %d looks: %q", len(lookout.odd), lookout.looks, lookout.odd)
	}
	if now := len(s.logged(t, "state changed")); now != changes {
		t.Errorf("the state has changed %d times", now-changes)
	}
	s.believedNothing(t)
	if now, again := s.Ollama.ContainerID(t), s.Ollama.RestartCount(t); now != id || again != restarts {
		t.Errorf("the container is %s after %d restarts, want %s after %d", now, again, id, restarts)
	}
	s.serves(t)
}

// allQuoted tells every lie once, and does something beside.
func (s *stand) allQuoted(t *testing.T, answers map[lie]reply, beside func(*testing.T)) {
	t.Helper()
	told := make(chan map[lie]reply, 1)
	go func() { told <- s.tell(t.Context()) }()
	beside(t)
	for lie, got := range <-told {
		if own, quoted := answers[lie]; quoted && got != own {
			t.Errorf("%s %s was answered with %+v, and Ollama's own answer is %+v", lie.path, lie.body, got, own)
		}
	}
}

// ownAnswers asks Ollama without Clawgate. A stream in OpenAI's form that lacks the
// error, as it does in 0.9.6, is left out: the relay cuts it, since it has no end.
func (s *stand) ownAnswers(t *testing.T) map[lie]reply {
	t.Helper()
	answers, quoting := map[lie]reply{}, 0
	for _, lie := range lies() {
		answer, err := post(t.Context(), s.server.URL+lie.path, lie.body)
		switch {
		case err != nil:
			t.Fatal(err)
		case strings.Contains(answer.Body, `"error"`):
			answers[lie] = answer
		case !strings.HasPrefix(answer.Kind, "text/event-stream"):
			t.Errorf("Ollama has no objection to %s: %+v", lie.body, answer)
		}
		if strings.Contains(answer.Body, lie.words) {
			quoting++
		}
	}
	if quoting < 2*len(sentences)+2 {
		t.Errorf("Ollama quotes %d of %d lies only: %+v", quoting, len(lies()), answers)
	}
	return answers
}

// tell has every lie told once, one after another.
func (s *stand) tell(ctx context.Context) map[lie]reply {
	answers := map[lie]reply{}
	for _, lie := range lies() {
		answer, err := post(ctx, s.relay+lie.path, lie.body)
		if err != nil {
			answer.Body = err.Error()
		}
		answers[lie] = answer
	}
	return answers
}

// replaceTheRunner asks for other runners of the model, and for none.
func (s *stand) replaceTheRunner(t *testing.T) {
	t.Helper()
	s.posted(t, "/api/chat", brief(parts.Model, map[string]any{"num_ctx": 512}))
	s.posted(t, "/api/chat", brief(parts.Model, map[string]any{"num_ctx": 1024}))
	s.posted(t, "/api/generate", map[string]any{"model": parts.Model, "keep_alive": 0})
	s.posted(t, "/api/chat", brief(parts.Model, nil))
	s.posted(t, "/api/generate", map[string]any{"model": parts.Model, "keep_alive": 0})
}

// changeTheModel asks for another model, which takes the first one's place, and for
// other names of both.
func (s *stand) changeTheModel(t *testing.T) {
	t.Helper()
	for _, name := range []string{secondModel, copied, parts.Model, copied, parts.Model} {
		s.posted(t, "/api/chat", brief(name, nil))
	}
}

// give gives a model's weights to another name. Ollama (0.9.6) does not do that at
// once: who asks for the name meanwhile is told "EOF".
func (s *stand) give(t *testing.T, from, to string) {
	t.Helper()
	s.posted(t, "/api/copy", map[string]any{"source": from, "destination": to})
}

func brief(model string, options map[string]any) map[string]any {
	all := map[string]any{"num_predict": 3}
	maps.Copy(all, options)
	return map[string]any{"model": model, "messages": hello(), "stream": false, "options": all}
}

// believedNothing: the log of a server that nothing happened to.
func (s *stand) believedNothing(t *testing.T) {
	t.Helper()
	for _, message := range []string{
		"a runner died", "there was no room for a model", "a model is kept out", "a remedy is due", "taking a remedy", "recovered",
	} {
		if records := s.logged(t, message); len(records) > 0 {
			t.Errorf("%q is logged, and nothing of that kind has happened: %v", message, records[0])
		}
	}
}

// saidByTheModel: a schema that allows one answer only has the model say it.
func (s *stand) saidByTheModel(t *testing.T) {
	schema := map[string]any{"type": "json_schema", "json_schema": map[string]any{
		"name": "lie", "schema": map[string]any{"type": "string", "enum": []string{sentences[1]}},
	}}
	for _, stream := range []bool{true, false} {
		body, err := json.Marshal(map[string]any{
			"model": parts.Model, "messages": hello(), "response_format": schema, "max_tokens": 100, "stream": stream,
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			answer, err := post(t.Context(), s.relay+"/v1/chat/completions", string(body))
			if err != nil || answer.Status != http.StatusOK || strings.Contains(answer.Body, `"error"`) {
				t.Fatalf("the model does not say it: %+v: %v", answer, err)
			}
			if !stream && !strings.Contains(answer.Body, sentences[1]) {
				t.Errorf("the answer is not what the schema asks for: %+v", answer)
			}
		}
	}
	s.believedNothing(t)
}

// repeatedNowhere: what a client wrote is for that client alone.
func (s *stand) repeatedNowhere(t *testing.T) {
	_, status, err := get(t.Context(), s.admin+"/-/status")
	if err != nil {
		t.Fatal(err)
	}
	_, metrics, err := get(t.Context(), s.admin+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for place, text := range map[string]string{
		"the sidecar's log": s.Sidecar.Logs(t), "the gateway's log": s.Gateway.Logs(t),
		"the health log": s.Sidecar.Exec(t, "cat", "/var/log/clawgate/health.log"),
		"the status":     string(status), "the metrics": string(metrics),
	} {
		if text == "" {
			t.Errorf("%s is empty", place)
		}
		quotesNobody(t, place, text)
	}
}

func quotesNobody(t *testing.T, place, text string) {
	t.Helper()
	for _, lie := range lies() {
		if at := strings.Index(text, lie.words); at >= 0 {
			t.Errorf("%s repeats %q: …%s…", place, lie.words, text[max(0, at-200):min(len(text), at+200)])
		}
	}
}

// settled is when Clawgate knows the runner of the last load at the latest: what was
// told to leave memory may go on for ten seconds, and it looks five times in three
// seconds at most.
const settled = 14 * time.Second

// reallyKilled: a lie was told a moment ago, and now it is true.
func (s *stand) reallyKilled(t *testing.T) {
	s.posted(t, "/api/chat", brief(parts.Model, map[string]any{"num_ctx": 512}))
	s.serves(t)
	s.staysFor(t, settled, "ready")
	s.tell(t.Context())
	streaming := ask(t, s.chat(100_000))
	streaming.begun(t, 10*time.Second)
	runner, known := s.Ollama.Runner(t), len(s.logged(t, "a runner died"))
	killed := time.Now()
	runner.Kill(t)
	var died []map[string]any
	parts.Await(t, 10*time.Second, "the death to be noticed", func() bool {
		died = s.logged(t, "a runner died")
		return len(died) > known
	})
	s.otherwiseRefused(t)
	noticed, err := time.Parse(time.RFC3339Nano, died[known]["time"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if took := noticed.Sub(killed); took > time.Second {
		t.Errorf("the death was noticed after %s, want less than a second", took)
	} else {
		t.Logf("noticed after %s", took.Round(time.Millisecond))
	}
	if cut := streaming.end(t, 30*time.Second); cut.Done || cut.ErrorLine == "" {
		t.Errorf("the stream that was cut looks like a whole one, or does not say why: %s", cut)
	}
	s.await(t, "the model to be back", 30*time.Second, func(now admin.Status) bool {
		return now.State == "ready" && now.Verdict.Name == "healthy"
	})
	s.servedByAnother(t, runner)
}

// otherwiseRefused asks until the model is back: who is refused in between is told
// nothing that another client wrote.
func (s *stand) otherwiseRefused(t *testing.T) {
	t.Helper()
	refusals := 0
	parts.Await(t, 30*time.Second, "an answer", func() bool {
		answer, err := s.chat(3).Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status == http.StatusServiceUnavailable {
			refusals++
			quotesNobody(t, "another client's answer", string(answer.Body))
		}
		return answer.Complete()
	})
	t.Logf("%d clients were refused until the model was back", refusals)
}
