package admin

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/healthlog"
	"github.com/clawdbot/clawgate/wire"
)

// Status is everything that is known, as /-/status shows it. Whoever fills it
// leaves the ages alone: AsOf computes them when it is shown. What is handed
// out is not changed any more, since several answers may read it at once.
type Status struct {
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	// At is when this was shown, by the clock that the ages go by.
	At time.Time `json:"at"`

	State        string    `json:"state"`
	Since        time.Time `json:"since"`
	Mode         string    `json:"mode"` // heal or observe
	Paused       bool      `json:"paused"`
	PausedReason string    `json:"paused_reason,omitempty"`
	// Generation grows with every start of the container and every remedy.
	Generation uint64 `json:"generation"`

	Verdict   VerdictStatus   `json:"verdict"`
	Gate      GateStatus      `json:"gate"`
	Probes    ProbesStatus    `json:"probes"`
	Traffic   TrafficStatus   `json:"traffic"`
	Container ContainerStatus `json:"container"`
	Activity  ActivityStatus  `json:"activity"`
	// Models are those in memory.
	Models   []evidence.LoadedModel `json:"models"`
	GPU      GPUStatus              `json:"gpu"`
	Symptoms SymptomsStatus         `json:"symptoms"`
	Budget   BudgetStatus           `json:"restart_budget"`
	// Due is a remedy that waits, or that would be taken; nil without one.
	Due *RemedyStatus `json:"remedy_due,omitempty"`
	// Quarantine are the models that are kept out while the others go on.
	Quarantine []QuarantineStatus `json:"quarantine,omitempty"`
	// Recovery is nil while none is under way, and Pull while none is.
	Recovery *RecoveryStatus `json:"recovery,omitempty"`
	Pull     *PullStatus     `json:"pull,omitempty"`
	// Recent are the newest changes, oldest first.
	Recent []healthlog.Record `json:"recent"`
	// HealthLogDropped counts lines that did not reach the health log.
	HealthLogDropped uint64 `json:"health_log_dropped"`
}

// Seen is when a piece of evidence was had. Without it there is none yet.
type Seen struct {
	At time.Time `json:"at,omitzero"`
	// AgeSeconds is nil without At.
	AgeSeconds *float64 `json:"age_seconds,omitempty"`
}

// VerdictStatus is what the evidence means.
type VerdictStatus struct {
	Name     string    `json:"name"`
	Sentence string    `json:"sentence"`
	Since    time.Time `json:"since"`
	// Scope is the model that the verdict is about; empty for the whole server.
	Scope string `json:"scope,omitempty"`
}

// GateStatus says whom the gate lets through.
type GateStatus struct {
	Open bool `json:"open"`
	// ModelsClosed are closed while the gate as a whole is open.
	ModelsClosed []string  `json:"models_closed,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	ExpectedOpen time.Time `json:"expected_open,omitzero"`
}

// ProbesStatus holds the last result of each probe.
type ProbesStatus struct {
	TCP   ProbeStatus `json:"tcp"`
	API   ProbeStatus `json:"api"`
	Ready ProbeStatus `json:"ready"`
}

// ProbeStatus is the last result of one probe that was not unknown.
type ProbeStatus struct {
	Seen

	Result string `json:"result"` // success, failure, or unknown while there was neither
	Reason string `json:"reason,omitempty"`
	// Streak is how many of the same result there were in a row.
	Streak          int     `json:"streak"`
	DurationSeconds float64 `json:"duration_seconds"`
	// Doubt is why the newest attempt decided nothing; empty when it did.
	Doubt string `json:"doubt,omitempty"`
}

// TrafficStatus is what live inference requests show.
type TrafficStatus struct {
	Seen

	InFlight []RequestStatus `json:"in_flight"` // the requests, for the number in Load
	Waiting  int             `json:"waiting"`   // queued and held
	wire.Load

	OldestWaiting        time.Time `json:"oldest_waiting,omitzero"`
	OldestWaitingSeconds *float64  `json:"oldest_waiting_seconds,omitempty"`
}

// RequestStatus is one request that Ollama is working on.
type RequestStatus struct {
	Model        string    `json:"model"`
	Streaming    bool      `json:"streaming"`
	PromptTokens int       `json:"prompt_tokens"` // estimated
	SentAt       time.Time `json:"sent_at"`
	AgeSeconds   *float64  `json:"age_seconds"`
	// LastChunkAt is zero until a byte of the answer has come.
	LastChunkAt      time.Time `json:"last_chunk_at,omitzero"`
	LastChunkSeconds *float64  `json:"last_chunk_seconds,omitempty"`
}

// ContainerStatus is the last inspection. The container's environment is not
// shown: it may hold secrets.
type ContainerStatus struct {
	Seen

	Name          string    `json:"name"`
	ID            string    `json:"id,omitempty"`
	Image         string    `json:"image,omitempty"`
	Status        string    `json:"status,omitempty"`
	StartedAt     time.Time `json:"started_at,omitzero"`
	FinishedAt    time.Time `json:"finished_at,omitzero"`
	ExitCode      int       `json:"exit_code"`
	OOMKilled     bool      `json:"oom_killed"`
	StartError    string    `json:"start_error,omitempty"`
	RestartPolicy string    `json:"restart_policy,omitempty"`
	RestartCount  int       `json:"restart_count"`
	GPURequested  bool      `json:"gpu_requested"`
	// Trouble is why nothing can be healed: there is no such container, or it is not
	// the server that answers. Empty where that is not so.
	Trouble string `json:"trouble,omitempty"`
	// EngineAwaySince is zero while the container engine answers.
	EngineAwaySince time.Time `json:"engine_away_since,omitzero"`
}

// ActivityStatus is what the container does, between its last two readings.
type ActivityStatus struct {
	Seen

	CPUMillisPerSecond    float64 `json:"cpu_millis_per_second"`
	NetworkBytesPerSecond float64 `json:"network_bytes_per_second"`
	DiskBytesPerSecond    float64 `json:"disk_bytes_per_second"`
	// StillSeconds is how long it has done nothing worth the name.
	StillSeconds float64 `json:"still_seconds"`
}

// GPUStatus is the last view of the GPUs. Unknown says nothing about their health.
type GPUStatus struct {
	Seen

	Known    bool           `json:"known"`
	Reason   string         `json:"reason,omitempty"`
	Driver   string         `json:"driver,omitempty"`
	Mismatch bool           `json:"driver_library_mismatch,omitempty"`
	GPUs     []DeviceStatus `json:"gpus"`
}

// DeviceStatus is one GPU, sizes in bytes. What the driver does not tell is absent.
type DeviceStatus struct {
	Index              int             `json:"index"`
	UUID               string          `json:"uuid"`
	Name               string          `json:"name"`
	Lost               bool            `json:"lost,omitempty"`
	Advice             string          `json:"driver_advice,omitempty"`
	TotalBytes         *uint64         `json:"total_bytes,omitempty"`
	UsedBytes          *uint64         `json:"used_bytes,omitempty"`
	FreeBytes          *uint64         `json:"free_bytes,omitempty"`
	UtilizationPercent *uint32         `json:"utilization_percent,omitempty"`
	TemperatureCelsius *uint32         `json:"temperature_celsius,omitempty"`
	Slowdowns          []string        `json:"slowdowns,omitempty"`
	Processes          []ProcessStatus `json:"processes,omitempty"`
}

// ProcessStatus is one process that holds GPU memory.
type ProcessStatus struct {
	PID         int     `json:"pid"`
	Command     string  `json:"command,omitempty"`
	ContainerID string  `json:"container_id,omitempty"`
	Bytes       *uint64 `json:"bytes,omitempty"`
}

// BudgetStatus is how many restarts are left.
type BudgetStatus struct {
	Remaining     int     `json:"remaining"`
	Budget        int     `json:"budget"`
	WindowSeconds float64 `json:"window_seconds"`
}

// RecoveryStatus is the recovery that is under way.
type RecoveryStatus struct {
	Rung       string    `json:"rung"`
	Attempt    int       `json:"attempt"`
	Since      time.Time `json:"since"`
	LastResult string    `json:"last_result,omitempty"`
}

// PullStatus is the pull that is under way.
type PullStatus struct {
	Model          string    `json:"model"`
	Status         string    `json:"status"`
	CompletedBytes int64     `json:"completed_bytes"`
	TotalBytes     int64     `json:"total_bytes"`
	Since          time.Time `json:"since"`
}
