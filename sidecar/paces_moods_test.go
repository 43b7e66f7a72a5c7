package sidecar_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	died   = `{"error":"llama runner process has terminated: exit status 2"}`
	noRoom = `{"error":"llama runner process has terminated: cudaMalloc failed: out of memory"}`
	busyQ  = `{"error":"server busy, please try again.  maximum pending requests exceeded"}`
	absent = `{"error":"model not found"}`
)

// failures are answers that any call may get.
func failures() []http.HandlerFunc {
	return []http.HandlerFunc{
		says(500, died), says(500, noRoom), says(503, busyQ), says(404, absent), says(500, ""), says(400, `{"error":"x"}`),
		says(200, "\x00\xff not json\n"), says(200, ""), says(200, "{}"), halfAChunk,
	}
}

// moods are the answers that each call may get in the place of the server's own.
func (o *oddWorld) moods() map[string][]http.HandlerFunc {
	all := map[string][]http.HandlerFunc{}
	for kind, own := range map[string][]http.HandlerFunc{
		"load":    {says(200, `{"done":true,"done_reason":"load"}`), says(200, `{"done":true,"done_reason":"load"}`)},
		"unload":  {says(200, `{"done":true,"done_reason":"unload"}`)},
		"probe":   {says(200, chunkOf("hi")), says(200, `{"message":{"content":""},"done":true,"done_reason":"stop"}`)},
		"client":  {says(200, chunkOf("hi")), says(200, chunkOf("")), says(200, hollowAnswer)},
		"ps":      {says(200, `{"models":[]}`), says(200, listOf(model)), says(200, listOf(other)), says(200, manyNames()), o.flip(listOf(model), `{"models":[]}`)},
		"tags":    {says(200, `{"models":[]}`), says(200, listOf(model)), o.flip(listOf(model), `{"models":[]}`)},
		"pull":    {says(200, `{"status":"success"}`)},
		"version": {says(200, `{"version":"0.0.0"}`)},
		"show":    nil,
		"create":  {says(200, `{"status":"success"}`)},
	} {
		all[kind] = append(failures(), own...)
	}
	return all
}

func chunkOf(text string) string {
	return fmt.Sprintf(`{"message":{"content":%q},"response":%q,"done":false}`+"\n"+`{"done":true,"done_reason":"stop","eval_count":5,"prompt_eval_count":3}`+"\n", text, text)
}

var hollowAnswer = `{"message":{"content":"@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"},"response":"@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@","done":false}` + "\n" +
	`{"done":true,"done_reason":"stop","eval_count":32,"prompt_eval_count":3}` + "\n"

func listOf(names ...string) string {
	var entries []string
	for _, name := range names {
		entries = append(entries, fmt.Sprintf(`{"name":%q,"size":1073741824,"size_vram":0,"expires_at":"2300-01-01T00:00:00Z"}`, name))
	}
	return `{"models":[` + strings.Join(entries, ",") + `]}`
}

func manyNames() string {
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("model%d:latest", i))
	}
	return listOf(names...)
}

// flip gives one answer and the other in turn.
func (o *oddWorld) flip(one, another string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.flips++
		text := []string{one, another}[o.flips%2]
		o.mu.Unlock()
		says(200, text)(w, r)
	}
}

// turmoil is what goes on beside the answers, each of it for a while.
func (o *oddWorld) turmoil() {
	var pauses []time.Duration
	acts := []func(){
		func() { o.directly("/api/generate", dropping(model)) },
		func() { o.directly("/api/generate", `{"model":"`+alias+`"}`) },
		func() { o.directly("/api/generate", generateFor(model, `"keep_alive":0`)) },
		func() {
			o.post("/api/generate", generate([]string{model, other, alias, fmt.Sprint("m", o.below(1000))}[o.below(4)], 2)).wait()
		},
		func() { o.flood() },
		func() { o.RaiseXid([]uint64{31, 31, 48}[o.below(3)]) },
		func() { _ = o.KillRunner() },
		func() { _ = o.Crash() },
		func() { _ = []func() error{o.FreezeRunner, o.ThawRunner, o.SpinRunner}[o.below(3)]() },
		func() { o.Hollow([]string{model, other}[o.below(2)], "@", false) },
		func() { o.JumpClock([]time.Duration{time.Hour, -time.Hour}[o.below(2)]) },
		func() { o.EngineAway(o.one(2)) },
		func() { o.Overload(o.one(2)) },
		func() { o.odd.nobody.Store(o.one(3)) },
	}
	for range acts {
		pauses = append(pauses, []time.Duration{100 * time.Millisecond, time.Second, 20 * time.Second}[o.below(3)])
	}
	for i, act := range acts {
		o.every(pauses[i], func() {
			if on := int(time.Since(o.tally.began)/time.Minute) % len(acts); on == i || (on+5)%len(acts) == i {
				act()
			}
		})
	}
}

func generateFor(name, more string) string {
	return fmt.Sprintf(`{"model":%q,"prompt":"hello","options":{"num_predict":1},%s}`, name, more)
}

// flood is a hundred events of the engine's at once.
func (o *oddWorld) flood() {
	o.engine.mu.Lock()
	report := o.engine.report
	o.engine.mu.Unlock()
	if report == nil {
		return
	}
	actions := []evidence.ContainerAction{
		evidence.Resync, evidence.ActionStart, evidence.ActionDie, evidence.ActionOOM, evidence.ActionKill, evidence.ActionStop,
		evidence.ActionPause, evidence.ActionResume, evidence.ActionCreate, evidence.EngineLost,
	}
	for range 100 {
		report(evidence.ContainerEvent{At: o.Now(), Action: actions[o.below(len(actions))], Signal: "1"})
	}
}
