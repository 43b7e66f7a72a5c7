package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthcheckFollowsTheAnswer(t *testing.T) {
	for role, variable := range map[string]string{"sidecar": "CLAWGATE_ADMIN_LISTEN", "gateway": "CLAWGATE_GATEWAY_ADMIN_LISTEN"} {
		t.Run(role, func(t *testing.T) { healthcheckFollowsTheAnswer(t, role, variable) })
	}
}

func healthcheckFollowsTheAnswer(t *testing.T, role, variable string) {
	t.Helper()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/-/healthy" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	listen := strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "0.0.0.0", 1)
	t.Setenv(variable, listen)
	t.Setenv("CLAWGATE_MODE", "nonsense") // somebody else's mistake

	check := func(when string, want int) {
		if got := run(t.Context(), []string{"healthcheck", role}); got != want {
			t.Errorf("%s: exit %d, want %d", when, got, want)
		}
	}
	check("healthy", exitOK)
	t.Setenv(variable, `"`+listen+`"`)
	check("quoted, as the role reads it", exitOK)
	status = http.StatusServiceUnavailable
	check("503", exitFailure)
	server.Close()
	check("nobody listens", exitFailure)
	t.Setenv(variable, "18790")
	check("bad address", exitFailure)
}
