package dockerctl

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func TestUserAndPasswordAreTakenOutOfTheHost(t *testing.T) {
	for host, want := range map[string]string{
		"tcp://guard:2375":              "tcp://guard:2375",
		"tcp://me:hunter2@guard:2375":   "tcp://guard:2375",
		"tcp://hunter2@guard:2375":      "tcp://guard:2375",
		"tcp://me:hun@ter2@guard:2375":  "tcp://guard:2375",
		"tcp://me:hun/ter2@guard:2375":  "tcp://guard:2375",
		"tcp://me:%zzhunter2@guard/x":   "tcp://guard/x",
		"https://me:hunter2@[::1]:2376": "https://[::1]:2376",
		"me:hunter2@guard":              "guard",
		"ssh://root@host":               "ssh://root@host",
		"ssh://root:hunter2@host":       "ssh://host",
		"unix:///run/a@b.sock":          "unix:///run/a@b.sock",
		"unix://@abstract":              "unix://@abstract",
		"guard:2375":                    "guard:2375",
		"":                              "",
	} {
		if got := withoutUser(host); got != want {
			t.Errorf("%q becomes %q, want %q", host, got, want)
		}
	}
}

func TestNoErrorShowsThePasswordOfTheHost(t *testing.T) {
	for _, host := range []string{
		"tcp://me:hunter2@127.0.0.1:1", "http://me:hunter2@127.0.0.1:1", "tcp://me:%zzhunter2@127.0.0.1:1", "ssh://me:hunter2@host",
		"me:hunter2@guard", "tcp://me:hunter2@", "tcp://me:hunter2@:port", "xyz://me:hunter2@guard",
	} {
		t.Setenv("DOCKER_HOST", host)
		var log bytes.Buffer
		container, err := New("", name, slog.New(slog.NewTextHandler(&log, nil)))
		if err == nil {
			_, err = container.Inspect(t.Context())
			_ = container.Close()
		}
		if err == nil || strings.Contains(err.Error()+log.String(), "hunter2") {
			t.Errorf("%s: %v; %s", host, err, log.String())
		}
	}
}

func TestAHostWithAUserIsReachedAllTheSame(t *testing.T) {
	fake := newFakeEngine()
	fake.answerJSON("GET /containers/"+name+"/json", 200, inspection(evidence.Running))
	host := fake.serve(t).engine.host
	if _, err := newContainer(t, strings.Replace(host, "://", "://me:hunter2@", 1)).Inspect(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestNoErrorShowsThePasswordOfAProxy(t *testing.T) {
	invalid := func(*http.Request) (*url.URL, error) {
		return nil, errors.New(`invalid proxy address "me:hunter2@%zz"`)
	}
	if _, err := quiet(invalid)(nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}

func TestCertificatesAreRegularFiles(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		if err := os.Symlink("/dev/zero", filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("DOCKER_CERT_PATH", folder)
	_, err := New("tcp://guard:2376", name, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "cannot use DOCKER_CERT_PATH") || !strings.Contains(err.Error(), "is a device") {
		t.Errorf("the error is %v", err)
	}
}
