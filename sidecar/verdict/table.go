package verdict

// Entry is what the program knows about one verdict, in words for a person. The
// rules are in the functions; this says what they amount to.
type Entry struct {
	Verdict Verdict
	// Signs are what it is concluded from.
	Signs string
	// Remedy is what is done about it, the least disruptive first.
	Remedy string
	// Never is what is not done, tempting as it may be.
	Never string
	// Faults are the rows of docs/faults.md that it covers.
	Faults string
}

// Table has one entry for every verdict, in the order of All.
var Table = []Entry{
	{
		Unproven, "nothing has been seen yet since Clawgate or Ollama started",
		"wait for the first probe", "open the gate, or restart", "",
	},
	{Healthy, "a first chunk came in time, to a probe or to a client", "none", "", ""},
	{
		Busy, "the probe waits; a stream has moved, or the container or the GPU works",
		"none", "restart a server that works, or send more probes into its queue", "F7, F9b",
	},
	{
		Slow, "first chunks come, after CLAWGATE_FIRST_CHUNK_TIMEOUT",
		"none; if this load used to be quick: unload and load again, once, at a quiet moment", "close the gate", "F19",
	},
	{
		Unloaded, "the API answers and does not list the model as loaded",
		"load it if CLAWGATE_KEEP_ALIVE pins it and nobody uses the GPU", "evict a model in use; count an unload as a crash", "F14",
	},
	{
		Loading, "the model is not loaded yet; CPU, disk or network move",
		"wait while anything moves, up to CLAWGATE_LOAD_TIMEOUT without", "be the client whose leaving aborts the load", "F9b, F10",
	},
	{
		Wedged, "three probes without a first chunk, no stream moves, container and GPU are still; or for a minute the queue is full, or a model that nobody uses past its time, and nothing moves but for probes",
		"unload the model; if that does not help: restart the container", "judge by the length of an answer; restart while anything moves", "F1, F2, F3, F10",
	},
	{
		Crashed, "the model's runner is gone and nothing explains it, or a probe or a load of Clawgate's own is answered that it died; what an error tells a client is a hint",
		"load again; after 3 within 10 min: unload, then restart once; after that the model is kept out and the others go on",
		"restart for a single crash; believe an error's words, which may be a client's; send a request twice after its first byte", "F5, F24",
	},
	{
		Down, "nothing listens, or the container has ended by itself",
		"wait for the engine's restart policy, then start", "start what a person stopped", "F22, F23, F28",
	},
	{
		Stopped, "a person stopped, killed, paused or removed the container, or no container has the name; and no other server answers at CLAWGATE_OLLAMA_URL",
		"none, until that is undone", "start it; believe a stream that began before", "",
	},
	{
		ModelMissing, "the API answers and does not list the model at all",
		"pull it if CLAWGATE_PULL allows", "restart, whatever the pull says (a full disk above all)", "F25",
	},
	{
		EngineAway, "the container engine does not answer",
		"go on serving, heal nothing", "count it as Ollama's failure; act on it afterwards without a fresh look", "F26, F27",
	},
	{
		Overloaded, "Ollama refuses as busy and works",
		"none: requests wait or are refused with Retry-After", "restart for a 503", "F8",
	},
	{
		OutOfMemory, "Ollama says twice that there is no memory for the model",
		"unload models that nobody uses; restart once if the container itself holds the memory, or if that cannot be told and nobody uses another model; else say who does",
		"restart for every such error, or for two with answers between them; touch another program's process", "F11",
	},
	{
		Garbage, "3 complete answers to 2 prompts with nothing in them, and the probe gets the same",
		"unload and load again; if it comes back the model is kept out", "act on one empty answer", "F9",
	},
	{
		GPULost, "the model was on the GPU in this run of the container, and two of these say that it is not now: Ollama's size_vram, the driver's memory, the speed, Ollama's log",
		"restart at a quiet moment, once", "restart if the host has lost the GPU, too", "F13",
	},
	{
		CPUFallback, "the same two of four, from the start of the container on",
		"restart at a quiet moment, once", "believe size_vram alone; where the card has no room for the model", "F12",
	},
	{
		VRAMLeak, "for a minute (ten under load), Ollama's processes beyond one for each loaded model hold more GPU memory than CLAWGATE_LEAK_TOLERANCE",
		"restart at a quiet moment, once", "count other programs' memory; end a process", "F15",
	},
	{
		Throttled, "the driver holds the clocks down for heat or power",
		"none; deadlines are longer", "restart: a load makes it hotter; take the ordinary power cap for it", "F19",
	},
	{
		HostAction, "an Xid of the device class, a lost GPU, the driver's own advice to reset or reboot, a driver and a library that do not match, a container that does not end or start, or a restart budget that is spent; or a fault of a server that is not the container of CLAWGATE_CONTAINER",
		"none: say what the person has to do; the gate is open as long as the model answers", "restart again and again", "F4, F17, F20, F22, F23",
	},
}
