package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// supervisorMetrics are what the supervisor reports of its own doing.
type supervisorMetrics struct {
	state             *oneOf
	verdict           *oneOf
	probes            *prometheus.CounterVec
	probeDurations    *prometheus.HistogramVec
	recoveries        *prometheus.CounterVec
	recoveryDurations *prometheus.HistogramVec
	detections        *prometheus.HistogramVec
	budget            prometheus.Gauge
}

func newSupervisorMetrics(reg prometheus.Registerer, f factory) *supervisorMetrics {
	metrics := &supervisorMetrics{
		state:   newOneOf("state", "The supervisor's state: one is 1.", states),
		verdict: newOneOf("verdict", "What the evidence means: one is 1.", verdictNames()),
		probes:  f.counters("probe_total", "Probes by what they told; unknown moves nothing.", "probe", "result"),
		probeDurations: f.histograms("probe_duration_seconds", "How long probes took, to the first chunk for the readiness probe.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 10, 30}, "probe"),
		recoveries: f.counters("recoveries_total", "Remedies that have ended, by the verdict that asked for them; observed are those that would have been taken.",
			"reason", "action", "result"),
		recoveryDurations: f.histograms("recovery_duration_seconds", "How long remedies took, to the proof that they helped or not.",
			[]float64{.1, .5, 1, 2, 5, 10, 20, 30, 45, 60, 120, 300, 600, 1200}, "action"),
		detections: f.histograms("detection_seconds", "Time from the first sign of a fault to the verdict.",
			[]float64{.1, .5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300}, "verdict"),
		budget: f.gauge("restart_budget_remaining", "Restarts of the container that are left in the present window."),
	}
	reg.MustRegister(metrics.state, metrics.verdict)
	for _, probe := range probes {
		metrics.probeDurations.WithLabelValues(probe)
		for _, result := range probeResults {
			metrics.probes.WithLabelValues(probe, result)
		}
	}
	metrics.precreateRecoveries()
	return metrics
}

func (m *supervisorMetrics) precreateRecoveries() {
	for _, reason := range remedyReasons {
		m.detections.WithLabelValues(reason)
		for _, action := range remedyActions {
			m.recoveryDurations.WithLabelValues(action)
			for _, result := range remedyResults {
				m.recoveries.WithLabelValues(reason, action, result)
			}
		}
	}
}

func verdictNames() []string {
	names := make([]string, 0, len(verdict.All))
	for _, name := range verdict.All {
		names = append(names, string(name))
	}
	return names
}

// SetState sets the supervisor's state. Until then it is "starting".
func (m *supervisorMetrics) SetState(state string) { m.state.set(state) }

// SetVerdict sets the verdict's name. Until then it is "unproven".
func (m *supervisorMetrics) SetVerdict(verdict string) { m.verdict.set(verdict) }

// Probe counts one probe ("tcp", "api", "ready") with its result ("success",
// "failure", "unknown").
func (m *supervisorMetrics) Probe(probe, result string, took time.Duration) {
	m.probes.WithLabelValues(probe, result).Inc()
	m.probeDurations.WithLabelValues(probe).Observe(took.Seconds())
}

// Recovery counts one remedy that has ended. Reason is the name of the verdict
// that asked for it, or "requested" by a person.
func (m *supervisorMetrics) Recovery(reason, action, result string, took time.Duration) {
	m.recoveries.WithLabelValues(reason, action, result).Inc()
	m.recoveryDurations.WithLabelValues(action).Observe(took.Seconds())
}

// RecoveryObserved counts a remedy that would have been taken, if Clawgate did
// not only watch.
func (m *supervisorMetrics) RecoveryObserved(reason, action string) {
	m.recoveries.WithLabelValues(reason, action, "observed").Inc()
}

// Detection records how long after the first sign a verdict was reached.
func (m *supervisorMetrics) Detection(verdict string, took time.Duration) {
	m.detections.WithLabelValues(verdict).Observe(took.Seconds())
}

// RestartBudgetRemaining sets how many restarts are left.
func (m *supervisorMetrics) RestartBudgetRemaining(restarts int) { m.budget.Set(float64(restarts)) }
