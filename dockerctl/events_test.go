package dockerctl

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// message is an event of the container as the engine writes it.
func message(action string, at time.Time, attributes string) string {
	return fmt.Sprintf(`{"Type":"container","Action":%q,"Actor":{"ID":%q,"Attributes":{"name":%q%s}},"time":%d,"timeNano":%d}`+"\n",
		action, judged.ID, name, attributes, at.Unix(), at.UnixNano())
}

// stream answers with text, and then stays open for the given time.
func stream(text string, open time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(text))
		select {
		case <-r.Context().Done():
		case <-time.After(open):
		}
	}
}

// inTurn gives each call the next answer, and the last one to all that follow.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	next := make(chan http.HandlerFunc, len(handlers))
	for _, handler := range handlers {
		next <- handler
	}
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case handler := <-next:
			handler(w, r)
		default:
			handlers[len(handlers)-1](w, r)
		}
	}
}

// follow runs Events for a while of virtual time and returns what was posted.
func follow(t *testing.T, container *Container, during time.Duration) []evidence.ContainerEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	var posted []evidence.ContainerEvent
	if err := container.Events(ctx, func(event evidence.ContainerEvent) { posted = append(posted, event) }); err != nil {
		t.Errorf("Events returned %v at the end of its context", err)
	}
	return posted
}

func actions(posted []evidence.ContainerEvent) string {
	names := make([]string, len(posted))
	for i, event := range posted {
		names[i] = string(event.Action)
	}
	return strings.Join(names, " ")
}

func TestEventsTellsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		at := began.Add(time.Second).UTC()
		fake := newFakeEngine()
		fake.answer("GET /events", stream(
			message("kill", at, `,"signal":"15"`)+message("die", at, `,"exitCode":"137"`)+message("stop", at, "")+
				message("top", at, "")+message("health_status: healthy", at, "")+message("exec_start: sh", at, "")+
				strings.ReplaceAll(message("die", at, ""), name, name+"-2")+ // the engine's filter is a prefix
				message("start", at, ""), time.Hour))
		posted := follow(t, fake.inMemory(t), time.Minute)
		want := []evidence.ContainerEvent{
			{At: began, Action: evidence.Resync},
			{At: at, ID: judged.ID, Action: evidence.ActionKill, Signal: "15"},
			{At: at, ID: judged.ID, Action: evidence.ActionDie, ExitCode: 137},
			{At: at, ID: judged.ID, Action: evidence.ActionStop},
			{At: at, ID: judged.ID, Action: evidence.ActionStart},
		}
		if !slices.EqualFunc(posted, want, func(a, b evidence.ContainerEvent) bool {
			sameTime := a.At.Equal(b.At)
			a.At, b.At = time.Time{}, time.Time{}
			return sameTime && a == b
		}) {
			t.Errorf("got  %v\nwant %v", posted, want)
		}
	})
}

func TestEventsAsksForThisContainerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		since := time.Unix(1700000000, 5)
		fake := newFakeEngine()
		fake.answer("GET /events", stream("", time.Hour))
		follow(t, fake.inMemory(t, EventsSince(since)), time.Second)
		filters := url.QueryEscape(`{"container":{"clawgate-ollama":true},"type":{"container":true}}`)
		if want := []string{"GET /v1.41/events?filters=" + filters + "&since=1700000000.000000005"}; !slices.Equal(fake.calls(), want) {
			t.Errorf("asked %q\nwant  %q", fake.calls(), want)
		}
	})
}

func TestAStreamThatEndsIsOpenedAgainWhereItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now().Add(time.Second)
		fake := newFakeEngine()
		fake.answer("GET /events", inTurn(stream(message("die", at, ""), time.Minute), stream(message("start", at.Add(time.Minute), ""), time.Hour)))
		if got := actions(follow(t, fake.inMemory(t), 2*time.Minute)); got != "resync die resync start" {
			t.Errorf("posted %q", got)
		}
		calls := fake.calls()
		if want := fmt.Sprintf("&since=%d.%09d", at.Unix(), at.Nanosecond()+1); len(calls) != 2 || !strings.HasSuffix(calls[1], want) {
			t.Errorf("asked %q, want %q at the end of the second", calls, want)
		}
	})
}

func TestALostEngineIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answer("GET /events", stream("", time.Minute))
		away := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
		up := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
		fake.answer("HEAD /_ping", inTurn(up, away, away, away, away, up))
		posted := follow(t, fake.inMemory(t), 90*time.Second)
		if got := actions(posted); got != "resync engine_lost resync" {
			t.Fatalf("posted %q", got)
		}
		if lost := posted[1].At.Sub(posted[0].At); lost != time.Minute {
			t.Errorf("the loss was told %s after the stream opened, want at its end after 1m0s", lost)
		}
		if back := posted[2].At.Sub(posted[1].At); back > 10*time.Second {
			t.Errorf("the stream was open again only %s later", back)
		}
	})
}

func TestAnEngineThatIsAwayFromTheStartIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answer("HEAD /_ping", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if got := actions(follow(t, fake.inMemory(t), time.Minute)); got != "engine_lost" {
			t.Errorf("posted %q", got)
		}
	})
}

func TestAttemptsSpreadOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answerJSON("GET /events", 503, "")
		follow(t, fake.inMemory(t), 10*time.Minute)
		// A pause is 2.5 s to 5 s once it has grown.
		if attempts := len(fake.calls()); attempts < 120 || attempts > 260 {
			t.Errorf("%d attempts in 10 minutes", attempts)
		}
	})
}

func TestStreamsThatEndAtOnceDoNotSpin(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "garbage": "<html>"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newFakeEngine()
				fake.answer("GET /events", stream(text, 0))
				posted := follow(t, fake.inMemory(t), 10*time.Minute)
				if attempts := len(fake.calls()); attempts < 120 || attempts > 260 {
					t.Errorf("%d attempts in 10 minutes", attempts)
				}
				if strings.Contains(actions(posted), "engine_lost") {
					t.Error("an engine that answers was told to be lost")
				}
			})
		})
	}
}

// A guard whose rule does not fit refuses: the engine is there all the same.
func TestARefusedStreamIsNoLostEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answerJSON("GET /events", 403, "forbidden")
		if posted := follow(t, fake.inMemory(t), time.Minute); len(posted) != 0 {
			t.Errorf("posted %v", posted)
		}
	})
}

func TestAStreamThatDoesNotOpenIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeEngine()
		fake.answer("GET /events", inTurn(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, stream("", time.Hour)))
		posted := follow(t, fake.inMemory(t), time.Minute)
		if got := actions(posted); got != "engine_lost resync" {
			t.Fatalf("posted %q", got)
		}
	})
}

func TestEventsEndsWithARealConnection(t *testing.T) {
	fake := newFakeEngine()
	fake.answer("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	var posted []evidence.ContainerEvent
	err := fake.serve(t).Events(ctx, func(event evidence.ContainerEvent) {
		posted = append(posted, event)
		cancel()
	})
	if got := actions(posted); err != nil || got != "resync" {
		t.Errorf("posted %q, %v", got, err)
	}
}
