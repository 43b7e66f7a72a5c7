package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway"
	"github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/sidecar/relay"
)

// serveRole is a child process: it serves until its standard input ends, and
// tells its address first.
//
// With BENCH_PROFILE, the name of a folder, it leaves its CPU profile there.
func serveRole(role, upstream string) error {
	if folder := os.Getenv("BENCH_PROFILE"); folder != "" {
		file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%s-%d.pprof", role, os.Getpid())))
		if err != nil {
			return fmt.Errorf("cannot write a profile: %w", err)
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("cannot profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	var handler http.Handler
	switch role {
	case "upstream":
		handler = http.HandlerFunc(answer)
	case "plain":
		handler = plain(upstream)
	case "relay":
		handler = throughRelay(upstream)
	case "gateway":
		return serveGateway(upstream)
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

// serveGateway runs the whole door, with its log, before a relay or before
// what says of itself that it is one.
func serveGateway(upstream string) error {
	settings := config.Default()
	settings.Listen, settings.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	settings.Sidecars = config.Sidecars{{Scheme: "http", Host: upstream}}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	listeners, err := gateway.Listen(ctx, settings)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // written to as the product's is
	if err != nil {
		return err
	}
	defer log.Close()
	door := gateway.New(gateway.Parts{
		Config: settings, Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewJSONHandler(log, nil)),
	})
	ended := make(chan error, 1)
	go func() { ended <- door.Run(ctx, listeners) }()
	if err := awaitReady(ctx, listeners.Door.Addr().String()); err != nil {
		return err
	}
	fmt.Println(listeners.Door.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	return <-ended
}

// awaitReady waits until the gateway has found its sidecar.
func awaitReady(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/ready", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("the gateway finds no sidecar: %w", context.Cause(ctx))
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
		Upstream: &url.URL{Scheme: "http", Host: upstream}, Model: "qwen3:32b", MaxInFlight: 1 << 14, QueueLength: 256,
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
	if r.URL.Path == "/-/ready" { // for the gateway alone before it
		io.WriteString(w, `{"ready":true,"state":"ready","may_hold":true,"hold_max_ms":120000}`)
		return
	}
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
