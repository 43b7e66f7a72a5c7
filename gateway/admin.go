package gateway

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/ollama"
)

// sidecarsUp tells which sidecars would serve a request. It reads the pool when
// asked, so that a sidecar that is gone leaves no series behind.
type sidecarsUp struct{ pool *balance.Pool }

var sidecarUp = prometheus.NewDesc(namespace+"_gateway_sidecar_up", "1 while the sidecar would serve an inference request.", []string{"sidecar"}, nil)

// Describe implements prometheus.Collector.
func (sidecarsUp) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- sidecarUp }

// Collect implements prometheus.Collector.
func (s sidecarsUp) Collect(metrics chan<- prometheus.Metric) {
	for _, report := range s.pool.Report() {
		up := 0.0
		if report.Up {
			up = 1
		}
		metrics <- prometheus.MustNewConstMetric(sidecarUp, prometheus.GaugeValue, up, report.Address)
	}
}

// newAdmin is the handler of the admin listener.
func newAdmin(g *Gateway, parts Parts) http.Handler {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "The build.", ConstLabels: prometheus.Labels{"version": parts.Version, "go_version": runtime.Version()},
	})
	info.Set(1)
	parts.Registry.MustRegister(info)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(parts.Registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelWarn)}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, map[string]any{"healthy": true}) })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if reason := g.notReady(); reason != "" {
			say(w, http.StatusServiceUnavailable, map[string]any{"ready": false, "reason": reason})
			return
		}
		say(w, http.StatusOK, map[string]any{"ready": true})
	})
	mux.HandleFunc("GET /-/status", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, map[string]any{
			"version": parts.Version, "open": g.keys.Open(), "allow": g.config.Allow,
			"sidecars": g.pool.Report(), "buffered_bytes": g.forwarder.Buffered(),
		})
	})
	checked := checkHost(g.config.AdminHosts.And(g.config.AdminListen), mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limitUnreadBody(w, r)
		checked.ServeHTTP(w, r)
	})
}

// notReady is why an inference request would not be served now, or empty.
func (g *Gateway) notReady() string {
	reports := g.pool.Report()
	reason := "no sidecar has been found"
	for _, report := range reports {
		if report.Up {
			return ""
		}
		reason = "no sidecar is ready; " + report.Address + " is " + report.State
	}
	return reason
}

// serveReady answers a load balancer, and the chat page, which asks for its
// model: yes or no. Who stands behind the door is nobody's business there.
func (g *Gateway) serveReady(w http.ResponseWriter, request *http.Request) {
	if g.cors.Handle(w, request) {
		return
	}
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		say(w, http.StatusMethodNotAllowed, map[string]any{"error": "/-/ready takes GET and HEAD"})
		return
	}
	ready, status := g.notReady() == "", http.StatusOK
	if model := request.URL.Query().Get("model"); model != "" {
		ready = g.pool.Serves(ollama.NormalizeModel(model))
	}
	if !ready {
		status = http.StatusServiceUnavailable
	}
	say(w, status, map[string]any{"ready": ready})
}

func say(w http.ResponseWriter, status int, value map[string]any) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be encoded"}`)
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the asker may be gone
}
