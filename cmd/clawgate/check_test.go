package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCheckNamesWhatFailsAndExitsWithOne(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version":"0.9.6","models":[{"name":"tiny:latest"}]}`))
	}))
	defer server.Close()
	folder := t.TempDir()
	t.Setenv("DOCKER_HOST", "unix://"+folder+"/nobody.sock")
	var stdout, stderr strings.Builder
	code := check(t.Context(), []string{
		"CLAWGATE_OLLAMA_URL=" + server.URL, "CLAWGATE_MODEL=tiny", "CLAWGATE_GPU=off",
		"CLAWGATE_STATE_DIR=" + folder, "CLAWGATE_HEALTH_LOG=" + folder + "/health.log", "CLAWGATE_ADMIN_TOKEN=0123456789abcdef",
	}, &stdout, &stderr)
	if code != exitFailure || stderr.Len() > 0 {
		t.Errorf("exit %d, stderr %q, want %d and none", code, stderr.String(), exitFailure)
	}
	failed := 0
	for line := range strings.Lines(stdout.String()) {
		if !strings.HasPrefix(line, "ok ") {
			failed++
			if !strings.HasPrefix(line, "fail  engine ") {
				t.Errorf("unexpected: %s", line)
			}
		}
	}
	if failed != 1 {
		t.Errorf("%d lines are not ok, want the engine's alone:\n%s", failed, stdout.String())
	}
	if strings.Contains(stdout.String(), "s3cret") {
		t.Error("the token is shown")
	}
}

func TestCheckOfABadEnvironmentExitsWithTwo(t *testing.T) {
	var stdout, stderr strings.Builder
	code := check(t.Context(), []string{"CLAWGATE_MODE=nonsense", "CLAWGATE_PULL=perhaps"}, &stdout, &stderr)
	if code != exitUsage || stdout.Len() > 0 {
		t.Errorf("exit %d, stdout %q, want %d and none", code, stdout.String(), exitUsage)
	}
	for _, name := range []string{"CLAWGATE_MODE", "CLAWGATE_PULL"} {
		if !strings.Contains(stderr.String(), name) {
			t.Errorf("stderr %q does not name %s", stderr.String(), name)
		}
	}
}
