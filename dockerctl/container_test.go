package dockerctl

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestNewRefusesNamesThatAreNone(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"", "no container name"},
		{"a", "not a container name"},
		{"-ollama", "not a container name"},
		{"ollama/../x", "not a container name"},
		{"ollama x", "not a container name"},
		{"cafe", "could be taken for a container ID"},
		{"0123456789AB", "could be taken for a container ID"},
	} {
		_, err := New("", test.name, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New(%q): got %v, want an error with %q", test.name, err, test.want)
		}
	}
}

func TestNewRefusesHostsThatItCannotUse(t *testing.T) {
	for _, host := range []string{"guard:2375", "ssh://root@host", "unix://"} {
		_, err := New(host, name, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), host) {
			t.Errorf("New(%q): got %v, want an error that names the host", host, err)
		}
	}
}

func TestTheHostComesFromTheEnvironment(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/json", 200, inspection(evidence.Running))
	host := fake.serve(t).engine.host
	for _, set := range []string{host, `"` + host + `"`, host + "\r"} { // as an env file may leave it
		t.Setenv("DOCKER_HOST", set)
		if _, err := newContainer(t, "").Inspect(t.Context()); err != nil {
			t.Errorf("%q: %v", set, err)
		}
	}
}

func TestTheVersionIsNegotiated(t *testing.T) {
	for _, test := range []struct{ engine, want string }{
		{"1.41", "/v1.41/"}, // older than the SDK: the engine's
		{"1.99", "/v1.51/"}, // newer: the SDK's
	} {
		fake := newFakeEngine()
		fake.version = test.engine
		fake.answerJSON("GET /containers/"+name+"/json", 200, inspection(evidence.Running))
		if _, err := fake.serve(t).Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if call := fake.calls()[0]; !strings.Contains(call, test.want) {
			t.Errorf("engine %s: asked %q, want %q in it", test.engine, call, test.want)
		}
	}
}

func TestAnUpgradedEngineIsNegotiatedWithAnew(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/json", 200, inspection(evidence.Running))
	container := fake.serve(t)
	if _, err := container.Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	fake.mu.Lock()
	fake.version = "1.47"
	fake.mu.Unlock()
	fake.answer("GET /containers/"+name+"/json", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1.41/") {
			http.Error(w, "client version 1.41 is too old. Minimum supported API version is 1.44", http.StatusBadRequest)
			return
		}
		http.Error(w, missing(), http.StatusNotFound)
	})
	if _, err := container.Inspect(t.Context()); err == nil {
		t.Fatal("the upgraded engine's refusal was not reported")
	}
	if seen, err := container.Inspect(t.Context()); err != nil || seen.Status != evidence.Absent {
		t.Fatalf("after the upgrade: got %v, %v, want absent", seen.Status, err)
	}
}

func TestWhatIsNoEngineIsSaidToBeNone(t *testing.T) {
	fake := newFakeEngine()
	fake.version = ""
	_, err := fake.serve(t).Inspect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not answer as a Docker engine does") {
		t.Fatalf("got %v", err)
	}
}

func TestTheEngineIsAway(t *testing.T) {
	status := func(code int) func(*testing.T) *Container {
		return func(t *testing.T) *Container {
			fake := newFakeEngine()
			fake.answerJSON("GET /containers/"+name+"/json", code, `<html>no server</html>`)
			return fake.serve(t)
		}
	}
	for name, container := range map[string]func(*testing.T) *Container{
		"no socket": func(t *testing.T) *Container {
			return newContainer(t, "unix://"+filepath.Join(t.TempDir(), "none.sock"))
		},
		"connection refused": func(t *testing.T) *Container {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			_ = listener.Close()
			return newContainer(t, "tcp://"+listener.Addr().String())
		},
		"502": status(502), "503": status(503), "504": status(504),
		"the guard's 503 to a ping": func(t *testing.T) *Container {
			fake := newFakeEngine()
			fake.answerJSON("HEAD /_ping", 503, "")
			return fake.serve(t)
		},
		"a connection cut in the header": func(t *testing.T) *Container {
			fake := newFakeEngine()
			fake.answer("GET /containers/"+name+"/json", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			return fake.serve(t)
		},
		"a connection cut in the body": func(t *testing.T) *Container {
			fake := newFakeEngine()
			fake.answer("GET /containers/"+name+"/json", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"Id":`))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
			return fake.serve(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := container(t).Inspect(t.Context()); !errors.Is(err, ErrEngineAway) {
				t.Errorf("got %v, want ErrEngineAway", err)
			}
		})
	}
}

func TestARefusalIsNotAnEngineAway(t *testing.T) {
	for _, code := range []int{400, 403, 404, 500} {
		fake := newFakeEngine()
		fake.answerJSON("GET /containers/"+name+"/json", code, `{"message":"no"}`)
		_, err := fake.serve(t).Inspect(t.Context())
		if err == nil || errors.Is(err, ErrEngineAway) {
			t.Errorf("%d: got %v, want an error that is not ErrEngineAway", code, err)
		}
	}
}

func TestACallerThatLeavesSaysNothingOfTheEngine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fake := newFakeEngine()
	fake.answer("GET /containers/"+name+"/json", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := fake.serve(t).Inspect(ctx)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrEngineAway) {
		t.Fatalf("got %v, want the context's error alone", err)
	}
}
