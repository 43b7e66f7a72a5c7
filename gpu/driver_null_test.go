//go:build !linux || !cgo

package gpu

import (
	"os/exec"
	"strings"
	"testing"
)

func TestBuildWithoutCgoSaysSo(t *testing.T) {
	w := watch(t, func() *exec.Cmd { return childCommand(t, childServes) }, nil)
	w.log.await(t, "gpu view unknown")
	if view := w.View(t.Context()); view.Known || !strings.Contains(view.Reason, "built without cgo") {
		t.Errorf("got %+v", view)
	}
}
