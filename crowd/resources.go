package crowd

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// What there is where nothing says how much.
const (
	assumedMemory = 2 << 30
	assumedFiles  = 4096
)

// Resources are what connections and requests take, and how much of it there is.
type Resources struct {
	Memory int64 // in bytes
	Files  int   // that may be open at once
}

// Available is what the process may use. Its memory is GOMEMLIMIT, or four
// fifths of the control group's limit, or an assumption of 2 GiB.
func Available() Resources { return Resources{Memory: memory(), Files: files()} }

func memory() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	groups, _ := os.ReadFile("/proc/self/cgroup") // none where there are no groups
	if limit := groupLimit("/sys/fs/cgroup", string(groups)); limit > 0 {
		return limit / 5 * 4
	}
	return assumedMemory
}

// groupLimit is the lowest limit of the process's control groups, of both
// versions; 0 when there is none. In a container the groups' file system begins
// at its own group, whatever the list of groups says.
func groupLimit(root, groups string) int64 {
	files := []string{"memory.max", "memory/memory.limit_in_bytes"}
	for line := range strings.Lines(groups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[1] == "":
			files = append(files, filepath.Join(fields[2], "memory.max"))
		case strings.Contains(fields[1], "memory"):
			files = append(files, filepath.Join("memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	lowest := int64(0)
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			continue // the other version's, or not of this file system
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || limit <= 0 || limit > 1<<50 { // "max", or version 1's word for no limit
			continue
		}
		if lowest == 0 || limit < lowest {
			lowest = limit
		}
	}
	return lowest
}
