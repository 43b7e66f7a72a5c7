//go:build e2e

package parts

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a process of a container as the host numbers it. It is held by a
// descriptor where the kernel can, so that a signal never reaches another
// process that was given the same number.
type Process struct {
	PID    int
	handle *os.Process
}

// Server is the container's PID 1: the Ollama server itself.
func (c Container) Server(t testing.TB) Process {
	t.Helper()
	pid, err := strconv.Atoi(c.inspect(t, "{{.State.Pid}}"))
	if err != nil || pid == 0 {
		t.Fatalf("container %q has no process (PID %d, %v)", c.Name, pid, err)
	}
	return process(t, pid)
}

// Runner is the one process that holds a model. It ends the test unless there
// is exactly one.
func (c Container) Runner(t testing.TB) Process {
	t.Helper()
	pids := c.RunnerPIDs(t)
	if len(pids) != 1 {
		t.Fatalf("container %q has runners %v, want exactly one", c.Name, pids)
	}
	return process(t, pids[0])
}

// RunnerPIDs are the host's numbers of all processes that hold a model: the
// server's children `ollama runner …`, from release 0.30 on `llama-server …`.
func (c Container) RunnerPIDs(t testing.TB) []int {
	t.Helper()
	var pids []int
	for line := range strings.Lines(mustDocker(t, "top", c.Name, "-eo", "pid,args")) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !runner(fields[1], fields[2]) {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		if err != nil {
			t.Fatalf("cannot read the process list of %q: %v", c.Name, err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func runner(program, argument string) bool {
	return strings.HasSuffix(program, "ollama") && argument == "runner" || strings.HasSuffix(program, "/llama-server")
}

func process(t testing.TB, pid int) Process {
	t.Helper()
	handle, err := os.FindProcess(pid)
	if err != nil {
		t.Fatalf("cannot find process %d: %v", pid, err)
	}
	return Process{PID: pid, handle: handle}
}

// Freeze stops the process (SIGSTOP): it keeps its memory and its sockets, and
// answers nothing. It returns when all threads stand still, which on a busy
// machine takes a while.
func (p Process) Freeze(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	Await(t, 30*time.Second, fmt.Sprintf("process %d to stand still", p.PID), func() bool { return p.still(t) })
}

// still says that none of the process's threads runs any more.
func (p Process) still(t testing.TB) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if stat := statistics(thread); len(stat) == 0 || stat[0] != "T" {
			return false // one that has ended is no longer there at the next look
		}
	}
	return len(threads) > 0
}

// statistics are the kernel's numbers about a process or a thread, from the
// state on; none when it is gone.
func statistics(file string) []string {
	stat, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	// What comes before is the program's name in brackets, which may hold blanks.
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// Thaw ends a Freeze.
func (p Process) Thaw(t testing.TB) { t.Helper(); p.signal(t, syscall.SIGCONT) }

// Kill ends the process at once, as a crash would.
func (p Process) Kill(t testing.TB) { t.Helper(); p.signal(t, syscall.SIGKILL) }

// Alive says whether the process is still there, frozen or not.
func (p Process) Alive() bool { return p.handle.Signal(syscall.Signal(0)) == nil }

// CPUTime is what the process has used of the CPU so far, in steps of 10 ms. It
// tells that a request has reached the model before a byte of its answer does.
func (p Process) CPUTime(t testing.TB) time.Duration {
	t.Helper()
	numbers := statistics(fmt.Sprintf("/proc/%d/stat", p.PID))
	if len(numbers) < 13 {
		t.Fatalf("process %d is gone", p.PID)
	}
	var ticks int64
	for _, field := range numbers[11:13] { // in user mode, in the kernel
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			t.Fatalf("cannot read what process %d has used: %v", p.PID, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// tick is the kernel's unit of CPU time, the same on all of Go's Linux targets.
const tick = 10 * time.Millisecond

func (p Process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.handle.Signal(s); err != nil {
		t.Fatalf("cannot send %s to process %d: %v", s, p.PID, err)
	}
}
