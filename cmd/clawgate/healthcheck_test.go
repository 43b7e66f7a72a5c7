package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthcheckFollowsTheAnswer(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/-/healthy" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	listen := strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "0.0.0.0", 1)
	t.Setenv("CLAWGATE_ADMIN_LISTEN", listen)
	t.Setenv("CLAWGATE_MODE", "nonsense") // somebody else's mistake

	check := func(when string, want int) {
		if got := run(t.Context(), []string{"healthcheck", "sidecar"}); got != want {
			t.Errorf("%s: exit %d, want %d", when, got, want)
		}
	}
	check("healthy", exitOK)
	status = http.StatusServiceUnavailable
	check("503", exitFailure)
	server.Close()
	check("nobody listens", exitFailure)
	t.Setenv("CLAWGATE_ADMIN_LISTEN", "18790")
	check("bad address", exitFailure)
}
