package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

// VRAMLeak means that the container holds GPU memory that no loaded model accounts for.
const VRAMLeak Verdict = "vram_leak"

var vramLeakRecord = Record{
	Verdict: VRAMLeak, Standing: Serving,
	Need: Nothing, Finds: []Need{MendWhenQuiet},
	Means:  "the container holds GPU memory that no model accounts for",
	Does:   "restarts at a quiet moment, once",
	Signs:  "for a minute (ten under load), Ollama's processes beyond one for each loaded model hold more GPU memory than CLAWGATE_LEAK_TOLERANCE",
	Remedy: "restart at a quiet moment, once",
	Never:  "count other programs' memory; end a process",
	Faults: "F15",
}

func leaking(p Picture) (Judgement, bool) {
	if !p.Devices.Leak.Lasts(p.Now) {
		return Judgement{}, false
	}
	return Judgement{Verdict: VRAMLeak, Need: MendWhenQuiet, Sentence: held(p.Devices.Leak, p.Now)}, true
}

// held says in words what is held, for how long, and by whom.
func held(leak watch.Leak, now time.Time) string {
	var who []string
	for _, p := range leak.Holders() {
		who = append(who, fmt.Sprintf("process %d: %d MiB", p.PID, p.Bytes>>20))
	}
	return fmt.Sprintf("the container has held %d MiB of GPU memory for %s that no loaded model accounts for (%s)",
		leak.Bytes()>>20, round(now.Sub(leak.Since())), strings.Join(who, ", "))
}
