package balance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHowLongAMainModelStays(t *testing.T) {
	const relay = `{"ready":true,"state":"ready","may_hold":true,"hold_max_ms":120000%s}`
	says := map[string]string{"10.0.0.1:80": fmt.Sprintf(relay, ""), "10.0.0.2:80": fmt.Sprintf(relay, "")}
	inWorld(t, "http://relays", says, func(w *world) {
		want := func(model string, main bool, least time.Duration) {
			t.Helper()
			if is, keep := w.pool.KeepAlive(model); is != main || main && keep != least {
				t.Errorf("%s: %v %v, want %v %v", model, is, keep, main, least)
			}
		}
		want("m:latest", true, -1) // nobody knows yet which it is
		w.say("10.0.0.1:80", fmt.Sprintf(relay, `,"model":"m:latest","keep_alive_ms":1800000`))
		w.pass(2 * time.Second)
		want("m:latest", true, 30*time.Minute)
		want("m:local", true, 30*time.Minute) // for newer releases of Ollama
		want("other:latest", false, 0)
		w.say("10.0.0.2:80", fmt.Sprintf(relay, `,"model":"m:latest","keep_alive_ms":3600000`))
		w.pass(2 * time.Second)
		want("m:latest", true, time.Hour)
		w.say("10.0.0.2:80", fmt.Sprintf(relay, `,"model":"m:latest"`)) // an older one
		w.pass(2 * time.Second)
		want("m:latest", true, -1)
		w.say("10.0.0.1:80", "")
		w.pass(2 * time.Second)
		want("m:latest", true, -1) // what is away comes back
	})
}

func TestALongListOfClosedModelsIsRead(t *testing.T) {
	var models strings.Builder
	for i := range 130 { // which were once taken for something that is no Clawgate
		fmt.Fprintf(&models, `"qwen3:32b-alias-%d":%q,`, i, strings.Repeat("x", 600))
	}
	says := `{"ready":true,"state":"ready","may_hold":true,"models":{` + models.String() + `"m":"x"}}`
	inWorld(t, "http://relays", map[string]string{"10.0.0.1:80": says}, func(w *world) {
		if got := w.pool.Report()[0]; got.State != "ready" || w.chosen("other") == "" || w.chosen("m") != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestRefusalsBetweenTwoLooksAreBounded(t *testing.T) {
	inWorld(t, "http://relays", map[string]string{"10.0.0.1:80": ready}, func(w *world) {
		s := w.sidecar("10.0.0.1:80")
		for i := range 10 * maxClosed {
			w.pool.Closed(s, fmt.Sprintf("made-up-%d", i), "ready", "no")
			if name := fmt.Sprintf("made-up-%d", i); w.chosen(name) != "" || len(s.standing.models) > maxClosed {
				t.Fatalf("%s, %d models", name, len(s.standing.models))
			}
		}
	})
}
