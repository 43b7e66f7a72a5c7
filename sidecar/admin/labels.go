package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/wire"
)

// Label values that exist at 0 from the start, so that a rate or an alert over
// them has something to compare with before the first event. A value that is
// missing here appears with its first event.
var (
	states = []string{
		"starting", "loading", "ready", "isolated", "recovering", "verifying", "backoff", "exhausted", "stopped",
	}
	probes         = []string{"tcp", "api", "ready"}
	probeResults   = []string{"success", "failure", "unknown"}
	replayResults  = []string{"answered", "failed"}
	refusalReasons = []string{
		string(wire.Gate), string(wire.QueueFull), string(wire.QueueTimeout), string(wire.Draining), string(wire.Upstream), string(wire.Crowded),
	}
	cutReasons      = []string{"upstream", "recovery", "stalled", "incomplete"}
	remedyReasons   = append(mended(), "requested")
	remedyActions   = []string{"make_room", "unload", "restart", "start"}
	remedyResults   = []string{"success", "failure", "obsolete", "observed"}
	containerCauses = []string{"clawgate", "crash", "restarted", "recreated"}
)

// inferenceRoutes are those that have a name of their own.
func inferenceRoutes() (names []string) {
	for _, endpoint := range ollama.Endpoints() {
		if endpoint.Class == ollama.Inference && endpoint.Name() == endpoint.Path {
			names = append(names, endpoint.Name())
		}
	}
	return names
}

// mended are the verdicts for which there is a remedy.
func mended() (names []string) {
	for _, r := range verdict.Records {
		if r.Mends() {
			names = append(names, string(r.Verdict))
		}
	}
	return names
}

func precreate(counters *prometheus.CounterVec, values []string) {
	for _, value := range values {
		counters.WithLabelValues(value)
	}
}
