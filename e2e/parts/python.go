//go:build e2e

package parts

import (
	"context"
	"strings"
	"testing"
	"time"
)

// Python runs a script with the two clients for Python at hand, in the machine's
// network, and gives what it prints. A script that fails ends the test.
func Python(t testing.TB, script string, args ...string) string {
	t.Helper()
	ensure(t, PythonClientsImage)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := Container{Name: newName()}
	t.Cleanup(func() { c.Remove(t) })
	run := []string{"run", "-i", "--name", c.Name, "--label", label + "=" + ID, "--network", "host", PythonClientsImage, "python3", "-"}
	output, err := command(ctx, strings.NewReader(script), "docker", append(run, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return output + "\n"
}
