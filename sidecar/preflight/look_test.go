package preflight

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engineStub is an engine that answers, refuses or hangs.
type engineStub struct {
	status evidence.Status
	err    error // of the reads beside inspect
	hangs  bool
	asked  int
}

func (e *engineStub) answer(ctx context.Context) error {
	e.asked++
	if e.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return e.err
}

func (e *engineStub) Inspect(ctx context.Context) (evidence.Container, error) {
	var err error
	if e.hangs {
		err = e.answer(ctx)
	}
	return evidence.Container{Name: "clawgate-ollama", Status: e.status}, err
}

func (e *engineStub) Activity(ctx context.Context) (evidence.Activity, error) {
	return evidence.Activity{}, e.answer(ctx)
}

func (e *engineStub) Processes(ctx context.Context) ([]evidence.Process, error) {
	return nil, e.answer(ctx)
}

func (e *engineStub) Neighbours(context.Context) ([]evidence.Container, error) {
	if e.err != nil {
		return nil, e.err
	}
	return []evidence.Container{{Name: "llm", Image: "ollama/ollama", Status: evidence.Running}}, nil
}

func (e *engineStub) LogTail(ctx context.Context, _ int) ([]string, error) { return nil, e.answer(ctx) }

// Events is silent when it cannot open the stream, as the adapter is.
func (e *engineStub) Events(ctx context.Context, report func(evidence.ContainerEvent)) error {
	if e.answer(ctx) == nil {
		report(evidence.ContainerEvent{Action: evidence.Resync})
	}
	<-ctx.Done()
	return nil
}

type gpuStub struct{}

func (gpuStub) FreshView(context.Context) evidence.GPUView { return evidence.GPUView{Reason: "stub"} }

func parts(t *testing.T, engine Engine, server string) Parts {
	t.Helper()
	c := config.Default()
	c.StateDir, c.HealthLog = t.TempDir(), filepath.Join(t.TempDir(), "new", "health.log")
	var err error
	if c.OllamaURL, err = url.Parse(server); err != nil {
		t.Fatal(err)
	}
	return Parts{
		Config: c, Engine: engine, GPU: gpuStub{}, Dial: new(net.Dialer).DialContext,
		Resolve: func(context.Context, string, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("172.18.0.2")}, nil
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	}
}

// Only the engine's own socket tells which names there are.
func TestANameThatNobodyHasIsLookedFor(t *testing.T) {
	engine := &engineStub{status: evidence.Absent}
	for refused, want := range map[bool]string{false: "these look right: llm", true: "docker ps -a"} {
		engine.err = nil
		if refused {
			engine.err = errors.New("403 Forbidden")
		}
		facts := Look(t.Context(), parts(t, engine, "http://127.0.0.1:1"))
		found := container(facts)
		if len(found) != 1 || !strings.Contains(found[0].Do, want) {
			t.Errorf("refused %v: found %+v, want %q in it", refused, found, want)
		}
	}
}

func TestEverythingIsAsked(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{"/api/version": `{"version":"0.9.6"}`, "/api/tags": `{"models":[{"name":"qwen3:32b"}]}`}
		if r.Method != http.MethodGet || answers[r.URL.Path] == "" {
			t.Errorf("%s %s was asked, want only what changes nothing", r.Method, r.URL)
		}
		_, _ = w.Write([]byte(answers[r.URL.Path]))
	}))
	defer server.Close()
	facts := Look(t.Context(), parts(t, &engineStub{status: evidence.Running}, server.URL))

	if facts.Engine.Err != nil || len(facts.Engine.Calls) != 4 {
		t.Errorf("engine %+v, want four more calls", facts.Engine)
	}
	for _, call := range facts.Engine.Calls {
		if call.Err != nil {
			t.Errorf("%s: %v", call.Name, call.Err)
		}
	}
	if s := facts.Server; !s.reached() || s.Version != "0.9.6" || s.API.Outcome != evidence.Success || len(s.Addresses) != 1 {
		t.Errorf("server %+v, want a version, an address and the model", s)
	}
	if facts.GPU.Reason != "stub" || facts.StateDir != nil || facts.HealthLog != nil {
		t.Errorf("gpu %q, state folder %v, health log %v", facts.GPU.Reason, facts.StateDir, facts.HealthLog)
	}
	if _, err := os.Stat(filepath.Dir(facts.Config.HealthLog)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the look made the log's folder, want nothing changed")
	}
}

func TestAContainerThatDoesNotRunIsAskedNothingMore(t *testing.T) {
	engine := &engineStub{status: evidence.Exited}
	facts := lookAtEngine(t.Context(), engine)
	if engine.asked != 0 || facts.Err != nil || facts.Container.Status != evidence.Exited {
		t.Errorf("%d calls, facts %+v, want the inspection alone", engine.asked, facts)
	}
}

func TestEachCallThatIsRefusedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		facts := lookAtEngine(t.Context(), &engineStub{status: evidence.Running, err: errors.New("403")})
		var failed []callName
		for _, call := range facts.Calls {
			if call.Err != nil {
				failed = append(failed, call.Name)
			}
		}
		if len(failed) != 4 {
			t.Errorf("failed calls %q, want all four", failed)
		}
	})
}

func TestAnEngineThatHangsCostsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		facts := lookAtEngine(t.Context(), &engineStub{status: evidence.Running, hangs: true})
		if facts.Err == nil || time.Since(began) != engineDeadline {
			t.Errorf("error %v after %s, want one after %s", facts.Err, time.Since(began), engineDeadline)
		}
	})
}

func TestADiskThatHangsCostsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		thaw := make(chan struct{})
		began := time.Now()
		err := within(t.Context(), diskDeadline, func() error { <-thaw; return nil })
		if err == nil || time.Since(began) != diskDeadline {
			t.Errorf("error %v after %s, want one after %s", err, time.Since(began), diskDeadline)
		}
		close(thaw)
	})
}

func TestFoldersAreTriedAndLeftAsTheyWere(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "health.log")
	if err := os.WriteFile(file, []byte("one line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err error
		bad bool
	}{
		"folder":                {writableFolder(folder), false},
		"no folder wanted":      {writableFolder(""), false},
		"missing folder":        {writableFolder(filepath.Join(folder, "missing")), true},
		"folder that is a file": {writableFolder(file), true},
		"log":                   {writableLog(file), false},
		"no log wanted":         {writableLog(""), false},
		"log to come":           {writableLog(filepath.Join(folder, "a", "b", "health.log")), false},
		"log that is a folder":  {writableLog(folder), true},
		"log that is a device":  {writableLog(os.DevNull), true},
		"log below a file":      {writableLog(filepath.Join(file, "health.log")), true},
	} {
		if (c.err != nil) != c.bad {
			t.Errorf("%s: error %v, want one: %v", name, c.err, c.bad)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind %v (%v), want the log alone", entries, err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "one line\n" {
		t.Errorf("the log holds %q (%v), want it untouched", text, err)
	}
}
