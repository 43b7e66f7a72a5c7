package evidence

import (
	"errors"
	"time"
)

// Status is the engine's word for what a container is doing (`State.Status` of
// an inspection), or Absent when no container has the name.
type Status string

const (
	Absent     Status = "absent"
	Created    Status = "created"
	Running    Status = "running"
	Paused     Status = "paused"
	Restarting Status = "restarting"
	Removing   Status = "removing"
	Exited     Status = "exited"
	Dead       Status = "dead"
)

// Identity tells one run of a container from every other. A write to the
// engine names the run that was judged, so that a verdict about one run never
// reaches the next.
type Identity struct {
	ID        string    `json:"id,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
}

// Equal says that both are the same run of the same container.
func (i Identity) Equal(other Identity) bool {
	return i.ID == other.ID && i.StartedAt.Equal(other.StartedAt)
}

// ErrChanged says that the container is no longer the run that was judged.
// Nothing was done to it. Every adapter's writes to a container answer so.
var ErrChanged = errors.New("the container is not the run that was judged")

// Container is one inspection of the container that Ollama runs in.
type Container struct {
	Identity

	SeenAt     time.Time `json:"seen_at,omitzero"`
	Name       string    `json:"name,omitzero"`
	Image      string    `json:"image,omitzero"`
	Status     Status    `json:"status,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"` // zero while it has never stopped
	ExitCode   int       `json:"exit_code"`
	// OOMKilled says that some process of the container was killed for memory
	// since its last start. The container may still be running.
	OOMKilled bool `json:"oom_killed,omitzero"`
	// StartError is the engine's text for a start that failed.
	StartError string `json:"start_error,omitzero"`
	// RestartPolicy is the engine's name for it: "no", "always",
	// "unless-stopped" or "on-failure".
	RestartPolicy string `json:"restart_policy,omitzero"`
	RestartCount  int    `json:"restart_count"`
	// Env are the settings in the container's environment that Clawgate reads, as
	// OLLAMA_NUM_PARALLEL. The adapters leave out the rest, which may hold secrets.
	Env map[string]string `json:"env,omitzero"`
	// GPURequested says that the container was created with a GPU reservation.
	// It does not say that the GPU works.
	GPURequested bool `json:"gpu_requested,omitzero"`
	// Address is the container's first IP address, empty when it has none.
	Address string `json:"address,omitzero"`
}

// Activity is one reading of the container's resource counters. All counters
// only grow during one run of the container; the difference of two readings is
// what it did in between.
type Activity struct {
	SeenAt     time.Time     `json:"seen_at,omitzero"`
	CPU        time.Duration `json:"cpu_ns"` // CPU time of all its processes
	NetRx      uint64        `json:"net_rx_bytes"`
	NetTx      uint64        `json:"net_tx_bytes"`
	BlockRead  uint64        `json:"block_read_bytes"`
	BlockWrite uint64        `json:"block_write_bytes"`
}

// GPUHint is what Ollama's own log says of the GPUs, in the present run of the
// container. It finds them once, when it starts.
type GPUHint string

const (
	// GPUHintUnknown: the log does not say, or could not be read.
	GPUHintUnknown GPUHint = ""
	// GPUFound: "inference compute" with a library that is no CPU.
	GPUFound GPUHint = "found"
	// GPUNotFound: "library=cpu", or "no compatible GPUs were discovered".
	GPUNotFound GPUHint = "not found"
)

// Process is one process inside the container. A command line may hold whatever
// somebody wrote there, a secret as well.
type Process struct {
	PID     int    `json:"pid"` // as the host numbers it
	Command string `json:"command,omitzero"`
}

// ContainerAction is what an event reports.
type ContainerAction string

const (
	// Resync says that events may have been missed (the stream was opened or
	// reopened), so that only an inspection tells the truth.
	Resync       ContainerAction = "resync"
	ActionStart  ContainerAction = "start"
	ActionDie    ContainerAction = "die"
	ActionOOM    ContainerAction = "oom"
	ActionKill   ContainerAction = "kill"
	ActionStop   ContainerAction = "stop"
	ActionPause  ContainerAction = "pause"
	ActionResume ContainerAction = "unpause"
	ActionRemove ContainerAction = "destroy"
	ActionCreate ContainerAction = "create"
	ActionRename ContainerAction = "rename"
	// EngineLost says that the stream ended and that the engine is away.
	EngineLost ContainerAction = "engine_lost"
)

// ContainerEvent is a hint from the engine that something happened. Events get
// lost (the engine replays 256 at most), so an inspection is always the truth.
type ContainerEvent struct {
	At     time.Time       `json:"at,omitzero"`
	ID     string          `json:"id,omitzero"`
	Action ContainerAction `json:"action"`
	// Signal is set for ActionKill.
	Signal string `json:"signal,omitzero"`
	// ExitCode is set for ActionDie.
	ExitCode int `json:"exit_code,omitzero"`
}
