package simulation_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/simulation"
)

func release(version string) simulation.Config {
	config := usual()
	config.Version = version
	return config
}

func TestReleasesSpeakDifferently(t *testing.T) {
	for _, test := range []struct {
		version string
		command string // of a runner
		words   string // of errors
		context bool   // in /api/ps
	}{
		{"0.9.6", "/bin/ollama runner --model ", "llama runner", false},
		{"0.17.4", "/bin/ollama runner --model ", "llama runner", true},
		{"0.31.0-rc1", "/usr/lib/ollama/llama-server --model ", "llama-server", true},
		{"0.32.4", "/usr/lib/ollama/llama-server --model ", "llama-server", true},
	} {
		t.Run(test.version, func(t *testing.T) {
			inWorld(t, release(test.version), func(v *visit) {
				v.ask("/api/generate", load)
				if command := v.runners()[0].Command; !strings.HasPrefix(command, test.command) || !strings.Contains(command, "--ctx-size 4096") {
					v.Errorf("the runner's command is %s", command)
				}
				if told := v.ps()[0].ContextLength == 4096; told != test.context {
					v.Errorf("context_length is %d", v.ps()[0].ContextLength)
				}
				v.FailMemory(llama, true)
				if _, lines := v.ask("/api/chat", askLlama); lines[0] != `{"error":"`+test.words+` process has terminated: cudaMalloc failed: out of memory"}` {
					v.Errorf("a failed load says %s", lines[0])
				}
				v.Mend(llama)
				v.StallLoads(true)
				if _, lines := v.ask("/api/chat", askLlama); !strings.HasPrefix(lines[0], `{"error":"timed out waiting for `+test.words+` to start`) {
					v.Errorf("a stalled load says %s", lines[0])
				}
			})
		})
	}
}

// list asks for the loaded models for as long as ctx lasts.
func (v *visit) list(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ollama/api/ps", nil)
	if err != nil {
		return "", err
	}
	response, err := v.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return strings.Join(v.lines(response), ""), nil
}

func TestListDuringALoadDependsOnTheRelease(t *testing.T) {
	for version, want := range map[string]struct {
		after  time.Duration
		listed bool
	}{
		"0.9.6":      {listed: true},
		"0.17.4":     {listed: true},
		"0.31.0":     {listed: false},
		"0.32.3":     {listed: false},
		"0.32.4-rc1": {listed: false},
		"0.32.4":     {after: time.Second, listed: true},
	} {
		t.Run(version, func(t *testing.T) {
			inWorld(t, release(version), func(v *visit) {
				loads := v.background(v.Context(), "/api/generate", load)
				time.Sleep(time.Second)
				began := time.Now()
				text, err := v.list(v.Context())
				v.must(err)
				v.within("the list", time.Since(began), want.after)
				if listed := strings.Contains(text, qwen); listed != want.listed {
					v.Errorf("the list is %s", text)
				}
				if lines := <-loads; !strings.Contains(lines[0], `"done_reason":"load"`) {
					v.Errorf("the load ended with %q", lines)
				}
			})
		})
	}
}

func TestListMayCrashAnOlderServerDuringALoad(t *testing.T) {
	for version, dies := range map[string]bool{"0.9.6": true, "0.32.3": true, "0.32.4": false} {
		t.Run(version, func(t *testing.T) {
			inWorld(t, release(version), func(v *visit) {
				v.PsCrashes(true)
				v.ps() // nothing loads
				loads := v.background(v.Context(), "/api/generate", load)
				time.Sleep(time.Second)
				text, err := v.list(v.Context())
				synctest.Wait()
				crashed := err != nil && v.inspect().Status == evidence.Restarting && v.inspect().ExitCode == 2
				if crashed != dies {
					v.Errorf("the list says %s %v, the container is %+v", text, err, v.inspect())
				}
				<-loads
				if !dies {
					return
				}
				time.Sleep(time.Second)
				v.PsCrashes(false)
				loads = v.background(v.Context(), "/api/generate", load)
				time.Sleep(time.Second)
				v.ps()
				<-loads
			})
		})
	}
}

// TestReleasesChangeWhereOllamasTableSaysSo: simulation and table (ollama.WriteReleases)
// were written from the same evidence, and neither uses the other.
func TestReleasesChangeWhereOllamasTableSaysSo(t *testing.T) {
	for _, version := range []string{
		"0.9.6", "0.10.1", "0.11.0-rc0", "0.11.0", "0.17.4", "0.30.0-rc22", "0.30.0", "0.31.0-rc1", "0.31.0", "0.32.3", "0.32.4-rc1", "0.32.4", "0.33.0",
	} {
		t.Run(version, func(t *testing.T) {
			inWorld(t, release(version), func(v *visit) {
				release := ollama.ParseVersion(version)
				since := func(change string) bool { return release.Compare(ollama.ParseVersion(change)) >= 0 }
				program, runner := "ollama runner", "llama runner"
				if since("0.30") {
					program, runner = "llama-server", "llama-server"
				}
				loads := v.background(v.Context(), "/api/generate", load)
				time.Sleep(time.Second)
				began := time.Now()
				during := v.ps()
				blocked := time.Since(began)
				<-loads
				if blocks := blocked > 0; blocks != release.PsBlocks() {
					v.Errorf("the list took %s during a load", blocked)
				}
				if listed := len(during) == 1; blocked == 0 && listed == since("0.31") {
					v.Errorf("during a load the list is %v", during)
				}
				if told := v.ps()[0].ContextLength > 0; told != since("0.11") {
					v.Errorf("context_length is told: %v", told)
				}
				if command := v.runners()[0].Command; !strings.Contains(command, "/"+program+" ") {
					v.Errorf("the runner's command is %s", command)
				}
				v.FailMemory(llama, true)
				if _, lines := v.ask("/api/chat", askLlama); !strings.Contains(lines[0], `"`+runner+" process has terminated") {
					v.Errorf("a failed load says %s", lines[0])
				}
			})
		})
	}
}

func TestNewReleasesServeALoadedModelPastTheLoop(t *testing.T) {
	for version, want := range map[string]bool{"0.9.6": false, "0.33.0": true} {
		t.Run(version, func(t *testing.T) {
			inWorld(t, release(version), func(v *visit) {
				v.ask("/api/generate", load)
				v.ask("/api/generate", loadLlama)
				v.must(v.StickRunner())
				v.ask("/api/generate", unload)
				reload := v.background(v.Context(), "/api/chat", chat(shortReply))
				time.Sleep(time.Second)
				loaded := v.background(v.Context(), "/api/chat", askLlama)
				time.Sleep(time.Minute)
				if served := len(loaded) == 1; served != want {
					v.Errorf("the loaded model is served: %v", served)
				}
				v.silent("the model that is stopping", reload)
				v.must(v.KillRunner())
				<-reload
				<-loaded
			})
		})
	}
}

// trace is all that can be seen of one story with many faults.
func trace(t *testing.T, seed uint64) (text string) {
	config := usual()
	config.Seed = seed
	inWorld(t, config, func(v *visit) {
		began := time.Now()
		note := func(what ...any) {
			synctest.Wait() // what the server still writes
			lines, err := v.LogTail(v.Context(), 1000)
			v.must(err)
			text += fmt.Sprintln(time.Since(began), what, v.activity(), v.gpu().Processes, v.inspect(), strings.Join(lines, "\n"))
		}
		_, lines := v.ask("/api/chat", chat(tokens100))
		note(lines)
		v.must(v.SpinRunner())
		v.Foreign(3 * gib)
		time.Sleep(time.Minute)
		note(v.ps())
		v.must(v.KillRunner())
		v.Hollow(qwen, "@", false)
		_, lines = v.ask("/api/chat", chat(""))
		note(lines)
		v.ask("/api/generate", loadLlama)
		v.must(v.OrphanRunner())
		v.restart()
		_, lines = v.ask("/api/chat", askLlama)
		note(lines)
	})
	return text
}

func TestSameSeedAndCallsGiveTheSameTrace(t *testing.T) {
	first, again := trace(t, 7), trace(t, 7)
	if first != again {
		t.Errorf("two worlds of one seed differ:\n%s\nand\n%s", first, again)
	}
	if first == trace(t, 8) {
		t.Error("two seeds give one trace")
	}
}
