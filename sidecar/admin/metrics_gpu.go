package admin

import (
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/evidence"
)

// gpuMetrics show the last view of the GPUs, and nothing old: once the view is
// unknown, gpu_up is 0 and the other figures are absent. The label gpu is the
// UUID, because an index names another device once one has been lost.
type gpuMetrics struct {
	view *gpuCollector
	leak *prometheus.GaugeVec
	xids *prometheus.CounterVec
}

func newGPUMetrics(reg prometheus.Registerer, f factory) *gpuMetrics {
	metrics := &gpuMetrics{
		view: newGPUCollector(),
		leak: f.gauges("gpu_memory_leaked_bytes", "Memory that the last leak check found held by nobody, or by a process that should be gone.", "gpu"),
		xids: f.counters("gpu_xid_total", "Errors (Xid) that the NVIDIA driver reported.", "gpu", "xid"),
	}
	reg.MustRegister(metrics.view)
	return metrics
}

// SetGPU sets what was seen of the GPUs. Owner is Ollama's container: its
// processes are told from those of other tenants.
func (m *gpuMetrics) SetGPU(view evidence.GPUView, owner evidence.GPUOwner) {
	m.view.sample.Store(&gpuSample{view, owner})
	for _, gpu := range view.GPUs {
		m.leak.WithLabelValues(gpuLabel(gpu.UUID, gpu.Index)) // 0 until a check has found one
	}
}

// GPULeaked takes the outcome of a leak check. One without an answer changes nothing.
func (m *gpuMetrics) GPULeaked(report evidence.LeakReport) {
	if report.Result == evidence.LeakUnknown {
		return
	}
	if sample := m.view.sample.Load(); sample != nil {
		for _, gpu := range sample.view.GPUs {
			m.leak.WithLabelValues(gpuLabel(gpu.UUID, gpu.Index)).Set(0)
		}
	}
	for _, leak := range report.Leaks {
		m.leak.WithLabelValues(gpuLabel(leak.UUID, leak.Index)).Set(float64(leak.Bytes))
	}
}

// GPUXid counts an error that the driver reported.
func (m *gpuMetrics) GPUXid(xid evidence.Xid) {
	gpu := xid.GPU
	if gpu == "" {
		gpu = "unknown"
	}
	m.xids.WithLabelValues(gpu, strconv.FormatUint(xid.Code, 10)).Inc()
}

func gpuLabel(uuid string, index int) string {
	if uuid != "" {
		return uuid
	}
	return strconv.Itoa(index)
}

type gpuSample struct {
	view  evidence.GPUView
	owner evidence.GPUOwner
}

// gpuCollector turns the last sample into metrics at the moment of a scrape.
type gpuCollector struct {
	up, memory, processMemory, throttle, utilization *prometheus.Desc

	sample atomic.Pointer[gpuSample]
}

func newGPUCollector() *gpuCollector {
	return &gpuCollector{
		up:       newDesc("gpu_up", "1 while the GPUs can be seen through the driver. 0 says nothing about their health."),
		memory:   newDesc("gpu_memory_bytes", "Memory of the GPU: total, used, free, reserved.", "gpu", "kind"),
		throttle: newDesc("gpu_throttle", "1 while the GPU is slowed down for this reason.", "gpu", "reason"),
		processMemory: newDesc("gpu_process_memory_bytes",
			"Memory held by processes: of Ollama's container (ollama), of others (other), or of whom cannot be told (unknown).", "gpu", "owner"),
		utilization: newDesc("gpu_utilization_ratio", "Share of the last sample period in which the GPU worked, 0 to 1.", "gpu"),
	}
}

func (c *gpuCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.up, c.memory, c.processMemory, c.throttle, c.utilization} {
		descs <- desc
	}
}

func (c *gpuCollector) Collect(metrics chan<- prometheus.Metric) {
	sample := c.sample.Load()
	if sample == nil || !sample.view.Known {
		metrics <- gaugeNow(c.up, 0)
		return
	}
	metrics <- gaugeNow(c.up, 1)
	for _, gpu := range sample.view.GPUs {
		c.collectOne(metrics, gpu, sample.owner)
	}
}

func (c *gpuCollector) collectOne(metrics chan<- prometheus.Metric, gpu evidence.GPU, owner evidence.GPUOwner) {
	label := gpuLabel(gpu.UUID, gpu.Index)
	if gpu.MemoryKnown {
		metrics <- gaugeNow(c.memory, float64(gpu.TotalBytes), label, "total")
		metrics <- gaugeNow(c.memory, float64(gpu.UsedBytes), label, "used")
		metrics <- gaugeNow(c.memory, float64(gpu.FreeBytes), label, "free")
		metrics <- gaugeNow(c.memory, float64(gpu.ReservedBytes), label, "reserved")
	}
	if gpu.UtilizationPercent != nil {
		metrics <- gaugeNow(c.utilization, float64(*gpu.UtilizationPercent)/100, label)
	}
	if gpu.ProcessesKnown {
		for holder, bytes := range memoryByOwner(gpu.Processes, owner) {
			metrics <- gaugeNow(c.processMemory, float64(bytes), label, holder)
		}
	}
	if gpu.ClockReasons != nil {
		for _, reason := range evidence.Slowdowns(^uint64(0)) {
			metrics <- gaugeNow(c.throttle, slowedBy(*gpu.ClockReasons, reason), label, reason)
		}
	}
}

func slowedBy(clockReasons uint64, reason string) float64 {
	if slices.Contains(evidence.Slowdowns(clockReasons), reason) {
		return 1
	}
	return 0
}

func memoryByOwner(processes []evidence.GPUProcess, owner evidence.GPUOwner) map[string]uint64 {
	held := map[string]uint64{"ollama": 0, "other": 0, "unknown": 0}
	for _, process := range processes {
		if process.BytesKnown {
			held[holderOf(process, owner)] += process.Bytes
		}
	}
	return held
}

func holderOf(process evidence.GPUProcess, owner evidence.GPUOwner) string {
	switch {
	case owner.Owns(process):
		return "ollama"
	case process.ContainerID == "" && len(owner.PIDs) == 0:
		return "unknown"
	}
	return "other"
}
