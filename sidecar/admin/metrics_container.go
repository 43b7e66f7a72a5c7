package admin

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// containerMetrics are about the container that Ollama runs in.
type containerMetrics struct {
	starts    *prometheus.CounterVec
	oomKilled prometheus.Counter
	cpu       prometheus.Counter
	stands    prometheus.Gauge

	mu       sync.Mutex
	cpuTotal time.Duration // of the present run of the container
}

func newContainerMetrics(f factory) *containerMetrics {
	metrics := &containerMetrics{
		starts:    f.counters("container_starts_total", "Starts of Ollama's container that were seen, by who caused them.", "cause"),
		oomKilled: f.counter("container_oom_killed_total", "How often the kernel killed a process of Ollama's container for memory."),
		cpu:       f.counter("container_cpu_seconds_total", "CPU time of Ollama's container, over all its runs that were seen."),
		stands:    f.gauge("container_stands", "1 unless CLAWGATE_CONTAINER names no container, or one that is not the server that answers."),
	}
	metrics.stands.Set(1)
	precreate(metrics.starts, containerCauses)
	return metrics
}

// ContainerStart counts one start of the container: by "clawgate", after a
// "crash" by the engine's restart policy, "restarted" or "recreated" by somebody.
func (m *containerMetrics) ContainerStart(cause string) { m.starts.WithLabelValues(cause).Inc() }

// ContainerStands says whether there is a container that may be the server.
func (m *containerMetrics) ContainerStands(stands bool) {
	m.stands.Set(0)
	if stands {
		m.stands.Set(1)
	}
}

// ContainerOOMKilled counts a process of the container that was killed for memory.
func (m *containerMetrics) ContainerOOMKilled() { m.oomKilled.Inc() }

// ContainerCPU takes the CPU time that the container has used in its present
// run. A smaller figure than the last belongs to a new run.
func (m *containerMetrics) ContainerCPU(total time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := total - m.cpuTotal
	if used < 0 {
		used = total
	}
	m.cpuTotal = total
	m.cpu.Add(max(0, used).Seconds())
}
