package admin

import "time"

// SymptomsStatus is what was seen beside probes, traffic and views: each is
// there only while it says something.
type SymptomsStatus struct {
	Xid *XidStatus `json:"xid,omitempty"`
	// GPULog is what Ollama's own log says of the GPUs: "found" or "not found".
	GPULog string `json:"gpu_log,omitempty"`
	// TokensPerSecond is the usual speed of the model that is judged.
	TokensPerSecond float64 `json:"usual_tokens_per_second,omitempty"`
	// UnaccountedBytes is GPU memory that no loaded model of the container
	// accounts for, and UnaccountedSince since when that is too much.
	UnaccountedBytes uint64    `json:"unaccounted_gpu_bytes,omitempty"`
	UnaccountedSince time.Time `json:"unaccounted_since,omitzero"`
	ThrottledSince   time.Time `json:"throttled_since,omitzero"`
	ThrottledBy      []string  `json:"throttled_by,omitempty"`
	// Crashes, NoRoom, Refused and Hollow count within their windows.
	Crashes     int       `json:"crashes,omitempty"`
	LastCrash   time.Time `json:"last_crash_at,omitzero"`
	CrashDetail string    `json:"last_crash,omitempty"`
	NoRoom      int       `json:"out_of_memory,omitempty"`
	LastNoRoom  time.Time `json:"last_out_of_memory_at,omitzero"`
	Refused     int       `json:"refused_as_busy,omitempty"`
	LastRefused time.Time `json:"last_refused_at,omitzero"`
	Hollow      int       `json:"hollow_answers,omitempty"`
	ClockJumped time.Time `json:"clock_jumped_at,omitzero"`
	EngineError string    `json:"engine_error,omitempty"`
}

// XidStatus is an error of the device class that the driver reported.
type XidStatus struct {
	Seen

	Code uint64 `json:"code"`
	GPU  string `json:"gpu,omitempty"`
}

// RemedyStatus is a remedy that is due and has not begun.
type RemedyStatus struct {
	// Rung is what would be done first.
	Rung   string    `json:"rung"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Waits says what it waits for: "a quiet moment", "streams that move", or that
	// Clawgate "only watches".
	Waits string `json:"waits_for"`
}

// QuarantineStatus is a model that is kept out for a while.
type QuarantineStatus struct {
	Model  string    `json:"model"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}
