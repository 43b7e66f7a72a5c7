package watch

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	target    = "qwen3:32b"
	mib       = 1 << 20
	modelSize = 20_000 * mib
)

var now = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// holding is a process of the container of that ID.
func holding(pid int, bytes uint64, container string) evidence.GPUProcess {
	return evidence.GPUProcess{PID: pid, Bytes: bytes, BytesKnown: true, ContainerID: container, Command: "/usr/bin/ollama runner"}
}

// gpuWith is a GPU on which these processes hold memory.
func gpuWith(processes ...evidence.GPUProcess) evidence.GPU {
	return evidence.GPU{UUID: "GPU-1", ProcessesKnown: true, Processes: processes}
}

func viewOf(gpus ...evidence.GPU) evidence.GPUView {
	return evidence.GPUView{SeenAt: now, Known: true, GPUs: gpus}
}
