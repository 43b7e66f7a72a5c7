//go:build e2e

package simulation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
)

// visit is one server while one behaviour is watched.
type visit struct {
	*testing.T
	server
}

// sees makes one call after the other and tells what came of each.
func sees(calls ...call) func(*visit) string {
	return func(v *visit) string {
		var told []string
		for _, c := range calls {
			told = append(told, c.path+" "+v.ask(c).portrait())
		}
		return strings.Join(told, "\n")
	}
}

func (v *visit) ask(c call) reply { v.Helper(); return c.to(v.Context(), v.url()) }

// begin makes a call in the background.
func (v *visit) begin(c call) (answer <-chan reply) {
	answered := make(chan reply, 1)
	ctx, url := v.Context(), v.url()
	go func() { answered <- c.to(ctx, url) }()
	return answered
}

// load has the model in memory with its own options.
func (v *visit) load() {
	v.Helper()
	if r := v.ask(generate(`"keep_alive":-1`)); r.status != 200 {
		v.Fatalf("cannot load the model: %s", r.portrait())
	}
}

// works waits until the model works, which began to be counted at used.
func (v *visit) works(used time.Duration) {
	v.Helper()
	v.await("the model to work", func() bool { return v.used(v.T) >= used+100*time.Millisecond })
}

func (v *visit) await(what string, holds func() bool) {
	v.Helper()
	parts.Await(v, 30*time.Second, what, holds)
}

// listed are the loaded models by /api/ps, as text.
func (v *visit) listed() string {
	v.Helper()
	var reply struct{ Models []struct{ Name string } }
	text := strings.Join(v.ask(call{path: "/api/ps"}).lines, "")
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		v.Fatalf("cannot read the loaded models: %v: %s", err, text)
	}
	return fmt.Sprint(reply.Models)
}

// onlyRunner is the number of the one runner's process.
func (v *visit) onlyRunner() int {
	v.Helper()
	pids := v.runners(v.T)
	if len(pids) != 1 {
		v.Fatalf("there are runners %v, want one", pids)
	}
	return pids[0]
}

// remove deletes a name.
func (v *visit) remove(name string) {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), http.MethodDelete, v.url()+"/api/delete", strings.NewReader(`{"model":"`+name+`"}`))
	must(v.T, err)
	response, err := client.Do(request)
	must(v.T, err)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		v.Fatalf("cannot delete %s: %s", name, response.Status)
	}
}
