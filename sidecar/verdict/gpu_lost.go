package verdict

// GPULost means that the container had a GPU, and what it loads now runs without.
const GPULost Verdict = "gpu_lost"

var gpuLostRecord = Record{
	Verdict: GPULost, Standing: Serving,
	Need: Nothing, Finds: []Need{MendWhenQuiet},
	Means:  "two signs of four say that the model runs on the CPU",
	Does:   "restarts at a quiet moment, once",
	Signs:  "the model was on the GPU in this run of the container, and two of these say that it is not now: Ollama's size_vram, the driver's memory, the speed, Ollama's log",
	Remedy: "restart at a quiet moment, once",
	Never:  "restart if the host has lost the GPU, too",
	Faults: "F13",
}
