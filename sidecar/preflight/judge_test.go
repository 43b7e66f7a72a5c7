package preflight

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/config"
)

// sound are the facts of a machine where nothing is to be said.
func sound() Facts {
	c := config.Default()
	c.AdminToken = config.NewSecret("s3cret")
	return Facts{
		Config: c,
		Engine: engineFacts{
			Container: evidence.Container{
				Name: "clawgate-ollama", Image: "ollama/ollama:latest", Status: evidence.Running, RestartPolicy: "unless-stopped",
				Address: "172.18.0.2", GPURequested: true,
				Env: map[string]string{"OLLAMA_NUM_PARALLEL": "2", "OLLAMA_HOST": "0.0.0.0:11434"},
			},
			Calls: []engineCall{{Name: callActivity}, {Name: callProcesses}, {Name: callEvents}, {Name: callLog}},
		},
		Server: serverFacts{
			TCP: evidence.ProbeResult{Outcome: evidence.Success}, Version: "0.9.6",
			Addresses: []netip.Addr{netip.MustParseAddr("172.18.0.2")},
			API:       evidence.ProbeResult{Outcome: evidence.Success},
		},
		GPU: evidence.GPUView{Known: true, Driver: "570.1", GPUs: []evidence.GPU{{Name: "NVIDIA H200"}}},
	}
}

func TestASoundMachineGivesNothingToDo(t *testing.T) {
	for _, finding := range Judge(sound()) {
		if finding.Level != OK || finding.Do != "" {
			t.Errorf("%+v, want ok and nothing to do", finding)
		}
	}
}

func TestWhatIsWrongIsNamedWithWhatToDo(t *testing.T) {
	env := func(name, value string) func(*Facts) {
		return func(f *Facts) { f.Engine.Container.Env[name] = value }
	}
	refusedCall := func(i int) func(*Facts) {
		return func(f *Facts) { f.Engine.Calls[i].Err = errors.New("403 Forbidden") }
	}
	status := func(status evidence.Status) func(*Facts) {
		return func(f *Facts) { f.Engine.Container.Status, f.Engine.Container.ExitCode = status, 137 }
	}
	missing := func(f *Facts) {
		f.Server.API = evidence.ProbeResult{Outcome: evidence.Failure, Missing: true}
	}
	unreachable := func(f *Facts) {
		f.Server = serverFacts{TCP: evidence.ProbeResult{Outcome: evidence.Failure, Reason: "no connection"}}
	}
	blind := func(f *Facts) { f.GPU = evidence.GPUView{Reason: "no driver"} }

	for _, c := range []struct {
		name    string
		change  func(*Facts)
		level   Level
		subject string
		says    string // in what was found or in what to do
	}{
		{"engine away", func(f *Facts) { f.Engine = engineFacts{Err: errors.New("permission denied")} }, Fail, "engine", "DOCKER_HOST"},
		{"activity refused", refusedCall(0), Fail, "engine: activity", "busy"},
		{"processes refused", refusedCall(1), Fail, "engine: processes", "403 Forbidden"},
		{"events refused", refusedCall(2), Warn, "engine: events", "late"},
		{"log refused", refusedCall(3), Warn, "engine: log", "haproxy.cfg"},
		{"no container", status(evidence.Absent), Fail, "container", "CLAWGATE_CONTAINER"},
		{"paused", status(evidence.Paused), Fail, "container", "docker unpause clawgate-ollama"},
		{"exited", status(evidence.Exited), Fail, "container", "exit code 137"},
		{"crash loop", status(evidence.Restarting), Fail, "container", "docker logs"},
		{"start failed", func(f *Facts) {
			f.Engine.Container.Status, f.Engine.Container.StartError = evidence.Created, "port is taken"
		}, Fail, "container", "port is taken"},
		{"no restart policy", func(f *Facts) { f.Engine.Container.RestartPolicy = "no" }, Warn, "restart policy", "unless-stopped"},
		{"on-failure alone", func(f *Facts) { f.Engine.Container.RestartPolicy = "on-failure" }, Warn, "restart policy", "on-failure"},

		{"slots no number", env("OLLAMA_NUM_PARALLEL", "many"), Warn, "OLLAMA_NUM_PARALLEL", "taken for 1"},
		{"keep alive short", env("OLLAMA_KEEP_ALIVE", "5m"), Warn, "OLLAMA_KEEP_ALIVE", "for ever"},
		{"keep alive in seconds", env("OLLAMA_KEEP_ALIVE", "300"), Warn, "OLLAMA_KEEP_ALIVE", "5m0s"},
		{"keep alive nonsense", env("OLLAMA_KEEP_ALIVE", "long"), Warn, "OLLAMA_KEEP_ALIVE", "not a duration"},
		{"load timeout off", env("OLLAMA_LOAD_TIMEOUT", "0"), Warn, "OLLAMA_LOAD_TIMEOUT", "for ever"},
		{"load timeout short", env("OLLAMA_LOAD_TIMEOUT", "10s"), Warn, "OLLAMA_LOAD_TIMEOUT", "cold disk"},
		{"load timeout long", env("OLLAMA_LOAD_TIMEOUT", "1h"), Warn, "OLLAMA_LOAD_TIMEOUT", "CLAWGATE_LOAD_TIMEOUT"},
		{"load timeout nonsense", env("OLLAMA_LOAD_TIMEOUT", "later"), Warn, "OLLAMA_LOAD_TIMEOUT", "not a duration"},
		{"queue of one", env("OLLAMA_MAX_QUEUE", "1"), Warn, "OLLAMA_MAX_QUEUE", "CLAWGATE_QUEUE_LENGTH"},

		{"unreachable", unreachable, Fail, "ollama", "CLAWGATE_OLLAMA_URL"},
		{"hangs", func(f *Facts) { f.Server.VersionErr = errors.New("no answer") }, Fail, "ollama", "docker logs"},
		{"another server", func(f *Facts) { f.Engine.Container.Address = "172.17.0.9" }, Warn, "address", "172.17.0.9"},
		{"many servers", func(f *Facts) {
			for _, a := range []string{"172.18.0.3", "172.18.0.4"} {
				f.Server.Addresses = append(f.Server.Addresses, netip.MustParseAddr(a))
			}
		}, Warn, "address", "3 addresses"},

		{"model missing, no pull", func(f *Facts) { missing(f); f.Config.Pull = false }, Fail, "model", "ollama pull qwen3:32b"},
		{"model missing, observing", func(f *Facts) { missing(f); f.Config.Mode = config.Observe }, Fail, "model", "observe"},
		{"no list of models", func(f *Facts) {
			f.Server.API = evidence.ProbeResult{Outcome: evidence.Failure, Reason: "GET /api/tags answered 404"}
		}, Fail, "model", "404"},

		{"GPU not seen", blind, Warn, "gpu", "utility"},
		{"GPU required and not seen", func(f *Facts) { blind(f); f.Config.GPU = config.GPURequired }, Fail, "gpu", "no driver"},
		{"driver mismatch", func(f *Facts) { f.GPU = evidence.GPUView{Mismatch: true} }, Fail, "gpu", "not start again"},
		{"GPU lost", func(f *Facts) { f.GPU.GPUs[0].Lost = true }, Fail, "gpu", "reboot"},
		{"no helper for a reset", func(f *Facts) { f.Config.GPUReset, f.Helper = true, errors.New("it does not exist") }, Warn, "gpu reset", "compose/gpu.yaml"},
		{"a reset among many", func(f *Facts) { f.Config.GPUReset, f.GPU.GPUs = true, append(f.GPU.GPUs, evidence.GPU{}) }, Warn, "gpu reset", "2 GPUs"},
		{"GPU not reserved", func(f *Facts) { f.Engine.Container.GPURequested = false }, Warn, "gpu", "CPU"},

		{"no state folder", func(f *Facts) { f.Config.StateDir = "" }, Warn, "state folder", "CLAWGATE_STATE_DIR"},
		{"state folder not writable", func(f *Facts) { f.StateDir = errors.New("read-only") }, Fail, "state folder", "read-only"},
		{"health log not writable", func(f *Facts) { f.HealthLog = errors.New("read-only") }, Fail, "health log", "CLAWGATE_HEALTH_LOG"},
		{"no token", func(f *Facts) { f.Config.AdminToken = config.Secret{} }, Warn, "admin token", "CLAWGATE_ADMIN_TOKEN_FILE"},
		{"a quoted token", func(f *Facts) { f.Config.AdminToken = config.NewSecret(`"0123456789abcdef"`) }, Warn, "admin token", "quotation marks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts := sound()
			c.change(&facts)
			findings := Judge(facts)
			if Failed(findings) != (c.level == Fail) {
				t.Errorf("failed is %v, want the opposite", Failed(findings))
			}
			var bad []Finding
			for _, f := range findings {
				if f.Level != OK {
					bad = append(bad, f)
				}
			}
			if len(bad) != 1 {
				t.Fatalf("found %+v, want one thing to say", bad)
			}
			f := bad[0]
			if f.Level != c.level || f.Subject != c.subject || !strings.Contains(f.Found+" | "+f.Do, c.says) {
				t.Errorf("found %+v, want %s about %s with %q", f, c.level, c.subject, c.says)
			}
			if f.Do == "" {
				t.Error("it does not say what to do")
			}
		})
	}
}

func TestWhatIsMeantSoIsNoFault(t *testing.T) {
	for name, change := range map[string]func(*Facts){
		"one slot":            func(f *Facts) { f.Engine.Container.Env = map[string]string{} },
		"keep alive for ever": func(f *Facts) { f.Engine.Container.Env["OLLAMA_KEEP_ALIVE"] = "-1" },
		"keep alive as long": func(f *Facts) {
			f.Engine.Container.Env["OLLAMA_KEEP_ALIVE"] = "'30m'"
			f.Config.KeepAlive = config.KeepAlive(30 * time.Minute)
		},
		"load timeout like the rest": func(f *Facts) { f.Engine.Container.Env["OLLAMA_LOAD_TIMEOUT"] = "5m" },
		"pull to come": func(f *Facts) {
			f.Server.API = evidence.ProbeResult{Outcome: evidence.Failure, Missing: true}
		},
		"no GPU, none wanted": func(f *Facts) { f.GPU = evidence.GPUView{}; f.Engine.Container.GPURequested = false },
		"GPU off":             func(f *Facts) { f.GPU = evidence.GPUView{}; f.Config.GPU = config.GPUOff },
		"no health log":       func(f *Facts) { f.Config.HealthLog = "" },
		"host network":        func(f *Facts) { f.Engine.Container.Address = "" },
		"two families": func(f *Facts) {
			f.Server.Addresses = append(f.Server.Addresses, netip.MustParseAddr("fd00::2"))
		},
		"mapped address": func(f *Facts) { f.Server.Addresses = []netip.Addr{netip.MustParseAddr("::ffff:172.18.0.2")} },
	} {
		facts := sound()
		change(&facts)
		for _, f := range Judge(facts) {
			if f.Level != OK {
				t.Errorf("%s: %+v, want ok", name, f)
			}
		}
	}
}

func TestAnUnreachableServerThatListensToItselfAloneIsExplained(t *testing.T) {
	for host, explained := range map[string]bool{
		"": true, "127.0.0.1": true, "http://localhost:11434": true, "[::1]:11434": true, `"127.0.0.1:11434"`: true,
		"0.0.0.0": false, "0.0.0.0:11434": false, "[::]:11434": false, "http://0.0.0.0": false,
	} {
		facts := sound()
		facts.Server = serverFacts{TCP: evidence.ProbeResult{Outcome: evidence.Failure}}
		facts.Engine.Container.Env["OLLAMA_HOST"] = host
		found := false
		for _, f := range Judge(facts) {
			found = found || f.Subject == "OLLAMA_HOST"
		}
		if found != explained {
			t.Errorf("OLLAMA_HOST=%q: explained is %v, want %v", host, found, explained)
		}
	}
}

func TestEachFindingIsOneLine(t *testing.T) {
	var out strings.Builder
	err := Write(&out, []Finding{
		{Warn, "a", "403\n<html>\n Forbidden", "mend it"},
		{OK, "longer", "fine", ""},
	})
	want := "warn  a       403 <html> Forbidden. To do: mend it\nok    longer  fine\n"
	if err != nil || out.String() != want {
		t.Errorf("wrote %q (%v), want %q", out.String(), err, want)
	}
}

func TestNoSecretIsShown(t *testing.T) {
	var out strings.Builder
	if err := Write(&out, Judge(sound())); err != nil || strings.Contains(out.String(), "s3cret") {
		t.Errorf("wrote %q (%v), want no secret in it", out.String(), err)
	}
}
