package relay

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// unproved is an open gate at which models have yet to prove themselves, but for some.
func unproved(titles ...string) Gate {
	gate := Gate{State: "ready", Proved: map[string]bool{}}
	for _, title := range titles {
		gate.Proved[title] = true
	}
	return gate
}

// speaks says a word and goes on until it is released.
func (w *world) speaks() (release func()) {
	gate := make(chan struct{})
	w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
		say(writer, "hi")
		<-gate
		io.WriteString(writer, doneLine)
	})
	return func() { close(gate) }
}

func TestOneRequestProvesAModelAtATime(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 5 }, func(w *world) {
		w.know(family())
		w.relay.SetGate(unproved("other:latest"))
		release := w.blocked()
		replies := []<-chan reply{w.later("/api/chat", asking(model))}
		for _, name := range []string{"gpt-4", "persona", "tuned", "tuned", "other", "other", "far", "far", "nobodys", "nobodys", "x:cloud", "x:cloud"} {
			replies = append(replies, w.later("/api/chat", asking(name)))
		}
		w.wantInFlight("far:latest", "far:latest", "nobodys:latest", "nobodys:latest", "other:latest", "other:latest", model, "tuned:latest", "x:cloud", "x:cloud")
		if load := w.relay.Load(); load.Queued != 3 || load.Held != 0 {
			w.Errorf("%+v", load)
		}
		release()
		w.all(200, replies...)
	})
}

func TestTheFirstChunkIsTheProof(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 5 }, func(w *world) {
		w.relay.SetGate(unproved())
		silent := w.blocked()
		replies := []<-chan reply{w.later("/api/chat", chatBody), w.later("/api/chat", chatBody), w.later("/api/chat", chatBody)}
		w.wantInFlight(model)
		release := w.speaks()
		silent() // the first answers, and the others find a model that goes on speaking
		w.wantInFlight(model, model)
		replies = append(replies, w.later("/api/chat", chatBody))
		w.wantInFlight(model, model, model)
		release()
		w.all(200, replies...)
		if len(w.relay.admission.proofs) != 1 {
			w.Errorf("proofs %v", w.relay.admission.proofs)
		}
		w.relay.SetGate(unproved(model))
		if len(w.relay.admission.proofs) != 0 {
			w.Error("what the gate tells is kept here, too")
		}
	})
}

func TestAProofIsForOneRunOfTheServer(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 5 }, func(w *world) {
		w.relay.SetGate(unproved())
		w.post("/api/chat", chatBody)
		w.relay.SetGate(Gate{State: "recovering", All: &Closure{Reason: "recovering"}, Proved: map[string]bool{}})
		w.relay.SetGate(unproved())
		release := w.blocked()
		replies := []<-chan reply{w.later("/api/chat", chatBody), w.later("/api/chat", chatBody)}
		w.wantInFlight(model)
		release()
		w.all(200, replies...)
	})
}

func TestOneThatEndsWithoutAProofIsFollowedByAnother(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 5 }, func(w *world) {
		w.relay.SetGate(unproved())
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			writer.WriteHeader(500)
			io.WriteString(writer, `{"error":"it cannot be loaded"}`)
		})
		replies := []<-chan reply{w.later("/api/chat", chatBody), w.later("/api/chat", chatBody), w.later("/api/chat", chatBody)}
		for range 3 {
			w.wantInFlight(model)
			time.Sleep(time.Second)
		}
		w.all(500, replies...)
	})
}

func TestHowLongAProofIsWaitedFor(t *testing.T) {
	const second = time.Second
	for name, c := range map[string]struct {
		works  time.Duration // from when on the container does
		gate   time.Duration // when the gate says that the model is proved; 0 for never
		budget time.Duration
		want   time.Duration
		status int
	}{
		"the server works":              {0, 0, 60 * second, 10 * second, 200},
		"it works later":                {12*second + 500*time.Millisecond, 0, 60 * second, 13 * second, 200},
		"it is still":                   {time.Hour, 0, 60 * second, 60 * second, 503},
		"it is still, for a short time": {time.Hour, 0, 5 * second, 5 * second, 503},
		"the gate says it":              {time.Hour, 3 * second, 60 * second, 3 * second, 200},
	} {
		var began time.Time
		working := func() bool { return time.Since(began) >= c.works }
		inWorld(t, func(config *Config) { config.MaxInFlight, config.QueueTimeout, config.Working = 5, c.budget, working }, func(w *world) {
			began = time.Now()
			w.relay.SetGate(unproved())
			var asked atomic.Int64
			release := make(chan struct{})
			w.ollama(func(writer http.ResponseWriter, request *http.Request) {
				if asked.Add(1) == 1 {
					<-release
				}
				chat("hi")(writer, request)
			})
			first := w.later("/api/chat", chatBody)
			took := make(chan time.Duration, 1)
			second := make(chan reply, 1)
			go func() { second <- w.post("/api/chat", chatBody); took <- time.Since(began) }()
			if c.gate > 0 {
				time.Sleep(c.gate)
				w.relay.SetGate(unproved(model))
			}
			w.all(c.status, second)
			if got := <-took; got != c.want {
				w.Errorf("%s: decided after %v, want %v", name, got, c.want)
			}
			close(release)
			w.all(200, first)
		})
	}
}

// trying is a gate that is closed until anything answers.
func trying(models map[string]Closure) Gate {
	return Gate{
		State: "verifying", All: &Closure{Reason: "nothing has answered yet", MayHold: true},
		Models: models, Proved: map[string]bool{}, Trial: true,
	}
}

func TestOneRequestOfAllIsLetThroughAsTheProof(t *testing.T) {
	inWorld(t, func(c *Config) { c.MaxInFlight = 5 }, func(w *world) {
		w.know(family())
		w.relay.SetGate(trying(map[string]Closure{model: {Reason: "it cannot be loaded", MayHold: true}}))
		for _, name := range []string{model, "persona", "far", "nobodys", "x:cloud"} {
			if got := w.post("/api/chat", asking(name)); got.status != 503 {
				w.Errorf("%s: %d", name, got.status)
			}
		}
		silent := w.blocked()
		first := w.later("/api/chat", asking("tuned"))
		w.wantInFlight("tuned:latest")
		if got := w.post("/api/chat", asking("other")); got.status != 503 || got.header.Get("Clawgate-Reason") != "gate" {
			w.Errorf("one that may not wait: %d %v", got.status, got.header)
		}
		held := w.later("/api/chat", asking("other"), "Prefer", "wait=60")
		later := w.later("/api/chat", asking("tuned"), "Prefer", "wait=60")
		w.wantInFlight("tuned:latest")
		if load := w.relay.Load(); load.Held != 2 {
			w.Errorf("%+v", load)
		}
		release := w.speaks()
		silent() // the first ends; its successor speaks
		w.all(200, first)
		w.wantInFlight("other:latest") // which has waited longest
		w.relay.SetGate(unproved("tuned:latest", "other:latest"))
		w.wantInFlight("other:latest", "tuned:latest")
		release()
		w.all(200, held, later)
	})
}

func TestATrialThatFailsIsFollowedByAnother(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.know(family())
		w.relay.SetGate(trying(nil))
		w.ollama(func(writer http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			writer.WriteHeader(500)
			io.WriteString(writer, `{"error":"it cannot be loaded"}`)
		})
		suspect := w.later("/api/chat", asking("tuned"), "Clawgate-Replayed", "1", "Prefer", "wait=60")
		var replies []<-chan reply
		for _, name := range []string{"other", "gpt-4", "tuned"} {
			replies = append(replies, w.later("/api/chat", asking(name), "Prefer", "wait=60"))
		}
		again := w.later("/api/chat", asking("persona"), "Clawgate-Replayed", "1", "Prefer", "wait=60")
		for _, want := range []string{"tuned:latest", "other:latest", "tuned:latest", model, model} {
			w.wantInFlight(want)
			time.Sleep(time.Second)
		}
		w.all(500, append(replies, suspect, again)...)
	})
}

func TestATrialOfBeforeIsNotWaitedFor(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.know(family())
		w.relay.SetGate(trying(nil))
		release := w.blocked()
		first := w.later("/api/chat", asking("tuned"))
		w.open()
		w.relay.SetGate(trying(nil))
		second := w.later("/api/chat", asking("other"))
		w.wantInFlight("other:latest", "tuned:latest")
		release()
		w.all(200, first, second)
	})
}

func TestASuspectIsTheLastTrial(t *testing.T) {
	for range 5 { // the places have no order
		inWorld(t, nil, func(w *world) {
			w.know(family())
			w.ollama(slow)
			w.close(Closure{Reason: "recovering", MayHold: true})
			replies := []<-chan reply{w.later("/api/chat", asking("tuned"), "Clawgate-Replayed", "1", "Prefer", "wait=60")}
			replies = append(replies, w.later("/api/chat", asking("other"), "Prefer", "wait=60"))
			w.relay.SetGate(trying(nil))
			w.wantInFlight("other:latest")
			w.all(200, replies...)
		})
	}
}

func TestATrialThatIsOpenedBeforeAnybodyWaits(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.close(Closure{Reason: "recovering", MayHold: true})
		held := w.later("/api/chat", chatBody, "Prefer", "wait=60")
		w.relay.SetGate(trying(nil))
		w.all(200, held)
		for range 2 {
			if got := w.post("/api/chat", chatBody); got.status != 200 {
				w.Errorf("one after the other: %d", got.status)
			}
		}
	})
}

// A trial that finds no server tries for as long as any request, and not in circles.
func TestATrialWithoutAServerEnds(t *testing.T) {
	inWorld(t, func(c *Config) { c.HoldMax = 10 * time.Second }, func(w *world) {
		w.relay.SetGate(trying(nil))
		w.away.Store(true)
		start := time.Now()
		got := w.post("/api/chat", chatBody)
		if took := time.Since(start); got.status != 503 || got.header.Get("Clawgate-Reason") != "upstream" || took < 8*time.Second || took > 10*time.Second {
			w.Errorf("%d %v after %v", got.status, got.header, took)
		}
	})
}

func TestManyRandomGatesLeaveNothing(t *testing.T) {
	inWorld(t, func(c *Config) { c.QueueLength = 200; c.QueueTimeout = 5 * time.Second }, func(w *world) {
		w.know(family())
		w.ollama(slow)
		gates := []Gate{
			{State: "ready"}, unproved(), unproved(model), trying(nil), trying(map[string]Closure{model: {Reason: "x", MayHold: true}}),
			{State: "ready", Models: map[string]Closure{"tuned:latest": {Reason: "x", MayHold: true, HoldFor: time.Second}}},
			{State: "exhausted", All: &Closure{Reason: "spent"}},
		}
		names := []string{model, "gpt-4", "tuned", "other", "new", "far"}
		var replies []<-chan reply
		for i := range 150 {
			headers := []string{"Clawgate-Key", fmt.Sprint(i % 4), "Prefer", fmt.Sprintf("wait=%d", i%5)}
			if i%7 == 0 {
				headers = append(headers, "Clawgate-Replayed", "1")
			}
			replies = append(replies, w.later("/api/chat", asking(names[i*5%len(names)]), headers...))
			w.relay.SetGate(gates[i*11%len(gates)])
			if i%10 == 9 {
				w.know(family("gpt-4:latest", []string{"1", "6", "", "3"}[i/10%4]))
				w.relay.SetSlots(i % 3)
				time.Sleep(700 * time.Millisecond)
			}
		}
		w.open()
		for _, r := range replies {
			if got := <-r; got.err != nil || got.status != 200 && got.status != 503 {
				w.Errorf("%d %v", got.status, got.err)
			}
		}
		synctest.Wait()
		a := w.relay.admission
		if len(a.lanes)+len(a.places)+len(a.flights)+a.waiting != 0 || a.trial != nil {
			w.Errorf("left: %d lanes, %d places, %d with Ollama, %d waiting, trial %v", len(a.lanes), len(a.places), len(a.flights), a.waiting, a.trial != nil)
		}
	})
}

// What was sent before the gate counted proofs is the proof that others wait for.
func TestOneThatIsWithOllamaAlreadyMayProveTheModel(t *testing.T) {
	for name, works := range map[string]bool{"it is still": false, "the server works": true} {
		inWorld(t, func(c *Config) { c.MaxInFlight, c.Working = 5, func() bool { return works } }, func(w *world) {
			silent := w.blocked()
			replies := []<-chan reply{w.later("/api/chat", chatBody)}
			time.Sleep(6 * time.Second)
			w.relay.SetGate(unproved())
			replies = append(replies, w.later("/api/chat", chatBody))
			w.wantInFlight(model)
			time.Sleep(4 * time.Second) // ten since it was sent
			if got := len(w.inFlight()); got == 2 != works {
				w.Errorf("%s: %d are with Ollama after ten seconds", name, got)
			}
			release := w.speaks()
			silent()
			synctest.Wait()
			replies = append(replies, w.later("/api/chat", chatBody))
			if got := len(w.inFlight()); got < 1 || w.relay.Load().Queued != 0 {
				w.Errorf("%s: somebody waits after the first chunk", name)
			}
			release()
			w.all(200, replies...)
		})
	}
}
