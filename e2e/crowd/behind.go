//go:build e2e

// Package crowd tests, on the product's own image and at the memory limits of
// its compose file, that no client ends the gateway or the sidecar, or keeps
// another out, by what it opens, announces or sends.
//
// All traffic is on loopback, whose addresses stand for different hosts.
package crowd

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
)

// behind is what the role under test asks: a relay's or an Ollama's face, as far
// as that is needed. It answers nothing to a body that says "hold", until the
// request is taken back.
func behind(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what does not come whole is not answered
		if bytes.Contains(body[:min(len(body), 100)], []byte(`"hold"`)) {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/-/ready":
			_, _ = io.WriteString(w, `{"ready":true,"state":"ready","may_hold":true,"hold_max_ms":120000}`)
		case "/api/version":
			_, _ = io.WriteString(w, `{"version":"0.9.6"}`)
		case "/api/tags", "/api/ps":
			_, _ = io.WriteString(w, `{"models":[{"name":"qwen3:32b","model":"qwen3:32b","size":1,"size_vram":0,"expires_at":"2300-01-01T00:00:00Z"}]}`)
		default:
			_, _ = io.WriteString(w, `{"model":"qwen3:32b","message":{"role":"assistant","content":"hi"},"response":"hi","done":true,"done_reason":"stop","eval_count":1,"eval_duration":1}`)
		}
	}))
	t.Cleanup(server.CloseClientConnections) // those that are held
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}

// manyFiles checks that this process may open the other ends of all connections
// that the role keeps. Go has raised the limit as far as it may.
func manyFiles(t *testing.T) {
	t.Helper()
	const need = 10_000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < need {
		t.Fatalf("only %d files may be open, %d are needed: raise ulimit -n (%v)", limit.Cur, need, err)
	}
}
