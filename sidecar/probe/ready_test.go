package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

func TestTheReadinessProbeAsksForOneToken(t *testing.T) {
	options := func(text string) func(evidence.LoadedModel) ollama.RunnerOptions {
		return func(evidence.LoadedModel) ollama.RunnerOptions {
			return ollama.RunnerOptions{"num_ctx": json.RawMessage(text)}
		}
	}
	for name, c := range map[string]struct {
		change func(*ReadySpec)
		want   string
	}{
		"chat":            {nil, `{"model":"qwen3:32b","stream":true,"think":false,"messages":[{"role":"user","content":"say hi"}],"options":{"num_predict":1}}`},
		"generate":        {func(s *ReadySpec) { s.Path = "/api/generate" }, `{"model":"qwen3:32b","stream":true,"think":false,"prompt":"say hi","options":{"num_predict":1}}`},
		"embed":           {func(s *ReadySpec) { s.Path = "/api/embed" }, `{"model":"qwen3:32b","input":"say hi"}`},
		"embed as loaded": {func(s *ReadySpec) { s.Path, s.Options = "/api/embed", options("512") }, `{"model":"qwen3:32b","input":"say hi","options":{"num_ctx":512}}`},
		"embed, whatever is wanted of a text": {func(s *ReadySpec) {
			s.Path, s.Pattern, s.Varied = "/api/embed", regexp.MustCompile("hi"), true
		}, `{"model":"qwen3:32b","input":"say hi"}`},
		"the older call":  {func(s *ReadySpec) { s.Path = "/api/embeddings" }, `{"model":"qwen3:32b","prompt":"say hi"}`},
		"what it can":     {func(s *ReadySpec) { s.Path = "" }, `{"model":"qwen3:32b","stream":true,"think":false,"messages":[{"role":"user","content":"say hi"}],"options":{"num_predict":1}}`},
		"a pattern":       {func(s *ReadySpec) { s.Pattern = regexp.MustCompile("hi") }, `{"model":"qwen3:32b","stream":true,"think":false,"messages":[{"role":"user","content":"say hi"}],"options":{"num_predict":32}}`},
		"varied":          {func(s *ReadySpec) { s.Varied = true }, `{"model":"qwen3:32b","stream":true,"think":false,"messages":[{"role":"user","content":"say hi"}],"options":{"num_predict":16}}`},
		"known options":   {func(s *ReadySpec) { s.Options = options("4096") }, `{"model":"qwen3:32b","stream":true,"think":false,"messages":[{"role":"user","content":"say hi"}],"options":{"num_predict":1,"num_ctx":4096}}`},
		"as it was named": {func(s *ReadySpec) { s.Model = "QWEN3:32b" }, `{"model":"QWEN3:32b","stream":true,"think":false,"messages":[{"role":"user","content":"say hi"}],"options":{"num_predict":1}}`},
	} {
		inWorld(t, func(w *world) {
			asked := spec()
			if c.change != nil {
				c.change(&asked)
			}
			if strings.HasPrefix(asked.Path, "/api/embed") {
				w.ask = says(200, `{"embeddings":[[0.1]]}`)
			}
			result := w.ready(w.Context(), asked)
			if result.Outcome != evidence.Success || result.Late || result.Reason != "" || !result.Answered || result.Probe != evidence.ProbeReady {
				t.Errorf("%s: %+v", name, result)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if len(w.asked) != 1 || !reflect.DeepEqual(w.asked[0], want) {
				t.Errorf("%s: sent %v\nwant %v", name, w.asked, want)
			}
			w.expectCalls("/api/ps", cmp.Or(asked.Path, "/api/chat"))
		})
	}
}

func TestTheKnownOptionsAreThoseOfTheLoadedModel(t *testing.T) {
	inWorld(t, func(w *world) {
		asked, about := spec(), evidence.LoadedModel{}
		asked.Options = func(m evidence.LoadedModel) ollama.RunnerOptions { about = m; return nil }
		w.ready(w.Context(), asked)
		if about.Name != model || about.ContextLength != 4096 {
			t.Errorf("asked for the options of %+v", about)
		}
		if len(w.loaded) != 1 || w.loaded[0] != about {
			t.Errorf("sighted %+v", w.loaded)
		}
	})
}

func TestAModelThatIsNotLoadedIsNotAsked(t *testing.T) {
	for name, list := range map[string]string{
		"nothing is":    `{"models":[]}`,
		"null":          `{"models":null}`,
		"another is":    `{"models":[{"name":"llama3:latest"}]}`,
		"another tag":   `{"models":[{"name":"qwen3:8b"}]}`,
		"no list in it": `{}`,
	} {
		inWorld(t, func(w *world) {
			w.list = says(200, list)
			result := w.ready(w.Context(), spec())
			if result.Outcome != evidence.Unknown || result.Reason != `the model "qwen3:32b" is not loaded` || !result.Unloaded {
				t.Errorf("%s: %+v", name, result)
			}
			w.expectCalls("/api/ps")
		})
	}
}

func TestAModelThatIsSparedIsOnlyLookedFor(t *testing.T) {
	for list, reason := range map[string]string{
		`{"models":[{"name":"qwen3:32b"}]}`: "it rests",
		`{"models":[]}`:                     `the model "qwen3:32b" is not loaded`,
	} {
		inWorld(t, func(w *world) {
			w.list = says(200, list)
			asked := spec()
			asked.Spare = "it rests"
			if result := w.ready(w.Context(), asked); result.Outcome != evidence.Unknown || result.Reason != reason || result.Unloaded != (reason != asked.Spare) {
				t.Errorf("%s: %+v", list, result)
			}
			if w.loaded == nil {
				t.Errorf("%s: what is loaded was not told", list)
			}
			w.expectCalls("/api/ps")
		})
	}
}

func TestALateChunkTellsSlowFromDead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ask = after(10*time.Second, says(200, oneToken))
		result := w.ready(w.Context(), spec())
		if result.Outcome != evidence.Success || !result.Late || result.Reason != "the first chunk came after 10s" || result.Took != 10*time.Second {
			t.Errorf("%+v", result)
		}
		w.expectLate("a first chunk")
	})
}

func TestAnEarlyAnswerIsNeverOverdue(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ask = after(3*time.Second-time.Microsecond, says(200, oneToken))
		if result := w.ready(w.Context(), spec()); result.Outcome != evidence.Success || result.Late {
			t.Errorf("%+v", result)
		}
		time.Sleep(time.Minute)
		w.expectLate()
	})
}

func TestATimerThatFiresTooLateReportsNothing(t *testing.T) {
	attempt := &readiness{overdue: func(waitsFor string) { t.Errorf("overdue: %s", waitsFor) }}
	attempt.end()
	attempt.deadlinePassed()
}

func TestTheProbeStaysOpenUntilItIsCalledOff(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ask = never
		ctx, callOff := context.WithCancel(w.Context())
		time.AfterFunc(time.Hour, callOff)
		result := w.ready(ctx, spec())
		if result.Outcome != evidence.Unknown || result.Reason != "the probe was called off" || result.Took != time.Hour {
			t.Errorf("%+v", result)
		}
		w.expectLate("a first chunk")
		time.Sleep(time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.gone != 1 {
			t.Error("the server's request goes on")
		}
	})
}

func TestAServerWithoutAListIsSilentAsAWhole(t *testing.T) {
	inWorld(t, func(w *world) {
		w.list = never
		result := w.ready(w.Context(), spec())
		if result.Outcome != evidence.Failure || !result.Server || result.Answered || result.Took != 8*time.Second {
			t.Errorf("%+v", result)
		}
		if result.Reason != "waiting for the list of loaded models: no answer within 8s" {
			t.Errorf("says %q", result.Reason)
		}
		w.expectLate(WaitsForList)
		w.expectCalls("/api/ps")
	})
}

func TestAnOverdueProbeSaysWhenItWaitsForSomethingElse(t *testing.T) {
	inWorld(t, func(w *world) {
		list := w.list
		w.list = after(4*time.Second, list)
		w.ask = after(4*time.Second, says(200, oneToken))
		if result := w.ready(w.Context(), spec()); !result.Late {
			t.Errorf("%+v", result)
		}
		w.expectLate(WaitsForList, "a first chunk")
	})
}

func TestAnOddListIsAnAnswer(t *testing.T) {
	for name, list := range map[string]http.HandlerFunc{
		"a proxy's error": says(502, "bad gateway"), "no such call": says(404, "404 page not found"), "garbage": says(200, "<html>"),
	} {
		inWorld(t, func(w *world) {
			w.list = list
			result := w.ready(w.Context(), spec())
			if result.Outcome != evidence.Failure || !result.Server || !result.Answered {
				t.Errorf("%s: %+v", name, result)
			}
			w.expectCalls("/api/ps")
		})
	}
}
