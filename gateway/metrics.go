package gateway

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway/forward"
)

const namespace = "clawgate"

// firstChunkBuckets reach from an answer of a loaded model to one that waited
// for a recovery, in seconds.
var firstChunkBuckets = []float64{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120, 300}

// metrics counts what happens at the door. Keys are named by their names, and
// routes are those that are known: no label comes from a client.
type metrics struct {
	requests *prometheus.CounterVec
	refused  *prometheus.CounterVec
	moved    prometheus.Counter
	cut      *prometheus.CounterVec
	duration *prometheus.HistogramVec
	first    prometheus.Histogram
}

func newMetrics(registry prometheus.Registerer, g *Gateway) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: "gateway", Name: name, Help: help}, labels)
	}
	m := &metrics{
		requests: counter("requests_total", "Requests by route, status (499: the client left) and key.", "route", "code", "key"),
		refused:  counter("refused_total", "Answers of the gateway's own instead of a sidecar's.", "reason"),
		cut:      counter("streams_cut_total", "Answers that ended early, by whose fault.", "reason"),
		moved:    prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: "gateway", Name: "requests_moved_total", Help: "Attempts after the first: requests that went on to another sidecar, or again to one that came back."}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "gateway", Name: "request_duration_seconds", Help: "From arrival to the end of the answer.", Buckets: firstChunkBuckets,
		}, []string{"route"}),
		first: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "gateway", Name: "first_chunk_seconds", Help: "From arrival to the first byte of an inference request's answer.", Buckets: firstChunkBuckets,
		}),
	}
	for _, reason := range []string{"origin", "key", "guesses", "unknown_path", "method", "not_allowed", "rate_limit", "body_too_large", "no_sidecar", "sidecar_died", "memory", "crowded", "header", "bad_body", "encoding"} {
		m.refused.WithLabelValues(reason)
	}
	for _, reason := range []string{"client", "sidecar"} {
		m.cut.WithLabelValues(reason)
	}
	registry.MustRegister(m.requests, m.refused, m.cut, m.moved, m.duration, m.first, sidecarsUp{g.pool},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "gateway", Name: "buffered_bytes", Help: "Memory that request bodies hold."},
			func() float64 { return float64(g.forwarder.Buffered()) }))
	return m
}

func (m *metrics) request(route, key string, took time.Duration, result *forward.Result) {
	m.requests.WithLabelValues(route, strconv.Itoa(result.Status), key).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
	if result.FirstChunk > 0 && result.Model != "" {
		m.first.Observe(result.FirstChunk.Seconds())
	}
	if result.Refused != "" {
		m.refused.WithLabelValues(result.Refused).Inc()
	}
	if result.Cut != "" {
		m.cut.WithLabelValues(result.Cut).Inc()
	}
	m.moved.Add(float64(max(0, result.Attempts-1)))
}
