package gateway

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/gateway/config"
)

func TestAnswersThatHaveBegunGoOnAfterTheSignalToEnd(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		answers := make(chan reply, 1)
		go func() { answers <- w.do(http.MethodPost, "/api/generate", chatBody) }()
		synctest.Wait()
		w.stop()
		time.Sleep(5 * time.Minute)
		if _, err := w.door.dial(w.Context(), "tcp", ""); err == nil {
			t.Error("a new connection was taken")
		}
		if got := w.do("GET", "http://admin/-/healthy", ""); got.status != 200 {
			t.Errorf("the operator is not answered: %+v", got)
		}
		w.closed.Store(true)
		time.Sleep(2 * time.Second)
		if got := w.metric(`clawgate_gateway_sidecar_up{sidecar="10.0.0.1:18789"}`); got != "0" {
			t.Errorf("the sidecar is not looked at any more: up is %s", got)
		}
		close(w.hold)
		if got := <-answers; got.status != 200 || !strings.HasSuffix(got.body, `{"message":"what was answered"}`) {
			t.Errorf("%+v", got)
		}
	})
}

func TestAnAnswerThatDoesNotEndDoesNotKeepTheProcess(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://gateway/api/generate", strings.NewReader(chatBody))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := w.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		w.stop()
		time.Sleep(drainTimeout + 3*time.Second)
		if got := w.requests(); len(got) != 1 || got[0]["cut"] != "client" {
			t.Errorf("%v", got)
		}
		close(w.hold)
	})
}

func TestAPortThatIsTakenIsToldByTheNameOfItsSetting(t *testing.T) {
	c := config.Default()
	c.Listen, c.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	taken, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Door.Close()
	defer taken.Admin.Close()
	for want, change := range map[string]func(*config.Config){
		"CLAWGATE_GATEWAY_LISTEN":       func(c *config.Config) { c.Listen = taken.Door.Addr().String() },
		"CLAWGATE_GATEWAY_ADMIN_LISTEN": func(c *config.Config) { c.AdminListen = taken.Admin.Addr().String() },
	} {
		changed := c
		change(&changed)
		if _, err := Listen(t.Context(), changed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
