package verdict

// Busy means that the probe waits, and the server works meanwhile.
const Busy Verdict = "busy"

var busyRecord = Record{
	Verdict: Busy, Standing: Well,
	Need:   Patience,
	Means:  "the probe waits, and the server works",
	Does:   "nothing; it never restarts a working server",
	Signs:  "the probe waits; a stream has moved, or the container or the GPU works",
	Remedy: "none",
	Never:  "restart a server that works, or send more probes into its queue",
	Faults: "F7, F9b",
}
