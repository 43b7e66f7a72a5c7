package gpu

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// childRole names the variable that turns this test binary into a child.
const childRole = "CLAWGATE_TEST_CHILD"

// What the child does.
const (
	childServes   = "serve"   // as the real one, for the library of NVML_STUB_LIBRARY
	childBabbles  = "babble"  // writes what is no message
	childMistakes = "mistake" // answers what was not asked
	childDefies   = "defy"    // ignores its end of input and SIGTERM, answers nothing
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(beChild(role))
	}
	goleak.VerifyTestMain(m)
}

func beChild(role string) int {
	answers := os.NewFile(answersFD, "answers")
	switch role {
	case childServes:
		if err := Serve(os.Getenv("NVML_STUB_LIBRARY")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case childBabbles:
		fmt.Fprintln(answers, "NVRM: this is not JSON")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case childMistakes:
		fmt.Fprintln(answers, `{"kind":"ready"}`)
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		fmt.Fprintln(answers, `{"kind":"view","id":4711,"view":{"Known":true}}`)
		_, _ = io.Copy(io.Discard, os.Stdin)
	case childDefies:
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(answers, `{"kind":"ready"}`)
		_, _ = io.Copy(io.Discard, os.Stdin)
		select {}
	}
	return 0
}

// childCommand starts this test binary in the given role.
func childCommand(t *testing.T, role string, environment ...string) *exec.Cmd {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatalf("cannot find the test binary: %v", err)
	}
	cmd := exec.Command(executable)
	// The race detector makes every process linger for a second at its end.
	cmd.Env = append(os.Environ(), childRole+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, environment...)
	return cmd
}
