package evidence

import "time"

// ProbeName names one of the three probes.
type ProbeName string

const (
	ProbeTCP   ProbeName = "tcp"
	ProbeAPI   ProbeName = "api"
	ProbeReady ProbeName = "ready"
)

// Outcome is what a probe tells. Unknown moves nothing: the probe was not sent,
// or what it met says nothing about the server's health.
type Outcome string

const (
	Success Outcome = "success"
	Failure Outcome = "failure"
	Unknown Outcome = "unknown"
)

// ProbeResult is what one probe found.
type ProbeResult struct {
	Probe   ProbeName `json:"probe"`
	Outcome Outcome   `json:"outcome"`
	// Reason is one plain sentence, for every outcome but a timely success.
	Reason string        `json:"reason,omitzero"`
	At     time.Time     `json:"at,omitzero"`
	Took   time.Duration `json:"took_ns"`
	// Late says that the readiness probe's first chunk came after its deadline:
	// the server is slow, not dead.
	Late bool `json:"late,omitzero"`
	// Loaded says that it came late and that the model may have been loaded for it:
	// how long it took tells nothing. Late is not set then.
	Loaded bool `json:"loaded,omitzero"`
	// Server says that the whole server was silent, not just the model.
	Server bool `json:"server,omitzero"`
	// Crash says that Ollama reported the death of the model's runner.
	Crash bool `json:"crash,omitzero"`
	// Spun says that the silence was that of a server that works without end:
	// its budget was used up.
	Spun bool `json:"spun,omitzero"`
	// Answered says that an HTTP answer came, whatever it was: not silence.
	Answered bool `json:"answered,omitzero"`
	// Refused says that no connection could be made.
	Refused bool `json:"refused,omitzero"`
	// Unresolved says that the server's name leads nowhere, so that nothing was
	// learned about the server itself. Refused is set too.
	Unresolved bool `json:"unresolved,omitzero"`
	// Missing says that the API answered and does not list the wanted model.
	Missing bool `json:"missing,omitzero"`
	// Unloaded says that the list of loaded models came and lacks the model.
	Unloaded bool `json:"unloaded,omitzero"`
	// Hollow says that the model answered and said nothing, or one symbol over
	// and over, when it was asked for some words. It is a Failure.
	Hollow bool `json:"hollow,omitzero"`
}

// LoadedModel is one model that Ollama holds in memory (`GET /api/ps`). Old
// versions list a model that is still loading, newer ones do not.
type LoadedModel struct {
	Name     string `json:"name"`            // normalised; of those of one runner, the one that loaded it
	Digest   string `json:"digest,omitzero"` // of the manifest that the name had then
	Size     uint64 `json:"size"`            // bytes, as estimated when it was loaded
	SizeVRAM uint64 `json:"size_vram"`       // bytes of Size on a GPU, 0 on a CPU; never measured again
	// ContextLength is 0 where the version does not report it (before 0.11).
	ContextLength int       `json:"context_length,omitzero"`
	ExpiresAt     time.Time `json:"expires_at,omitzero"`
	// SeenAt is when the list was read, by the server's own clock where it said
	// so (the answer's Date, whole seconds): ExpiresAt is that clock's.
	SeenAt time.Time `json:"seen_at,omitzero"`
}
