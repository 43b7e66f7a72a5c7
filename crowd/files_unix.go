//go:build unix

package crowd

import "syscall"

// files is how many files the process may have open, which Go itself has raised
// as far as it may.
func files() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return assumedFiles
	}
	return int(min(limit.Cur, 1<<30))
}
