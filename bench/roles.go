package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/clawdbot/clawgate/sidecar/relay"
)

// serveRole is a child process: it serves until its standard input ends, and
// tells its address first.
func serveRole(role, upstream string) error {
	var handler http.Handler
	switch role {
	case "upstream":
		handler = http.HandlerFunc(answer)
	case "plain":
		handler = plain(upstream)
	case "relay":
		handler = throughRelay(upstream)
	default:
		return fmt.Errorf("there is no role %q", role)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	_, err = io.Copy(io.Discard, os.Stdin)
	server.Close()
	return err
}

// transport is the same for both Go proxies, so that what differs is the rest.
func transport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, IdleConnTimeout: time.Minute}
}

func plain(upstream string) http.Handler {
	to := &url.URL{Scheme: "http", Host: upstream}
	return &httputil.ReverseProxy{Transport: transport(), ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to); p.SetXForwarded() }}
}

func throughRelay(upstream string) http.Handler {
	r := relay.New(relay.Config{
		Upstream: &url.URL{Scheme: "http", Host: upstream}, MaxInFlight: 4096, QueueLength: 256,
		QueueTimeout: time.Minute, HoldMax: 2 * time.Minute, RetryAfter: time.Minute,
		FirstChunkTimeout: 3 * time.Second, StallTimeout: 2 * time.Minute,
		ReplayMaxBytes: 8 << 20, BufferMaxBytes: 256 << 20,
	})
	r.SetGate(relay.Gate{State: "ready"})
	return r
}

const (
	chunk = `{"model":"qwen3:32b","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":" x"},"done":false}` + "\n"
	final = `{"model":"qwen3:32b","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":1000000,"load_duration":1000,"prompt_eval_count":200,"prompt_eval_duration":1000,"eval_count":100,"eval_duration":1000}` + "\n"
)

// answer streams as Ollama does: a chunk of some 125 bytes at a time, each
// flushed, and a final one with the counts.
func answer(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Chunks int
		Pace   time.Duration
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	flusher := w.(http.Flusher)
	for range ask.Chunks {
		io.WriteString(w, chunk)
		flusher.Flush()
		if ask.Pace > 0 {
			time.Sleep(ask.Pace)
		}
	}
	io.WriteString(w, final)
}
