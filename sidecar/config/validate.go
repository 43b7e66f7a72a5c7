package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	notOllamaURL = "must be an http or https URL of a host alone, such as http://ollama:11434"

	// minInterval keeps a mistyped unit from turning the probes into a load.
	minInterval = 100 * time.Millisecond
)

var (
	// containerName is the engine's own rule for names.
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
	// containerID is what the engine would take for an ID or the start of one
	// as `docker ps` shows it.
	containerID = regexp.MustCompile(`^[0-9a-f]{12}([0-9a-f]{52})?$`)
)

// inRange checks a number, duration or size against its field's rule.
func inRange(rule string, value reflect.Value) error {
	switch value.Interface().(type) {
	case time.Duration, int, Bytes:
	default:
		return nil
	}
	switch {
	case rule == "interval" && value.Int() < int64(minInterval):
		return fmt.Errorf("must be at least %s", minInterval)
	case rule == "positive" && value.Int() <= 0:
		return errors.New("must be more than 0")
	case value.Int() < 0:
		return errors.New("must not be negative")
	}
	return nil
}

// contradiction is a rule that the settings break.
type contradiction struct {
	broken    bool
	variables string // without the prefix, separated by spaces
	problem   string
}

// contradictions checks the settings alone and against each other, leaving out
// those whose own value is bad already.
func contradictions(config Config, bad map[string]bool) []error {
	var mistakes []error
	for _, check := range append(alone(config), together(config)...) {
		if !check.broken {
			continue
		}
		names := strings.Fields(check.variables)
		known := true
		for i, name := range names {
			names[i] = prefix + "_" + name
			known = known && !bad[names[i]]
		}
		if known {
			mistakes = append(mistakes, fmt.Errorf("%s: %s", strings.Join(names, ", "), check.problem))
		}
	}
	return mistakes
}

func alone(c Config) []contradiction {
	return []contradiction{
		{!isAddress(c.Listen), "LISTEN", fmt.Sprintf("%q is not an address such as :18789 or 127.0.0.1:18789", c.Listen)},
		{!isAddress(c.AdminListen), "ADMIN_LISTEN", fmt.Sprintf("%q is not an address such as :18790 or 127.0.0.1:18790", c.AdminListen)},
		{!isOllamaURL(c.OllamaURL), "OLLAMA_URL", notOllamaURL},
		{!containerName.MatchString(c.Container), "CONTAINER", fmt.Sprintf("%q is not a container's name", c.Container)},
		{containerID.MatchString(c.Container), "CONTAINER", fmt.Sprintf("%q looks like an ID; give the name, which stays when the container is made again", c.Container)},
		{strings.ContainsAny(c.Model, " \t\r\n"), "MODEL", fmt.Sprintf("%q is not a model's name: it holds white space", c.Model)},
		{!isPath(c.APIPath), "API_PATH", fmt.Sprintf("%q is not a path such as /api/tags", c.APIPath)},
		{!isPath(c.ReadyPath), "READY_PATH", fmt.Sprintf("%q is not a path such as /api/chat", c.ReadyPath)},
		{c.APIStatus < 100 || c.APIStatus > 599, "API_STATUS", fmt.Sprintf("%d is not an HTTP status (100 to 599)", c.APIStatus)},
		{c.RetryAfter < time.Second, "RETRY_AFTER", "must be at least 1s: the header counts whole seconds"},
		{strings.ContainsAny(c.AdminToken.Reveal(), " \t\r\n"), "ADMIN_TOKEN", "must not hold white space: a bearer token cannot"},
	}
}

func together(c Config) []contradiction {
	return []contradiction{
		{c.Listen == c.AdminListen, "LISTEN ADMIN_LISTEN", "must differ"},
		{c.ReadyPattern != nil && c.ReadyPath == "/api/embed", "READY_PATTERN READY_PATH", "an embedding has no text that a pattern could match"},
		{c.TCPTimeout > c.TCPInterval, "TCP_TIMEOUT TCP_INTERVAL", "the deadline must not be longer than the interval"},
		{c.APITimeout > c.APIInterval, "API_TIMEOUT API_INTERVAL", "the deadline must not be longer than the interval"},
		{c.FirstChunkTimeout >= c.ReadyInterval, "FIRST_CHUNK_TIMEOUT READY_INTERVAL", "the deadline must be shorter than the interval"},
		{c.RecheckInterval > c.ReadyInterval, "RECHECK_INTERVAL READY_INTERVAL", "looking again after a failure must not take longer than the ordinary interval"},
		{c.Hold > c.HoldMax, "HOLD HOLD_MAX", "HOLD must not be longer than HOLD_MAX"},
		{c.ReplayMaxBytes > c.BufferMaxBytes, "REPLAY_MAX_BYTES BUFFER_MAX_BYTES", "one body must not be larger than all bodies together"},
	}
}

func isAddress(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// isOllamaURL refuses a path, because Ollama serves none but its own, and a
// user, because no log could show the URL then.
func isOllamaURL(u *url.URL) bool {
	return u != nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}

func isPath(path string) bool {
	u, err := url.Parse(path)
	return err == nil && strings.HasPrefix(path, "/") && u.Host == "" && !strings.ContainsAny(path, " ?#")
}
