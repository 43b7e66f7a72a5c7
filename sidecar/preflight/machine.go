package preflight

import (
	"fmt"
	"strings"

	"github.com/clawdbot/clawgate/environment"
	"github.com/clawdbot/clawgate/sidecar/config"
)

// gpus judges the view of the GPUs. Without one Clawgate works, and sees less.
func gpus(f Facts) []Finding {
	view, asked := f.GPU, f.Engine.Err == nil && f.Engine.Container.GPURequested
	switch {
	case f.Config.GPU == config.GPUOff:
		return []Finding{ok("gpu", "not looked at (CLAWGATE_GPU=off)")}
	case view.Mismatch:
		return []Finding{fail("gpu", "the driver and its library do not belong together: a container that is restarted now would not start again",
			"reboot the host, or load the new driver, when it suits you")}
	case view.Known:
		return gpusSeen(f, asked)
	case f.Config.GPU == config.GPURequired:
		return []Finding{fail("gpu", "no view, and CLAWGATE_GPU=required: "+view.Reason, giveView)}
	case asked:
		return []Finding{warn("gpu", "the container has a GPU, and Clawgate cannot see it: "+view.Reason, giveView)}
	case f.Engine.Err != nil:
		return []Finding{ok("gpu", "none in sight; whether the container asks for one is not known (%s)", view.Reason)}
	}
	return []Finding{ok("gpu", "none in sight, and the container asks for none (%s)", view.Reason)}
}

// gpuReset judges the container that resets the GPU, where one is wanted.
func gpuReset(f Facts) []Finding {
	switch {
	case !f.Config.GPUReset:
		return nil
	case f.Helper != nil:
		return []Finding{warn("gpu reset", "it is wanted and cannot be done: "+f.Helper.Error(),
			"create the helper (the head of compose/gpu.yaml says how); a guard that answers 403 needs CLAWGATE_GPU_RESET spelled `true`")}
	case f.GPU.Known && len(f.GPU.GPUs) != 1:
		return []Finding{warn("gpu reset", fmt.Sprintf("it is wanted, and never done on a host with %d GPUs", len(f.GPU.GPUs)), "CLAWGATE_GPU_RESET=false")}
	}
	return []Finding{ok("gpu reset", "its helper is there")}
}

const giveView = "give the sidecar a GPU reservation with the capability `utility` (compose/gpu.yaml), or set CLAWGATE_NVML_LIBRARY"

func gpusSeen(f Facts, asked bool) []Finding {
	var names []string
	var findings []Finding
	for _, g := range f.GPU.GPUs {
		names = append(names, g.Name)
		if g.Lost {
			findings = append(findings, fail("gpu", fmt.Sprintf("the driver has lost GPU %d (%s)", g.Index, g.UUID), "reset the GPU or reboot the host; no restart brings it back"))
		}
	}
	if f.Engine.Err == nil && !asked {
		findings = append(findings, warn("gpu", fmt.Sprintf("the host has %d, and the container asks for none: the model runs on the CPU", len(names)),
			"give the container a GPU reservation (compose/gpu.yaml)"))
	}
	if len(findings) == 0 {
		findings = append(findings, ok("gpu", "driver %s: %s", f.GPU.Driver, strings.Join(names, ", ")))
	}
	return findings
}

// folders judges what has to be written.
func folders(f Facts) []Finding {
	return []Finding{stateDir(f), healthLog(f)}
}

func stateDir(f Facts) Finding {
	const subject = "state folder"
	switch {
	case f.Config.StateDir == "":
		return warn(subject, "none: the restart budget is forgotten when Clawgate restarts, and a restart of the container is one call without a leak check",
			"set CLAWGATE_STATE_DIR to a folder that lasts")
	case f.StateDir != nil:
		return fail(subject, f.StateDir.Error(), writable+", or set CLAWGATE_STATE_DIR")
	}
	return ok(subject, "%s can be written", f.Config.StateDir)
}

func healthLog(f Facts) Finding {
	const subject = "health log"
	switch {
	case f.Config.HealthLog == "":
		return ok(subject, "none (CLAWGATE_HEALTH_LOG is empty)")
	case f.HealthLog != nil:
		return fail(subject, f.HealthLog.Error(), writable+", or set CLAWGATE_HEALTH_LOG")
	}
	return ok(subject, "%s can be written", f.Config.HealthLog)
}

const writable = "make it and let the user that Clawgate runs as write there (10001 in the image)"

func token(f Facts) []Finding {
	secret := f.Config.AdminToken.Reveal()
	switch {
	case secret == "":
		return []Finding{warn("admin token", "none, so that pause, resume and restart by hand are refused", "set CLAWGATE_ADMIN_TOKEN_FILE")}
	case environment.Text(secret) != secret:
		return []Finding{warn("admin token", "stands between quotation marks, which are part of it", "take them off, or send them too")}
	}
	return []Finding{ok("admin token", "set")}
}
