package gateway

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheHeadersLimitCanBeSet(t *testing.T) {
	for set, want := range map[string]int{"16KiB": http.StatusRequestHeaderFieldsTooLarge, "64KiB": http.StatusOK} {
		inWorld(t, []string{"CLAWGATE_GATEWAY_MAX_HEADER_BYTES=" + set}, func(w *world) {
			if got := w.chat("X-Long", strings.Repeat("x", 40<<10)); got.status != want {
				t.Errorf("%s: %d", set, got.status)
			}
		})
	}
}
