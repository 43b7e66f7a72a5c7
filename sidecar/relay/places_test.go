package relay

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// family has a copy, a persona and a variant of the model, and another one. Digests
// are those of the names, by which one can be made anew.
func family(digests ...string) *ollama.Directory {
	d := &ollama.Directory{}
	tags := []ollama.Tag{
		{Name: model, Digest: "1"}, {Name: "gpt-4:latest", Digest: "1"}, {Name: "persona:latest", Digest: "2"},
		{Name: "tuned:latest", Digest: "3"}, {Name: "other:latest", Digest: "4"}, {Name: "far:latest", Digest: "5", Remote: true},
		{Name: "raw:latest", Digest: "7"}, // not described
	}
	for pair := range slices.Chunk(digests, 2) {
		tags = slices.DeleteFunc(tags, func(tag ollama.Tag) bool { return tag.Name == pair[0] })
		if pair[1] != "" {
			tags = append(tags, ollama.Tag{Name: pair[0], Digest: pair[1]})
		}
	}
	d.List(tags)
	for digest, variant := range map[string]ollama.Variant{
		"1": {Place: "sha256-a"}, "2": {Place: "sha256-a"}, "3": {Place: "sha256-a", Parameters: "num_ctx 2048"}, "4": {Place: "sha256-b"}, "6": {Place: "sha256-c"},
	} {
		d.Learn(digest, ollama.Description{Variant: variant})
	}
	return d
}

func (w *world) know(d *ollama.Directory) {
	w.relay.SetModels(d.Catalogue(w.relay.models.Load().Catalogue, model))
}

// blocked is an Ollama that answers nothing until the end.
func (w *world) blocked() (release func()) {
	gate := make(chan struct{})
	w.ollama(func(writer http.ResponseWriter, request *http.Request) { <-gate; chat("hi")(writer, request) })
	return func() { close(gate) }
}

// inFlight are the models that Ollama works for, by title, in order.
func (w *world) inFlight() (titles []string) {
	synctest.Wait()
	for _, request := range w.relay.Traffic().InFlight {
		titles = append(titles, request.Model)
	}
	slices.Sort(titles)
	return titles
}

func (w *world) wantInFlight(want ...string) {
	w.Helper()
	if got := w.inFlight(); !slices.Equal(got, want) {
		w.Errorf("with Ollama are %q, want %q", got, want)
	}
}

// all waits for the replies, which are to have one status.
func (w *world) all(status int, replies ...<-chan reply) {
	w.Helper()
	for i, r := range replies {
		if got := <-r; got.status != status || got.err != nil {
			w.Errorf("reply %d: %d %s %v, want %d", i, got.status, got.body, got.err, status)
		}
	}
}

func TestModelsOfAPlaceHaveItsSlotsTogether(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.know(family())
		release := w.blocked()
		var replies []<-chan reply
		for _, name := range []string{"gpt-4", "PERSONA", "tuned", model, "other"} {
			replies = append(replies, w.later("/api/chat", asking(name)))
		}
		w.wantInFlight("other:latest", model, model)
		if load := w.relay.Load(); load.Queued != 2 || len(w.relay.admission.lanes) != 3 || len(w.relay.admission.places) != 2 {
			w.Errorf("%+v in %d lanes at %d places", load, len(w.relay.admission.lanes), len(w.relay.admission.places))
		}
		release()
		w.all(200, replies...)
		synctest.Wait()
		if len(w.relay.admission.lanes)+len(w.relay.admission.places) != 0 {
			w.Error("lanes and places are left")
		}
	})
}

func TestVariantsOfAPlaceTakeTurns(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.know(family())
		w.ollama(slow)
		var replies []<-chan reply
		for _, name := range []string{model, "gpt-4", "persona", model, "tuned", "tuned"} {
			replies = append(replies, w.later("/api/chat", asking(name)))
		}
		w.all(200, replies...)
		order := ""
		for _, body := range w.served {
			_, name, _ := strings.Cut(body, `"model":"`)
			order += name[:1]
		}
		if order != "qgtptq" {
			w.Errorf("served in the order %q", order)
		}
	})
}

func TestAClosureIsAVariants(t *testing.T) {
	for closed, open := range map[string][]string{model: {"tuned", "other", "far"}, "tuned:latest": {model, "gpt-4", "persona", "other", "far"}} {
		inWorld(t, nil, func(w *world) {
			w.know(family())
			w.relay.SetGate(Gate{State: "ready", Models: map[string]Closure{closed: {Reason: "dead", MayHold: true}}})
			for _, name := range []string{model, "gpt-4", "persona", "tuned", "other", "far", "nobodys"} {
				want := 503
				if slices.Contains(open, name) {
					want = 200
				}
				if got := w.post("/api/chat", asking(name)); got.status != want {
					w.Errorf("%s is closed, and %s gets %d", closed, name, got.status)
				}
			}
			held := w.later("/api/chat", asking(closed), "Prefer", "wait=60")
			if got := w.post("/api/chat", asking(open[0])); got.status != 200 {
				w.Errorf("%s is held, and %s gets %d", closed, open[0], got.status)
			}
			w.open()
			w.all(200, held)
		})
	}
}

func TestAPlaceIsCancelledAsOne(t *testing.T) {
	for title, want := range map[string]int{model: 4, "tuned:latest": 4, "other:latest": 2, "": 6, "nobodys:latest": 1} {
		inWorld(t, func(c *Config) { c.MaxInFlight = 9 }, func(w *world) {
			w.know(family())
			w.ollama(frozen)
			for _, name := range []string{"gpt-4", "persona", "tuned", "other", "far", "nobodys"} {
				w.later("/api/chat", asking(name), "Prefer", "wait=1")
			}
			w.close(Closure{Reason: "recovering"})
			if got := w.relay.Cancel(w.Context(), title, "frozen"); got != want {
				w.Errorf("%q: %d cancelled, want %d", title, got, want)
			}
			w.relay.Cancel(w.Context(), "", "over")
			synctest.Wait()
		})
	}
}

func TestASuspectIsAloneAtItsPlace(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.know(family())
		release := w.blocked()
		suspect := w.later("/api/chat", asking("tuned"), "Clawgate-Replayed", "1")
		behind, beside := w.later("/api/chat", asking("gpt-4")), w.later("/api/chat", asking("other"))
		w.wantInFlight("other:latest", "tuned:latest")
		release()
		w.all(200, suspect, behind, beside)
	})
}

// What is with Ollama keeps its model, and what waits is for the one that its name
// stands for by now.
func TestWhatIsInHandWhenNamesChange(t *testing.T) {
	for name, c := range map[string]struct {
		asked  string
		then   *ollama.Directory
		flying string // the title of what is with Ollama
		queued string // the lane of what waits
	}{
		"nothing changes":                     {"gpt-4", family(), model, model},
		"made anew from other weights":        {model, family(model, "6"), "gpt-4:latest", model},
		"made anew, and it had no other name": {"other", family("other:latest", "6"), "other:latest@4", "other:latest"},
		"made anew before it was described":   {"raw", family("raw:latest", "6"), "raw:latest@7", "raw:latest"},
		"deleted":                             {"tuned", family("tuned:latest", ""), "tuned:latest", opaqueLane},
		"a name of the model is deleted":      {"gpt-4", family("gpt-4:latest", ""), model, opaqueLane},
		"its title is deleted":                {model, family(model, ""), "gpt-4:latest", model}, // the sidecar's own is known in any case
		"a name comes":                        {"new", family("new:latest", "1"), model, model},
		"a model comes":                       {"new", family("new:latest", "6"), "new:latest", "new:latest"},
	} {
		inWorld(t, func(c *Config) { c.MaxInFlight, c.Model = 1, model }, func(w *world) {
			w.know(family())
			release := w.blocked()
			replies := []<-chan reply{w.later("/api/chat", asking(c.asked)), w.later("/api/chat", asking(c.asked))}
			w.know(c.then)
			synctest.Wait()
			if got := w.inFlight(); !slices.Contains(got, c.flying) {
				w.Errorf("%s: with Ollama are %q, want %q", name, got, c.flying)
			}
			w.relay.admission.mu.Lock()
			if l := w.relay.admission.lanes[c.queued]; len(w.relay.admission.flights) == 1 && (l == nil || len(l.all()) != 1) {
				w.Errorf("%s: nobody waits in the lane %q", name, c.queued)
			}
			w.relay.admission.mu.Unlock()
			release()
			w.all(200, replies...)
			synctest.Wait()
			if a := w.relay.admission; len(a.lanes)+len(a.places)+len(a.flights)+a.waiting != 0 {
				w.Errorf("%s: something is left in %d lanes, %d places", name, len(a.lanes), len(a.places))
			}
			if first := w.signs[slices.IndexFunc(w.signs, func(s evidence.Sign) bool { return s.Kind == evidence.SignFirstChunk && s.Request == 1 })]; first.Model != c.flying {
				w.Errorf("%s: the first chunk is told of %q, want %q", name, first.Model, c.flying)
			}
		})
	}
}

// Two models of which it becomes known that they lie in one place share its slots.
func TestAPlaceBecomesKnown(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.relay.SetModels(listing(model, "tuned"))
		release := w.blocked()
		replies := []<-chan reply{w.later("/api/chat", asking(model)), w.later("/api/chat", asking("tuned"))}
		w.wantInFlight(model, "tuned:latest")
		w.know(family())
		replies = append(replies, w.later("/api/chat", asking("persona")))
		w.wantInFlight(model, "tuned:latest")
		if p := w.relay.admission.places[home{place: "sha256-a"}]; p == nil || p.inFlight != 2 || len(p.lanes) != 2 {
			w.Errorf("the place is %+v", p)
		}
		release()
		w.all(200, replies...)
	})
}

func TestAGateThatIsClosedForWhatANameStandsForNow(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.know(family())
		release := w.blocked()
		first, queued := w.later("/api/chat", asking("persona")), w.later("/api/chat", asking("persona"))
		w.relay.SetGate(Gate{State: "ready", Models: map[string]Closure{"other:latest": {Reason: "it cannot be loaded"}}})
		w.know(family("persona:latest", "4"))
		start := time.Now()
		if got := <-queued; got.status != 503 || !strings.Contains(got.body, "cannot be loaded") || time.Since(start) > 0 {
			w.Errorf("%d %s after %v", got.status, got.body, time.Since(start))
		}
		release()
		w.all(200, first)
	})
}

func TestWhoWaitsKeepsTheOrderWhenNamesChange(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 1 }, func(w *world) {
		w.know(family())
		w.ollama(slow)
		var replies []<-chan reply
		for i := range 6 {
			replies = append(replies, w.later("/api/chat", `{"model":"tuned","messages":[{"content":"`+strings.Repeat("x", i)+`"}]}`))
		}
		w.know(family("tuned:latest", "1"))
		w.all(200, replies...)
		if !slices.IsSortedFunc(w.served, func(a, b string) int { return len(a) - len(b) }) {
			w.Errorf("served %q", w.served)
		}
	})
}

func TestTheListIsReadAnewForANameThatOllamaHas(t *testing.T) {
	for name, c := range map[string]struct {
		model  string
		answer http.HandlerFunc
		want   int
	}{
		"one that is not listed": {"new", chat("hi"), 1},
		"one that is":            {"gpt-4", chat("hi"), 0},
		"one of another machine": {"new:cloud", chat("hi"), 0},
		"none":                   {"", chat("hi"), 0},
		"one that nobody has": {"new", func(writer http.ResponseWriter, _ *http.Request) {
			writer.WriteHeader(404)
			io.WriteString(writer, `{"error":"model \"new\" not found"}`)
		}, 0},
	} {
		called := 0
		inWorld(t, func(c *Config) { c.Relist = func() { called++ } }, func(w *world) {
			w.know(family())
			w.ollama(c.answer)
			w.post("/api/chat", asking(c.model))
			if called != c.want {
				w.Errorf("%s: called %d times, want %d", name, called, c.want)
			}
		})
	}
}

func TestRunnerOptionsAreAModels(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.know(family())
		w.post("/api/chat", `{"model":"gpt-4","messages":[{"content":"x"}],"options":{"num_ctx":8192}}`)
		if options, known := w.relay.RunnerOptions(model); !known || string(options["num_ctx"]) != "8192" {
			w.Errorf("%v %v", options, known)
		}
		w.post("/api/generate", `{"model":"other","keep_alive":0}`)
		if _, known := w.relay.RunnerOptions(model); !known {
			w.Error("forgotten when another model was unloaded")
		}
		w.post("/api/generate", `{"model":"tuned","keep_alive":0}`)
		if _, known := w.relay.RunnerOptions(model); known {
			w.Error("remembered though its place was unloaded")
		}
	})
}

func TestTheGatewayIsToldAllNamesOfAClosedModel(t *testing.T) {
	inWorld(t, func(c *Config) { c.Model = "gpt-4" }, func(w *world) {
		w.know(family())
		w.relay.SetGate(Gate{State: "ready", Models: map[string]Closure{model: {Reason: "dead"}, "x@3": {Reason: "nameless"}}})
		told := w.relay.readiness().Models
		if len(told) != 4 || told[model] != "dead" || told["gpt-4:latest"] != "dead" || told["persona:latest"] != "dead" || told["x@3"] != "nameless" {
			w.Errorf("%v", told)
		}
		models := map[string]Closure{model: {Reason: "dead"}}
		for i := range maxTold {
			models[strings.Repeat("a", i+1)] = Closure{Reason: "x"}
		}
		w.relay.SetGate(Gate{State: "ready", Models: models})
		if told := w.relay.readiness().Models; len(told) != maxTold || told["persona:latest"] != "dead" {
			w.Errorf("%d names, %q", len(told), told["persona:latest"])
		}
	})
}
