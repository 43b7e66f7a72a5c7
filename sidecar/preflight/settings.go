package preflight

import (
	"fmt"
	"strconv"
	"time"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/config"
)

// Ollama's own defaults (its envconfig package).
const (
	defaultKeepAlive   = 5 * time.Minute
	defaultLoadTimeout = 5 * time.Minute
)

// shortLoad is a stall of a load that is still believed: a large model on a
// cold disk or a network file system is silent for tens of seconds.
const shortLoad = time.Minute

// ollamaSettings judges the variables in the container's environment that
// change what Clawgate sees.
func ollamaSettings(f Facts) []Finding {
	if f.Engine.Err != nil || f.Engine.Container.Env == nil {
		return nil
	}
	env := ollama.Settings(f.Engine.Container.Env)
	findings := []Finding{slots(env)}
	for _, judge := range []func(ollama.Settings, config.Config) (Finding, bool){keepAlive, loadTimeout, maxQueue} {
		if finding, bites := judge(env, f.Config); bites {
			findings = append(findings, finding)
		}
	}
	return findings
}

// slots: Ollama serves as many requests of a model at once as it has slots, and
// so many and one more are sent to it.
func slots(env ollama.Settings) Finding {
	const name = ollama.SlotsSetting
	number, readable := env.Slots()
	switch {
	case !readable:
		return warn(name, fmt.Sprintf("%q is not a number of slots, and is taken for 1", env.Text(name)), "set a number, 1 or more")
	case number > 1:
		return ok(name, "%d slots", number)
	}
	return ok(name, "one slot: one answer at a time, everybody else waits in Clawgate's queue; more slots need more GPU memory")
}

// keepAlive: Clawgate loads the model to stay, but a load that a client's
// request causes, after a crash for example, uses the server's setting.
func keepAlive(env ollama.Settings, c config.Config) (Finding, bool) {
	const name = ollama.KeepAliveSetting
	text := env.Text(name)
	server, readable := env.Duration(name, defaultKeepAlive)
	switch {
	case text == "": // its default contradicts nobody's wish
		return Finding{}, false
	case !readable:
		return warn(name, fmt.Sprintf("%q is not a duration; Ollama uses %s instead", text, defaultKeepAlive), "set a duration such as 30m, or -1 for ever"), true
	case server < 0 || !c.KeepAlive.Forever() && server >= time.Duration(c.KeepAlive):
		return Finding{}, false
	}
	wanted := "stays loaded for ever"
	if !c.KeepAlive.Forever() {
		wanted = "stays loaded for " + time.Duration(c.KeepAlive).String()
	}
	return warn(name, fmt.Sprintf("a model that a client's request loads leaves memory %s after its last answer, while CLAWGATE_KEEP_ALIVE says that %s %s",
		server, c.Model, wanted), "remove it, or set both alike"), true
}

// loadTimeout: Ollama gives up a load that shows no progress for so long. That
// should come before Clawgate's own remedy, which disturbs more.
func loadTimeout(env ollama.Settings, c config.Config) (Finding, bool) {
	const name = ollama.LoadTimeoutSetting
	text := env.Text(name)
	timeout, readable := env.Duration(name, defaultLoadTimeout)
	switch {
	case !readable:
		return warn(name, fmt.Sprintf("%q is not a duration; Ollama uses %s instead", text, defaultLoadTimeout), "set a duration such as 10m"), true
	case timeout <= 0:
		return warn(name, fmt.Sprintf("%q makes Ollama wait for ever for a load that hangs; Clawgate's remedy comes after %s", text, c.LoadTimeout), "remove it, or set a duration such as 5m"), true
	case timeout < shortLoad:
		return warn(name, fmt.Sprintf("Ollama gives up a load after %s without progress; a large model on a cold disk takes longer", timeout), "remove it, or set a duration such as 5m"), true
	case timeout > c.LoadTimeout:
		return warn(name, fmt.Sprintf("Ollama gives up a load after %s without progress, later than Clawgate, whose remedy disturbs more, after %s", timeout, c.LoadTimeout),
			"make it shorter than CLAWGATE_LOAD_TIMEOUT"), true
	}
	return Finding{}, false
}

// maxQueue: the same number sizes channels inside Ollama (server/sched.go), so
// that 0 or 1 can make its scheduler wait for itself. Read, not reproduced.
func maxQueue(env ollama.Settings, _ config.Config) (Finding, bool) {
	const name = ollama.MaxQueueSetting
	number, err := strconv.Atoi(env.Text(name))
	if err != nil || number > 1 {
		return Finding{}, false
	}
	return warn(name, fmt.Sprintf("%d also sizes Ollama's own channels, and its scheduler may block itself", number),
		"remove it; CLAWGATE_QUEUE_LENGTH is the queue that clients meet"), true
}
