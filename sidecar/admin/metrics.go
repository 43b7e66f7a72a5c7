package admin

import (
	"runtime/debug"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const namespace = "clawgate"

// Metrics are the sidecar's metrics. Make them with NewMetrics. All methods may
// be called from any goroutine, never block on anything slow, and do not
// allocate for a series that exists already.
//
// Every label is bounded. Models are named only when Ollama lists them, see
// SetListedModels. The other labels are the caller's constants.
type Metrics struct {
	*requestMetrics
	*supervisorMetrics
	*containerMetrics
	*gpuMetrics
	*modelMetrics
}

// NewMetrics registers all metrics with reg, together with those of the Go
// runtime and of this process. It panics when reg has some of them already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	factory := factory{promauto.With(reg)}
	registerBuildInfo(factory)
	return &Metrics{
		requestMetrics:    newRequestMetrics(reg, factory),
		supervisorMetrics: newSupervisorMetrics(reg, factory),
		containerMetrics:  newContainerMetrics(factory),
		gpuMetrics:        newGPUMetrics(reg, factory),
		modelMetrics:      newModelMetrics(reg, factory),
	}
}

// registerBuildInfo says which build this is, from what the Go tool wrote into it.
func registerBuildInfo(factory factory) {
	version, revision, goVersion := "unknown", "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	factory.gauges("build_info", "The build that runs; always 1.", "version", "revision", "go_version").
		WithLabelValues(version, revision, goVersion).Set(1)
}

// factory makes metrics with the common prefix.
type factory struct{ promauto.Factory }

func (f factory) counter(name, help string) prometheus.Counter {
	return f.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	return f.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

func (f factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func (f factory) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return f.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// newDesc and gaugeNow serve the collectors, which read their figures at the
// moment of a scrape.
func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

func gaugeNow(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	metric, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return metric
}

// statusCodes are the labels of HTTP status codes, made once.
var statusCodes = func() (labels [600]string) {
	for code := range labels {
		labels[code] = strconv.Itoa(code)
	}
	return labels
}()

func statusCode(code int) string {
	if code < 100 || code >= len(statusCodes) {
		return "other"
	}
	return statusCodes[code]
}
