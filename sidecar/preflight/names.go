package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// mostNames are shown of those that look right.
const mostNames = 5

// noContainer is for a name that the engine does not have. The sidecar goes on
// without it, and heals nothing.
func noContainer(f Facts) Finding {
	found := fmt.Sprintf("no container is called %q (CLAWGATE_CONTAINER): what answers at CLAWGATE_OLLAMA_URL is served, and nothing is healed", f.Config.Container)
	do := "start it, or set CLAWGATE_CONTAINER to the name that `docker ps -a` shows"
	if names := lookRight(f.Engine.Neighbours, f.Config.Container); len(names) > 0 {
		do += "; these look right: " + strings.Join(names, ", ")
	}
	return fail("container", found, do)
}

// lookRight are the names of containers that run an Ollama by their image's name or
// their own, or are called almost like the one that is looked for. Those that run come
// first.
func lookRight(containers []evidence.Container, wanted string) []string {
	var running, others []string
	for _, c := range containers {
		alike := strings.EqualFold(c.Name, wanted) || strings.Contains(c.Name, wanted) || strings.Contains(wanted, c.Name)
		if !alike && !strings.Contains(strings.ToLower(c.Image+" "+c.Name), "ollama") {
			continue
		}
		if c.Status == evidence.Running {
			running = append(running, c.Name)
		} else {
			others = append(others, c.Name)
		}
	}
	slices.Sort(running)
	slices.Sort(others)
	names := slices.Concat(running, others)
	return names[:min(len(names), mostNames)]
}
