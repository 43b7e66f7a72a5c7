package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// engine judges the way to the container engine, call by call.
func engine(f Facts) []Finding {
	if f.Engine.Err != nil {
		return []Finding{fail("engine", f.Engine.Err.Error(),
			"check DOCKER_HOST and the permission to use its socket; a guard that answers 403 was given another CLAWGATE_CONTAINER")}
	}
	var findings []Finding
	answered := []string{"inspect"}
	for _, call := range f.Engine.Calls {
		if call.Err == nil {
			answered = append(answered, string(call.Name))
			continue
		}
		findings = append(findings, refused(call))
	}
	return append([]Finding{ok("engine", "answers: %s; stop, start and restart are not tried", strings.Join(answered, ", "))}, findings...)
}

// refused says what is lost with a call that does not work.
func refused(call engineCall) Finding {
	subject, do := "engine: "+string(call.Name), "let the call pass the guard, see the rules in compose/docker-guard/haproxy.cfg"
	switch call.Name {
	case callActivity:
		return fail(subject, fmt.Sprintf("a busy server cannot be told from a frozen one: %s", call.Err), do)
	case callProcesses:
		return fail(subject, fmt.Sprintf("a runner cannot be seen gone after an unload, nor its options, nor whose GPU memory is whose: %s", call.Err), do)
	case callEvents:
		return warn(subject, fmt.Sprintf("a crash is noticed up to 10 s late, and taken for a person's stop more easily: %s", call.Err), do)
	default:
		return warn(subject, fmt.Sprintf("the container's log cannot be read, so that a server which found no GPU at its start is noticed later: %s", call.Err), do)
	}
}

// container judges the container that Ollama runs in.
func container(f Facts) []Finding {
	if f.Engine.Err != nil {
		return nil
	}
	c := f.Engine.Container
	if c.Status == evidence.Absent {
		return []Finding{noContainer(f)}
	}
	return []Finding{containerRuns(c), restartPolicy(c)}
}

func containerRuns(c evidence.Container) Finding {
	found := fmt.Sprintf("%q has the status %s", c.Name, c.Status)
	switch c.Status {
	case evidence.Running:
		return ok("container", "%s, image %s", found, c.Image)
	case evidence.Paused:
		return fail("container", found, "docker unpause "+c.Name+"; Clawgate leaves a paused container alone")
	case evidence.Restarting:
		return fail("container", fmt.Sprintf("%s, again and again, last exit code %d", found, c.ExitCode), "docker logs "+c.Name+" tells why it ends")
	}
	if c.StartError != "" {
		found += ": " + c.StartError
	}
	return fail("container", fmt.Sprintf("%s, exit code %d", found, c.ExitCode), "docker start "+c.Name)
}

// restartPolicy: the engine's own policy brings a dead process back within a
// second; Clawgate decides everything else.
func restartPolicy(c evidence.Container) Finding {
	if slices.Contains([]string{"always", "unless-stopped"}, c.RestartPolicy) {
		return ok("restart policy", "%s", c.RestartPolicy)
	}
	return warn("restart policy", fmt.Sprintf("is %q, so that a crash, and a restart of the engine, wait for Clawgate", c.RestartPolicy),
		"docker update --restart unless-stopped "+c.Name+", and the same in its compose file")
}
