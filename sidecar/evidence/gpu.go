package evidence

import "time"

// GPUView is one look at all GPUs of the host. A view that could not be had is
// unknown, and unknown is never evidence of a fault: Known is false and Reason
// says why.
type GPUView struct {
	SeenAt time.Time
	Known  bool
	Reason string
	// Mismatch says that a fresh NVML initialisation found a driver and a
	// library that do not belong together: a container that is restarted now
	// would not start again (NVIDIA/nvidia-container-toolkit#394).
	Mismatch bool
	Driver   string
	GPUs     []GPU
}

// GPU is one device. A field that the driver does not report is nil.
type GPU struct {
	Index int
	Name  string
	UUID  string

	// TotalBytes, ReservedBytes, UsedBytes and FreeBytes are zero when
	// MemoryKnown is false (unified-memory devices answer NOT_SUPPORTED).
	MemoryKnown   bool
	TotalBytes    uint64
	ReservedBytes uint64
	UsedBytes     uint64 // total − free − reserved, which every driver agrees on
	FreeBytes     uint64

	UtilizationPercent *uint32
	TemperatureCelsius *uint32
	// ClockReasons is NVML's bit mask of why the clocks are as they are.
	ClockReasons *uint64

	// ProcessesKnown is false when the driver would not list them. An empty
	// list does not mean that nobody uses the GPU: a process in another PID
	// namespace may be hidden.
	ProcessesKnown bool
	Processes      []GPUProcess
}

// GPUProcess is one process that holds GPU memory.
type GPUProcess struct {
	PID int
	// Bytes is what it holds; BytesKnown is false where the driver will not say.
	Bytes      uint64
	BytesKnown bool
	// ContainerID is the ID of the container that the process belongs to, read
	// from its cgroup; empty when that cannot be told.
	ContainerID string
	Command     string
}

// Xid is an error that the NVIDIA driver reported for a GPU.
type Xid struct {
	At   time.Time
	GPU  string // UUID
	Code uint64
}
