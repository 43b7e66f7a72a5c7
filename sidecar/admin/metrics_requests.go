package admin

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/wire"
)

// requestMetrics are what the relay reports.
type requestMetrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	replayed  *prometheus.CounterVec
	refused   *prometheus.CounterVec
	cut       *prometheus.CounterVec
	load      *loadCollector
}

func newRequestMetrics(reg prometheus.Registerer, f factory) *requestMetrics {
	metrics := &requestMetrics{
		requests: f.counters("requests_total",
			"Requests that have ended, by path and HTTP status code; 499 when the client went away first. A stream that was cut keeps the code that it began with.",
			"route", "code"),
		durations: f.histograms("request_duration_seconds",
			"Time from a request's arrival to the end of its answer, waiting included.",
			[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}, "route"),
		replayed: f.counters("requests_replayed_total",
			"Requests that were kept and sent again because Ollama died before the first byte, by how that ended.", "result"),
		refused: f.counters("requests_refused_total", "Requests that the relay answered with a 503 of its own.", "reason"),
		cut:     f.counters("streams_cut_total", "Answers that ended early, after bytes had been sent to the client.", "reason"),
		load:    newLoadCollector(),
	}
	reg.MustRegister(metrics.load)
	for _, route := range inferenceRoutes() {
		metrics.requests.WithLabelValues(route, "200")
		metrics.requests.WithLabelValues(route, "503")
		metrics.durations.WithLabelValues(route)
	}
	precreate(metrics.replayed, replayResults)
	precreate(metrics.refused, refusalReasons)
	precreate(metrics.cut, cutReasons)
	return metrics
}

// Request counts an answered request. Route is a bounded name, see
// ollama.RouteOf, and code the HTTP status that the client got.
func (m *requestMetrics) Request(route string, code int, took time.Duration) {
	m.requests.WithLabelValues(route, statusCode(code)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}

// Replayed counts a request that was sent a second time.
func (m *requestMetrics) Replayed(result string) { m.replayed.WithLabelValues(result).Inc() }

// Refused counts a request that was not forwarded.
func (m *requestMetrics) Refused(reason string) { m.refused.WithLabelValues(reason).Inc() }

// Cut counts an answer that ended early.
func (m *requestMetrics) Cut(reason string) { m.cut.WithLabelValues(reason).Inc() }

// ReadLoad says where the gauges of the relay's load are read, at every scrape.
// Until it is called they are 0. read must be quick and safe for concurrent use.
func (m *requestMetrics) ReadLoad(read func() wire.Load) { m.load.read.Store(&read) }

// loadCollector reads the four gauges at one moment, so that they agree.
type loadCollector struct {
	inFlight, queued, held, buffered *prometheus.Desc

	read atomic.Pointer[func() wire.Load]
}

func newLoadCollector() *loadCollector {
	collector := &loadCollector{
		inFlight: newDesc("requests_in_flight", "Inference requests that Ollama is working on."),
		queued:   newDesc("requests_queued", "Inference requests that wait for a slot."),
		held:     newDesc("requests_held", "Inference requests that wait for a closed gate to open."),
		buffered: newDesc("buffered_bytes", "Request bodies in memory, all together."),
	}
	nothing := func() wire.Load { return wire.Load{} }
	collector.read.Store(&nothing)
	return collector
}

func (c *loadCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.inFlight, c.queued, c.held, c.buffered} {
		descs <- desc
	}
}

func (c *loadCollector) Collect(metrics chan<- prometheus.Metric) {
	load := (*c.read.Load())()
	metrics <- gaugeNow(c.inFlight, float64(load.InFlight))
	metrics <- gaugeNow(c.queued, float64(load.Queued))
	metrics <- gaugeNow(c.held, float64(load.Held))
	metrics <- gaugeNow(c.buffered, float64(load.BufferedBytes))
}
