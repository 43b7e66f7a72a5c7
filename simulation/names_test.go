package simulation_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

const alias = "qwen3:mine"

// names is a world in which two names share weights, and a third has its own.
func names() simulation.Config {
	c := usual()
	c.Models = append(c.Models, simulation.Model{Name: alias, Weights: qwen, Bytes: 20 * gib})
	return c
}

func only(name string) string { return `{"model":"` + name + `"}` }

func (v *visit) listedAs(want string) {
	v.Helper()
	var listed []string
	for _, m := range v.ps() {
		listed = append(listed, m.Name)
	}
	if got := strings.Join(listed, " "); got != want {
		v.Errorf("listed as %q, want %q", got, want)
	}
}

// remove deletes a name.
func (v *visit) remove(name string) {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), http.MethodDelete, "http://ollama:11434/api/delete", strings.NewReader(only(name)))
	v.must(err)
	response, err := v.client.Do(request)
	v.must(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		v.Errorf("a name could not be deleted: %s", response.Status)
	}
}

// TestNamesOfOneWeightsShareARunner: it is listed by the name that loaded it, until it
// goes, and any of the names makes it go.
func TestNamesOfOneWeightsShareARunner(t *testing.T) {
	inWorld(t, names(), func(v *visit) {
		v.ask("/api/generate", only(alias))
		v.listedAs(alias)
		began := time.Now()
		v.ask("/api/generate", only(qwen))
		v.within("a load of what is there", time.Since(began), 0)
		v.listedAs(alias)
		v.ask("/api/chat", chat(`,"options":{"num_predict":1}`))
		v.listedAs(alias)
		v.ask("/api/generate", `{"model":"`+qwen+`","keep_alive":0}`)
		time.Sleep(time.Second)
		v.listedAs("")
		v.ask("/api/generate", only(qwen))
		v.ask("/api/generate", only(alias))
		v.listedAs(qwen)
	})
}

func TestRunnerKeepsTheNameThatLoadedIt(t *testing.T) {
	inWorld(t, names(), func(v *visit) {
		v.ask("/api/copy", `{"source":"`+alias+`","destination":"second"}`)
		v.ask("/api/generate", only("second"))
		v.remove("second")
		v.listedAs("second:latest")
		v.ask("/api/copy", `{"source":"`+llama+`","destination":"second"}`)
		v.ask("/api/generate", only("second"))
		v.listedAs("second:latest second:latest") // two weights, of which one has lost its name
		v.ask("/api/generate", only(qwen))
		v.listedAs("second:latest second:latest")
	})
}

// TestOtherOptionsOfANameGiveTheRunnerItsName: the runner is replaced, and what
// replaces it has the name of who asked.
func TestOtherOptionsOfANameGiveTheRunnerItsName(t *testing.T) {
	inWorld(t, names(), func(v *visit) {
		v.ask("/api/create", `{"model":"small","from":"`+qwen+`","parameters":{"num_ctx":1024},"stream":false}`)
		v.ask("/api/generate", only(qwen))
		v.ask("/api/generate", only("small"))
		v.listedAs("small:latest")
	})
}

func TestMissingNamesAreNeitherCopiedNorDeleted(t *testing.T) {
	inWorld(t, names(), func(v *visit) {
		if status, lines := v.ask("/api/copy", `{"source":"nope","destination":"x"}`); status != http.StatusNotFound || !strings.Contains(lines[0], `model \"nope\" not found`) {
			v.Errorf("a copy of nothing: %d %q", status, lines)
		}
	})
}

// TestUsualKeepAlive: for ever, and none at all.
func TestUsualKeepAlive(t *testing.T) {
	for _, test := range []struct {
		keepAlive time.Duration
		stays     bool
	}{{-1, true}, {time.Nanosecond, false}} {
		c := usual()
		c.KeepAlive = test.keepAlive
		inWorld(t, c, func(v *visit) {
			v.ask("/api/generate", only(qwen))
			time.Sleep(time.Hour)
			if stays := len(v.ps()) == 1; stays != test.stays {
				v.Errorf("with a keep-alive of %s it stays for an hour: %v", test.keepAlive, stays)
			}
		})
	}
}
