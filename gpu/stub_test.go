//go:build linux && cgo

package gpu

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

//go:embed testdata/nvml_stub.c
var stubSource string

// The variants of the stub, as flags of its compiler.
const (
	newDriver = "-DNEW_DRIVER"
	oldDriver = "-DOLD_DRIVER"
	notNVML   = "-DNOT_NVML"
)

var (
	stubsMu sync.Mutex
	stubs   = map[string][]byte{}
)

// stub compiles a variant once, and puts it into the folder.
func stub(t *testing.T, variant, folder string) string {
	t.Helper()
	library := filepath.Join(folder, "libnvidia-ml.so.1")
	stubsMu.Lock()
	defer stubsMu.Unlock()
	if stubs[variant] == nil {
		compile := exec.Command("gcc", "-shared", "-fPIC", variant, "-o", library, "-x", "c", "-")
		compile.Stdin = strings.NewReader(stubSource)
		if output, err := compile.CombinedOutput(); err != nil {
			t.Fatalf("cannot compile the NVML stub; gcc must be installed, as for any cgo build: %v\n%s", err, output)
		}
		built, err := os.ReadFile(library)
		if err != nil {
			t.Fatal(err)
		}
		stubs[variant] = built
	}
	if err := os.WriteFile(library, stubs[variant], 0o700); err != nil {
		t.Fatal(err)
	}
	return library
}

// host is a machine whose driver is the stub.
type host struct {
	t                    *testing.T
	library, state, told string
}

func newHost(t *testing.T, variant string, state ...string) *host {
	t.Helper()
	folder := t.TempDir()
	h := &host{
		t:       t,
		library: stub(t, variant, folder),
		state:   filepath.Join(folder, "state"),
		told:    filepath.Join(folder, "told"),
	}
	h.becomes(state...)
	return h
}

// becomes replaces the stub's state, whole.
func (h *host) becomes(lines ...string) {
	h.t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(h.state+".new", []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(h.state+".new", h.state); err != nil {
		h.t.Fatal(err)
	}
}

// hearsRegistrations makes the stub wait at each registration for events until
// the returned function has been called.
func (h *host) hearsRegistrations() (await func()) {
	h.t.Helper()
	if err := syscall.Mkfifo(h.told, 0o600); err != nil {
		h.t.Fatal(err)
	}
	return func() {
		if text, err := os.ReadFile(h.told); err != nil || string(text) != "registered\n" {
			h.t.Fatalf("the stub told %q (%v)", text, err)
		}
	}
}

func (h *host) command() *exec.Cmd {
	return childCommand(h.t, childServes,
		"NVML_STUB_LIBRARY="+h.library, "NVML_STUB_STATE="+h.state, "NVML_STUB_TOLD="+h.told)
}

// watch runs a Client on the host.
func (h *host) watch(adjust func(*Client)) *watcher {
	h.t.Helper()
	return watch(h.t, h.command, adjust)
}
