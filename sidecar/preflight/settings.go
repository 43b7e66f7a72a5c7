package preflight

import (
	"fmt"
	"strconv"
	"strings"
	"time"

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
	env := f.Engine.Container.Env
	findings := []Finding{slots(env)}
	for _, judge := range []func(map[string]string, config.Config) (Finding, bool){keepAlive, loadTimeout, maxQueue} {
		if finding, bites := judge(env, f.Config); bites {
			findings = append(findings, finding)
		}
	}
	return findings
}

// setting reads a variable as Ollama does: without spaces and quotes around it.
func setting(env map[string]string, name string) string {
	return strings.Trim(strings.TrimSpace(env[name]), `"'`)
}

// slots: Ollama serves as many requests of a model at once as it has slots, and
// so many and one more are sent to it.
func slots(env map[string]string) Finding {
	const name = "OLLAMA_NUM_PARALLEL"
	text := setting(env, name)
	number, err := strconv.Atoi(text)
	switch {
	case text != "" && (err != nil || number < 0):
		return warn(name, fmt.Sprintf("%q is not a number of slots, and is taken for 1", text), "set a number, 1 or more")
	case number > 1:
		return ok(name, "%d slots", number)
	}
	return ok(name, "one slot: one answer at a time, everybody else waits in Clawgate's queue; more slots need more GPU memory")
}

// keepAlive: Clawgate loads the model to stay, but a load that a client's
// request causes, after a crash for example, uses the server's setting.
func keepAlive(env map[string]string, c config.Config) (Finding, bool) {
	const name = "OLLAMA_KEEP_ALIVE"
	text := setting(env, name)
	server, readable := ollamaDuration(text, defaultKeepAlive)
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
func loadTimeout(env map[string]string, c config.Config) (Finding, bool) {
	const name = "OLLAMA_LOAD_TIMEOUT"
	text := setting(env, name)
	timeout, readable := ollamaDuration(text, defaultLoadTimeout)
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
func maxQueue(env map[string]string, _ config.Config) (Finding, bool) {
	const name = "OLLAMA_MAX_QUEUE"
	number, err := strconv.Atoi(setting(env, name))
	if err != nil || number > 1 {
		return Finding{}, false
	}
	return warn(name, fmt.Sprintf("%d also sizes Ollama's own channels, and its scheduler may block itself", number),
		"remove it; CLAWGATE_QUEUE_LENGTH is the queue that clients meet"), true
}

// ollamaDuration reads a duration or a number of seconds, as Ollama does. An
// empty text is the default; what cannot be read is, too.
func ollamaDuration(text string, otherwise time.Duration) (duration time.Duration, readable bool) {
	if text == "" {
		return otherwise, true
	}
	if duration, err := time.ParseDuration(text); err == nil {
		return duration, true
	}
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	return otherwise, false
}
