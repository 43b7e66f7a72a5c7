package gpu

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// hostPIDNamespace is the initial PID namespace; the kernel gives it a fixed
// inode (PROC_PID_INIT_INO, 0xEFFFFFFC).
const hostPIDNamespace = "pid:[4026531836]"

// processTable tells whose a process is. NVML speaks of the host's PIDs, which
// mean other processes, or none, in a PID namespace of one's own: without
// `pid: host` it tells nothing.
type processTable struct {
	root string // of proc(5)
	host bool   // the PIDs there are the host's
}

func hostProcesses() processTable {
	namespace, err := os.Readlink("/proc/self/ns/pid")
	return processTable{root: "/proc", host: err == nil && namespace == hostPIDNamespace}
}

// describe fills in what /proc knows. A process that ended meanwhile, or that
// may not be looked at, stays as it is.
func (t processTable) describe(process *evidence.GPUProcess) {
	if !t.host {
		return
	}
	folder := filepath.Join(t.root, strconv.Itoa(process.PID))
	if name, err := os.ReadFile(filepath.Join(folder, "comm")); err == nil {
		process.Command = strings.TrimSpace(string(name))
	}
	if cgroup, err := os.ReadFile(filepath.Join(folder, "cgroup")); err == nil {
		process.ContainerID = containerID(string(cgroup))
	}
}

// longID is the full ID that Docker, containerd and CRI-O use in cgroup paths,
// alone in its path element or between a prefix and a suffix (docker-ID.scope).
var longID = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{64})(?:[^0-9a-f]|$)`)

// containerID finds a container's ID in the text of /proc/PID/cgroup: the
// innermost one of the first line that has any; empty when none has.
func containerID(cgroup string) string {
	for line := range strings.Lines(cgroup) {
		elements := strings.Split(strings.TrimSpace(line), "/")
		for i := len(elements) - 1; i >= 0; i-- {
			if match := longID.FindStringSubmatch(elements[i]); match != nil {
				return match[1]
			}
		}
	}
	return ""
}
