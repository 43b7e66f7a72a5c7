package simulation_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// date is the clock in the server's answers.
func (v *visit) date() time.Time {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), http.MethodGet, "http://ollama/api/tags", nil)
	v.must(err)
	response, err := v.client.Do(request)
	v.must(err)
	response.Body.Close()
	at, err := time.Parse(http.TimeFormat, response.Header.Get("Date"))
	v.must(err)
	return at
}

func TestClockJumpsAndNothingEndsForIt(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		synctest.Wait() // the request's hold on the model has ended
		before, expiry := v.inspect(), v.ps()[0].ExpiresAt
		v.JumpClock(time.Hour)
		if off := v.date().Sub(time.Now().Add(time.Hour)); off < -time.Second || off > time.Second {
			v.Errorf("the answers' clock is off by %s", off)
		}
		if at := v.ps()[0].ExpiresAt; !at.Equal(expiry) || !at.Before(v.Now()) {
			v.Errorf("the loaded model expires at %s, before the jump at %s", at, expiry)
		}
		if c := v.inspect(); c.Identity != before.Identity {
			v.Errorf("the running container is %+v, before the jump %+v", c.Identity, before.Identity)
		}
		time.Sleep(4 * time.Minute)
		if len(v.ps()) != 1 {
			v.Error("the model went before its time")
		}
		time.Sleep(2 * time.Minute)
		if len(v.ps()) != 0 {
			v.Error("the model outlives its time")
		}
		v.JumpClock(-time.Hour)
		v.answers(chat(shortReply))
	})
}

func TestClockStampsWhatTheEngineSays(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.JumpClock(time.Hour)
		var events []evidence.ContainerEvent
		ctx, cancel := context.WithCancel(v.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = v.Events(ctx, func(e evidence.ContainerEvent) { events = append(events, e) })
		}()
		synctest.Wait()
		v.restart()
		cancel()
		<-ended
		if c := v.inspect(); time.Until(c.StartedAt) < 59*time.Minute || c.FinishedAt.After(c.StartedAt) {
			v.Errorf("the new run is %+v", c)
		}
		if last := events[len(events)-1]; last.Action != evidence.ActionStart || time.Until(last.At) < 59*time.Minute {
			v.Errorf("the last event is %+v", last)
		}
	})
}
