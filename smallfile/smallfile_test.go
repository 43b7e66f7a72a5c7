//go:build unix

package smallfile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/smallfile"
)

const most = 16

// read fails the test instead of waiting for ever.
func read(t *testing.T, path string) (string, error) {
	t.Helper()
	type result struct {
		content []byte
		err     error
	}
	results := make(chan result, 1)
	go func() {
		content, err := smallfile.Read(path, most)
		results <- result{content, err}
	}()
	select {
	case r := <-results:
		return string(r.content), r.err
	case <-time.After(10 * time.Second):
		t.Fatalf("reading %s does not end", path)
		return "", nil
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoRegularFileIsNamed(t *testing.T) {
	folder := t.TempDir()
	pipe, socket, linked := filepath.Join(folder, "pipe"), filepath.Join(folder, "socket"), filepath.Join(folder, "linked")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Symlink(pipe, linked); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{
		"/dev/zero": "a device", "/dev/full": "a device", pipe: "a named pipe", linked: "a named pipe", socket: "a socket", folder: "a folder",
	} {
		content, err := read(t, path)
		want := `"` + path + `" is ` + kind + "; it must be a regular file, or a link to one"
		if content != "" || err == nil || err.Error() != want {
			t.Errorf("%s gives %q, %v", path, content, err)
		}
	}
}

func TestAFileIsReadUpToItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for size := range most + 3 {
		want := strings.Repeat("x", size)
		write(t, path, want)
		content, err := read(t, path)
		if whole := size <= most; whole && (err != nil || content != want) || !whole && (err == nil || content != "") {
			t.Errorf("%d bytes: %q, %v", size, content, err)
		}
	}
	if _, err := read(t, path); err == nil || err.Error() != `"`+path+`" is larger than 16B` {
		t.Errorf("the error is %v", err)
	}
}

// Kubernetes puts a secret at NAME -> ..data/NAME, with ..data -> ..2026_01_02.
func TestALinkToASecretIsFollowed(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "..2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "..2026", "token"), "secret")
	for name, target := range map[string]string{"..data": "..2026", "token": "..data/token"} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if content, err := read(t, filepath.Join(folder, "token")); content != "secret" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestAFileThatTellsNoSizeIsRead(t *testing.T) {
	const kernel = "/proc/sys/kernel/ostype" // its size is told as 0
	if _, err := os.Stat(kernel); err != nil {
		t.Skip("no " + kernel + " here")
	}
	if content, err := read(t, kernel); content != "Linux\n" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestAMissingFileIsToldAsSuch(t *testing.T) {
	if _, err := read(t, filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
