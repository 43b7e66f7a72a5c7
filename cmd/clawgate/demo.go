package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/gateway"
	door "github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/gpu"
	"github.com/clawdbot/clawgate/serve"
	"github.com/clawdbot/clawgate/sidecar"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/simulation"
)

// demoSettings differ from the defaults so that the demo shows something soon,
// writes nothing to the disk, and is seen on this machine alone. Variables of
// the environment go before them.
var demoSettings = []string{
	"CLAWGATE_LISTEN=127.0.0.1:18789", "CLAWGATE_ADMIN_LISTEN=127.0.0.1:18790", "CLAWGATE_ADMIN_TOKEN=demo-demo-demo-demo",
	"CLAWGATE_READY_INTERVAL=10s", "CLAWGATE_SETTLE_DELAY=2s", "CLAWGATE_DRAIN_TIMEOUT=5s",
	// Ollama replaces a frozen runner that nobody uses by itself, after ten
	// seconds. The demo is to show what Clawgate does.
	"CLAWGATE_FIRST_CHUNK_TIMEOUT=2s", "CLAWGATE_RECHECK_INTERVAL=1s",
	"CLAWGATE_STATE_DIR=", "CLAWGATE_HEALTH_LOG=", "CLAWGATE_LOG_FORMAT=text",
}

// demoDoor are the gateway's.
var demoDoor = []string{"CLAWGATE_GATEWAY_LISTEN=127.0.0.1:8080", "CLAWGATE_GATEWAY_ADMIN_LISTEN=127.0.0.1:8081"}

// runDemo joins gateway and sidecar with a simulated Ollama, container and GPU.
// All but those is what `clawgate gateway` and `clawgate sidecar` run.
func runDemo(ctx context.Context, _ []string) int {
	settings, err := config.Load(append(demoSettings, os.Environ()...), door.Variables()...)
	front, mistakes := door.Load(append(demoDoor, os.Environ()...), config.Variables()...)
	if err := errors.Join(err, mistakes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	log := newLog(settings.LogLevel, settings.LogFormat)
	if err := demonstrate(ctx, settings, front, log); err != nil {
		log.Error("the demo ended", "err", err)
		return exitFailure
	}
	return exitOK
}

func demonstrate(ctx context.Context, settings config.Config, entrance door.Config, log *slog.Logger) error {
	listeners, err := sidecar.Listen(ctx, settings)
	if err != nil {
		return err
	}
	front := listeners.Admin
	if listeners.Admin, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("cannot listen behind the demo's own calls: %w", err)
	}
	world := simulation.New(demoWorld(settings))
	s := demoSidecar(settings, world, log)
	faults := serve.New(demoHandler(world, settings.Model, listeners.Admin.Addr()), log)
	entrance.Sidecars = door.Sidecars{{Scheme: "http", Host: listeners.Relay.Addr().String()}}
	doors, err := gateway.Listen(ctx, entrance)
	if err != nil {
		return err
	}
	g := gateway.New(gateway.Parts{Config: entrance, Log: log, Version: version(), Registry: prometheus.NewRegistry()})
	introduce(os.Stdout, settings, entrance)

	group, running := errgroup.WithContext(ctx)
	background, stop := context.WithCancel(context.WithoutCancel(ctx)) // the world outlives the drain
	defer stop()
	group.Go(func() error { return world.Run(background) })
	group.Go(func() error { world.Xids(background, s.SawXid); return nil })
	group.Go(func() error { return serve.Ended(faults.Serve(front)) })
	group.Go(func() error { return g.Run(running, doors) })
	group.Go(func() error {
		defer stop()
		defer func() { _ = faults.Close() }()
		return s.Run(running, listeners)
	})
	return group.Wait()
}

func demoWorld(settings config.Config) simulation.Config {
	return simulation.Config{
		Container: settings.Container,
		Models: []simulation.Model{{
			Name: settings.Model, Bytes: 20 << 30, LoadTakes: 5 * time.Second,
			FirstChunk: 300 * time.Millisecond, TokenInterval: 40 * time.Millisecond, Tokens: 200, Thinking: true,
		}},
		Parallel: 2, GPUBytes: 48 << 30, Seed: uint64(time.Now().UnixNano()),
	}
}

func demoSidecar(settings config.Config, world *simulation.World, log *slog.Logger) *sidecar.Sidecar {
	var view sidecar.GPU = world
	if settings.GPU == config.GPUOff {
		view = gpu.Off{}
	}
	return sidecar.New(sidecar.Parts{
		Config: settings, Engine: world, Hints: world, GPU: view, Fresh: view.View, Dial: world.Dial, Wall: world.Now,
		Log: log, Version: version(), Registry: prometheus.NewRegistry(),
		Leaks: func(before, after evidence.GPUView, owner evidence.GPUOwner) evidence.LeakReport {
			return gpu.Leak(before, after, owner, uint64(settings.LeakTolerance))
		},
	})
}

// demoHandler breaks things on POST /-/demo/fault/NAME and leaves all else to
// the sidecar's own admin listener.
func demoHandler(world *simulation.World, model string, behind net.Addr) http.Handler {
	mux := http.NewServeMux()
	for _, fault := range demoFaults(model) {
		mux.HandleFunc("POST /-/demo/fault/"+fault.name, func(w http.ResponseWriter, r *http.Request) {
			status, answer := http.StatusOK, "done"
			if err := fault.act(r.Context(), world); err != nil {
				status, answer = http.StatusConflict, err.Error()
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "{%q:%q}\n", fault.name, answer)
		})
	}
	target := &url.URL{Scheme: "http", Host: behind.String()}
	mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // the admin listener checks it
	}})
	return http.NewCrossOriginProtection().Handler(mux) // no web page breaks anything
}

func introduce(w io.Writer, settings config.Config, entrance door.Config) {
	front, status := shown(entrance.Listen), shown(settings.AdminListen)
	_, _ = fmt.Fprintf(w, `Clawgate against a simulated Ollama. Ctrl-C ends it.

Talk:   http://%[1]s/
Watch:  http://%[2]s/   http://%[2]s/-/status   http://%[2]s/metrics
Chat:   curl -N http://%[1]s/api/chat -d '{"model":%[3]q,"messages":[{"role":"user","content":"hello"}]}'
Break:  curl -X POST http://%[2]s/-/demo/fault/NAME
        NAME is one of`, front, status, settings.Model)
	for i, fault := range demoFaults(settings.Model) {
		if i > 0 && i%6 == 0 {
			_, _ = fmt.Fprint(w, "\n       ")
		}
		_, _ = fmt.Fprint(w, " ", fault.name)
	}
	_, _ = fmt.Fprintf(w, "\nWait for it to be mended instead of an error: add -H 'Prefer: wait=60' to the chat.\n\n")
}

// shown is the address that a person on this machine opens.
func shown(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return listen
}
