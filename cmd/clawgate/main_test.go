package main

import (
	"testing"
)

func TestMisuseExitsWithTwo(t *testing.T) {
	for _, args := range [][]string{nil, {"gatewy"}, {"gateway", "--port=1"}, {"sidecar", "--port=1"}, {"healthcheck"}, {"healthcheck", "nvml"}} {
		if got := run(t.Context(), args); got != exitUsage {
			t.Errorf("clawgate %q exits with %d, want %d", args, got, exitUsage)
		}
	}
}

func TestHelpVersionAndEnvSucceed(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"version"}, {"env"}} {
		if got := run(t.Context(), args); got != exitOK {
			t.Errorf("clawgate %q exits with %d, want %d", args, got, exitOK)
		}
	}
}
