package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writableFolder tries to write into a folder; an empty name is none.
func writableFolder(folder string) error {
	if folder == "" {
		return nil
	}
	file, err := os.CreateTemp(folder, ".clawgate-check-*")
	if err != nil {
		return fmt.Errorf("cannot write into %q: %w", folder, cause(err))
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// cause leaves out the name of the file that was tried: it is made up.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// writableLog tries to open the log for more lines, without making it, and to
// write into its folder, where rotation renames it. A folder that is missing
// will be made, so the nearest one that exists counts.
func writableLog(path string) error {
	if path == "" {
		return nil
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is not a regular file", path)
	default:
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return writableFolder(nearestFolder(filepath.Dir(path)))
}

func nearestFolder(folder string) string {
	for {
		_, err := os.Stat(folder)
		parent := filepath.Dir(folder)
		if !errors.Is(err, fs.ErrNotExist) || parent == folder {
			return folder
		}
		folder = parent
	}
}
