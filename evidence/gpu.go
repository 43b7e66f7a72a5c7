package evidence

import (
	"slices"
	"time"
)

// GPUView is one look at all GPUs of the host. A view that could not be had is
// unknown, and unknown is never evidence of a fault: Known is false and Reason
// says why.
type GPUView struct {
	SeenAt time.Time `json:"seen_at,omitzero"`
	Known  bool      `json:"known"`
	Reason string    `json:"reason,omitzero"`
	// Mismatch says that a fresh NVML initialisation found a driver and a
	// library that do not belong together: a container that is restarted now
	// would not start again (NVIDIA/nvidia-container-toolkit#394).
	Mismatch bool   `json:"mismatch,omitzero"`
	Driver   string `json:"driver,omitzero"`
	GPUs     []GPU  `json:"gpus,omitzero"`
}

// Of are the GPUs on which processes of the container are seen to hold memory. Where
// there are none nobody may tell who holds what, so that each GPU may be its.
func (v GPUView) Of(containerID string) []GPU {
	var its []GPU
	for _, g := range v.GPUs {
		if g.usedBy(containerID) {
			its = append(its, g)
		}
	}
	return its
}

// MayUse says that the container uses a GPU of the view, or may: where nobody tells which
// one it uses, each of them may be its.
func (v GPUView) MayUse(containerID string, g GPU) bool {
	return g.usedBy(containerID) || len(v.Of(containerID)) == 0
}

// Concerns says the same of a GPU by its UUID, which may be unknown, or not in the view.
func (v GPUView) Concerns(containerID, uuid string) bool {
	if !v.Known || uuid == "" || len(v.GPUs) < 2 {
		return true
	}
	var named GPU
	if i := slices.IndexFunc(v.GPUs, func(g GPU) bool { return g.UUID == uuid }); i >= 0 {
		named = v.GPUs[i]
	}
	return v.MayUse(containerID, named)
}

// HeldBy is the GPU memory that processes of the container are seen to hold.
func (v GPUView) HeldBy(containerID string) (bytes uint64) {
	for _, g := range v.GPUs {
		for _, p := range g.Processes {
			if p.of(containerID) {
				bytes += p.Bytes
			}
		}
	}
	return bytes
}

// Holders are the processes of the container that hold memory, once for each GPU, and
// what they hold together. Known is false where that may not be all, or not be its.
func (v GPUView) Holders(containerID string) (bytes uint64, holders []GPUProcess, known bool) {
	if !v.Known || containerID == "" {
		return 0, nil, false
	}
	for _, g := range v.GPUs {
		if !g.ProcessesKnown || g.Coherent || g.Lost {
			return 0, nil, false
		}
		for _, p := range g.Processes {
			if !p.of(containerID) {
				continue
			}
			if !p.BytesKnown {
				return 0, nil, false
			}
			bytes += p.Bytes
			holders = append(holders, p)
		}
	}
	return bytes, holders, true
}

// FreeBytes is what is free on all GPUs together.
func (v GPUView) FreeBytes() (bytes uint64) {
	for _, g := range v.GPUs {
		bytes += g.FreeBytes
	}
	return bytes
}

// GPU is one device. A field that the driver does not report is nil.
type GPU struct {
	// Index is the driver's number in the container that looks, which may differ
	// from the host's. UUID is the identity.
	Index int    `json:"index"`
	Name  string `json:"name,omitzero"`
	UUID  string `json:"uuid,omitzero"`

	// Lost says that the driver itself declared the device gone or in need of a
	// reset (NVML's GPU_IS_LOST, RESET_REQUIRED). No process can use it, and no
	// restart of a container brings it back.
	Lost bool `json:"lost,omitzero"`

	// Advice is what the driver says has to be done about the device; empty where
	// it does not say (before R565).
	Advice GPUAdvice `json:"advice,omitzero"`

	// TotalBytes, ReservedBytes, UsedBytes and FreeBytes are zero when
	// MemoryKnown is false (unified-memory devices answer NOT_SUPPORTED).
	MemoryKnown bool   `json:"memory_known"`
	TotalBytes  uint64 `json:"total_bytes,omitzero"`
	// ReservedBytes is what driver and firmware keep. Drivers before 510 do not
	// tell it apart: it is zero there, and part of UsedBytes.
	ReservedBytes uint64 `json:"reserved_bytes,omitzero"`
	UsedBytes     uint64 `json:"used_bytes,omitzero"` // total − free − reserved, which every driver agrees on
	FreeBytes     uint64 `json:"free_bytes,omitzero"`
	// Coherent says that the host's kernel manages the memory as a NUMA node
	// (Grace Hopper and the like). It keeps pages after a process has ended, so
	// that memory in use is no sign of a leak there.
	Coherent bool `json:"coherent,omitzero"`

	UtilizationPercent *uint32 `json:"utilization_percent,omitzero"`
	TemperatureCelsius *uint32 `json:"temperature_celsius,omitzero"`
	// ClockReasons is NVML's bit mask of why the clocks are as they are, see
	// Slowdowns.
	ClockReasons *uint64 `json:"clock_reasons,omitzero"`

	// ProcessesKnown is false when the driver would not list them. An empty
	// list does not mean that nobody uses the GPU: a process in another PID
	// namespace may be hidden.
	ProcessesKnown bool         `json:"processes_known"`
	Processes      []GPUProcess `json:"processes,omitzero"`
}

// usedBy says that processes of the container are seen to hold memory on it.
func (g GPU) usedBy(containerID string) bool {
	return slices.ContainsFunc(g.Processes, func(p GPUProcess) bool { return p.of(containerID) })
}

// GPUProcess is one process that holds GPU memory.
type GPUProcess struct {
	PID int `json:"pid"`
	// Bytes is what it holds; BytesKnown is false where the driver will not say.
	Bytes      uint64 `json:"bytes,omitzero"`
	BytesKnown bool   `json:"bytes_known"`
	// ContainerID is the ID of the container that the process belongs to, read
	// from its cgroup; empty when that cannot be told.
	ContainerID string `json:"container_id,omitzero"`
	Command     string `json:"command,omitzero"`
}

// of says that the process is known to be the container's.
func (p GPUProcess) of(containerID string) bool {
	return p.ContainerID != "" && p.ContainerID == containerID
}

// GPUAdvice is the driver's own word for what mends a GPU (NVML's field
// GPU_RECOVERY_ACTION, nvml.h). It is trusted over any table of Xids.
type GPUAdvice string

const (
	AdviceNone          GPUAdvice = "none"
	AdviceReset         GPUAdvice = "reset"
	AdviceReboot        GPUAdvice = "reboot"
	AdviceDrain         GPUAdvice = "drain" // peers first
	AdviceDrainAndReset GPUAdvice = "drain and reset"
	AdviceOther         GPUAdvice = "other" // newer than this table
)

// NeedsHost says that the driver wants what no container can do.
func (a GPUAdvice) NeedsHost() bool {
	return a == AdviceReset || a == AdviceReboot || a == AdviceDrainAndReset
}

// Xid is an error that the NVIDIA driver reported for a GPU.
type Xid struct {
	At   time.Time `json:"at,omitzero"`
	GPU  string    `json:"gpu,omitzero"` // UUID, empty when the driver would not tell it
	Code uint64    `json:"code"`
}

// GPUOwner names the processes of one container, to tell its GPU memory from
// that of other tenants.
type GPUOwner struct {
	ContainerID string `json:"container_id,omitzero"`
	// PIDs are its processes as the host numbers them (the engine's `top`),
	// read before it was stopped.
	PIDs []int `json:"pids,omitzero"`
}

// Owns reports whether a process is the owner's. A container ID that could be
// read outweighs the PID, which may have been given to another process since.
func (o GPUOwner) Owns(process GPUProcess) bool {
	if o.ContainerID != "" && process.ContainerID != "" {
		return o.ContainerID == process.ContainerID
	}
	return slices.Contains(o.PIDs, process.PID)
}

// LeakResult is the outcome of a leak check.
type LeakResult string

const (
	// LeakNone: everything that the stopped container held has come back.
	LeakNone LeakResult = "clean"
	// LeakFound: at least one GPU still holds memory that was the container's.
	LeakFound LeakResult = "leaked"
	// LeakUnknown: the numbers do not allow an answer. It never stands in the
	// way of a recovery.
	LeakUnknown LeakResult = "unknown"
)

// LeakReport says whether a stopped container left GPU memory behind.
type LeakReport struct {
	Result LeakResult `json:"result"`
	// Reason is one sentence for a person: who holds what, or why the answer is
	// unknown. Empty when clean.
	Reason string `json:"reason,omitzero"`
	// Leaks has one entry for each GPU with a leak, in the order of the view.
	Leaks []GPULeak `json:"leaks,omitzero"`
}

// GPULeak is memory on one GPU that its owner's end did not give back.
type GPULeak struct {
	Index int    `json:"index"`
	UUID  string `json:"uuid,omitzero"`
	// Bytes is zero when the driver does not say how much the Holders hold.
	Bytes uint64 `json:"bytes,omitzero"`
	// Holders are the owner's processes that are still there. Without any, the
	// memory belongs to no process and only a GPU reset frees it.
	Holders []GPUProcess `json:"holders,omitzero"`
}

// Bits of GPU.ClockReasons that mean a loss of speed which a person should know
// of (nvml.h, nvmlClocksEventReason*). The software power cap (0x4) and an idle
// GPU (0x1) are normal and not among them.
const (
	ClockHardwareSlowdown uint64 = 0x08
	ClockSoftwareThermal  uint64 = 0x20
	ClockHardwareThermal  uint64 = 0x40
	ClockPowerBrake       uint64 = 0x80
)

// Slowdowns names the slow-downs in a mask of clock reasons, in a fixed order;
// nil when there is none. The names serve as metric labels.
func Slowdowns(clockReasons uint64) []string {
	var names []string
	for _, slowdown := range []struct {
		bit  uint64
		name string
	}{
		{ClockHardwareSlowdown, "hardware_slowdown"},
		{ClockSoftwareThermal, "software_thermal"},
		{ClockHardwareThermal, "hardware_thermal"},
		{ClockPowerBrake, "power_brake"},
	} {
		if clockReasons&slowdown.bit != 0 {
			names = append(names, slowdown.name)
		}
	}
	return names
}
