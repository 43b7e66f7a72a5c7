// Package smallfile reads the small files that a person or an orchestrator puts
// in place: secrets, certificates, the state of an earlier run. Whatever stands
// at the path instead, a read neither waits nor takes more memory than it was
// allowed.
package smallfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/docker/go-units"
)

// Read returns what is in the regular file at path, which may be at most so many
// bytes long. Links are followed: Docker's and Kubernetes' secrets are links.
// Its error says what stands there and what would be right; [fs.ErrNotExist] is
// in it where nothing does.
func Read(path string, most int64) ([]byte, error) {
	// Looked at before it is opened, since to open a device may do something,
	// and again after, since what is opened may be another by then.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(path, info)
	}
	// Without O_NONBLOCK a named pipe is opened only when somebody writes to it.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(path, info)
	}
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > most {
		return nil, fmt.Errorf("%q is larger than %s", path, units.BytesSize(float64(most)))
	}
	return content, nil
}

func irregular(path string, info fs.FileInfo) error {
	kind := "a device"
	switch mode := info.Mode(); {
	case mode.IsDir():
		kind = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	}
	return fmt.Errorf("%q is %s; it must be a regular file, or a link to one", path, kind)
}
