package healthlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	// keepFiles is how many files of earlier days are kept beside today's.
	keepFiles = 14
	// maxFileMegabytes bounds one file, and with keepFiles the whole folder,
	// should something change its state all day long.
	maxFileMegabytes = 16
	dayLayout        = time.DateOnly
)

// dailyFile is a file that gets a successor every day, at the first line after
// midnight of the local time zone, so that a day's file holds that day and a
// quiet day leaves no empty one. It is used by one goroutine.
//
// The day is watched here and not by timberjack's RotateAt: that one forgets
// over a restart of the process which day the file belongs to, and reports its
// failures to stderr by itself.
type dailyFile struct {
	path    string
	day     string // of the lines in the file; empty until it has been looked at
	rotator *timberjack.Logger
}

func newDailyFile(path string) *dailyFile {
	return &dailyFile{path: path, rotator: &timberjack.Logger{
		Filename:    path,
		MaxSize:     maxFileMegabytes,
		MaxBackups:  keepFiles,
		LocalTime:   true,
		Compression: "none", // small, and meant for grep
	}}
}

// Write appends one line. A file that cannot be rotated is written on to: a
// line in yesterday's file is better than no line. The error then comes with
// the line's full length.
func (f *dailyFile) Write(line []byte) (int, error) {
	today := time.Now().Local().Format(dayLayout)
	if f.day == "" {
		day, err := dayOf(f.path, today)
		if err != nil {
			return 0, err
		}
		f.day = day
	}
	rotateErr := f.rotate(today)
	written, err := f.rotator.Write(line)
	return written, errors.Join(rotateErr, err)
}

// Close closes the file and waits for the removal of old ones.
func (f *dailyFile) Close() error { return f.rotator.Close() }

func (f *dailyFile) rotate(today string) error {
	if f.day == today {
		return nil
	}
	if err := f.rotator.RotateWithReason("day"); err != nil {
		return fmt.Errorf("cannot begin the file of %s: %w", today, err)
	}
	f.day = today
	return nil
}

// dayOf returns the day on which the file at path was last written, and today
// when there is none yet. Anything but a regular file is refused: rotation
// renames, and /dev/stdout must keep its name.
func dayOf(path, today string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return today, nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot look at the health log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%q is not a regular file: name another, or leave the name empty for none", path)
	}
	return info.ModTime().Local().Format(dayLayout), nil
}
