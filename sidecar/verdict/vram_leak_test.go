package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestALeakSaysWhoHoldsIt(t *testing.T) {
	var leak watch.Leak
	for _, at := range []time.Duration{time.Minute, 0} {
		view := viewOf(gpuWith(holding(2, 9000*mib, "c1")))
		view.SeenAt = ago(at)
		leak = leak.Add(view, "c1", nil, false, 512*mib)
	}
	if got := held(leak, now); !strings.Contains(got, "has held 9000 MiB of GPU memory for 1m0s") || !strings.Contains(got, "process 2: 9000 MiB") {
		t.Error(got)
	}
}
