package config

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/environment"
	"github.com/clawdbot/clawgate/ollama"
)

const notOllamaURL = "must be an http or https URL of a host alone, such as http://ollama:11434"

var (
	// containerName is the engine's own rule for names.
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
	// containerID is what the engine would take for an ID or the start of one
	// as `docker ps` shows it.
	containerID = regexp.MustCompile(`^[0-9a-f]{12}([0-9a-f]{52})?$`)
)

// contradictions are the rules for the settings alone and together.
func contradictions(c Config) []environment.Contradiction {
	return append(alone(c), together(c)...)
}

func alone(c Config) []environment.Contradiction {
	return []environment.Contradiction{
		environment.Wrong(!environment.IsAddress(c.Listen), "LISTEN", fmt.Sprintf("%q is not an address such as :18789 or 127.0.0.1:18789", c.Listen)),
		environment.Wrong(!environment.IsAddress(c.AdminListen), "ADMIN_LISTEN", fmt.Sprintf("%q is not an address such as :18790 or 127.0.0.1:18790", c.AdminListen)),
		environment.Wrong(!environment.IsHostURL(c.OllamaURL), "OLLAMA_URL", notOllamaURL+oddInHost(c.OllamaURL)),
		environment.Wrong(!containerName.MatchString(c.Container), "CONTAINER", fmt.Sprintf("%q is not a container's name%s", c.Container, environment.Stranger(c.Container, inContainerName))),
		environment.Wrong(containerID.MatchString(c.Container), "CONTAINER", fmt.Sprintf("%q looks like an ID; give the name, which stays when the container is made again", c.Container)),
		wrongModel(c.Model),
		environment.Wrong(!isPath(c.APIPath), "API_PATH", fmt.Sprintf("%q is not a path such as /api/tags", c.APIPath)),
		environment.Wrong(c.ReadyPath != Auto && !isPath(c.ReadyPath), "READY_PATH", fmt.Sprintf("%q is neither auto nor a path such as /api/chat", c.ReadyPath)),
		environment.Wrong(c.APIStatus < 100 || c.APIStatus > 599, "API_STATUS", fmt.Sprintf("%d is not an HTTP status (100 to 599)", c.APIStatus)),
		environment.Wrong(c.RetryAfter < time.Second, "RETRY_AFTER", "must be at least 1s: the header counts whole seconds"),
		wrongToken(c.AdminToken.Reveal()),
	}
}

func oddInHost(u *url.URL) string {
	if u == nil {
		return "" // said already
	}
	return environment.OddInURL(u.Host)
}

func inContainerName(r rune) bool {
	return r == '_' || r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// wrongModel is for a name that Ollama would call invalid, whatever models it has.
func wrongModel(name string) environment.Contradiction {
	err := ollama.CheckName(name)
	return environment.Wrong(err != nil, "MODEL", fmt.Sprintf("%q is not a model's name: %v", name, err))
}

// minToken is how many characters keep an admin token from being guessed.
const minToken = 16

func wrongToken(token string) environment.Contradiction {
	if token == "" {
		return environment.Wrong(false, "ADMIN_TOKEN", "")
	}
	err := environment.CheckSecret(token, minToken)
	return environment.Wrong(err != nil, "ADMIN_TOKEN", fmt.Sprint(err))
}

func together(c Config) []environment.Contradiction {
	return []environment.Contradiction{
		environment.Wrong(c.Listen == c.AdminListen, "LISTEN ADMIN_LISTEN", "must differ"),
		environment.Wrong(!crowd.FitsHeader(int64(c.MaxHeaderBytes)), "MAX_HEADER_BYTES", "must be 4KiB to 1MiB"),
		environment.Wrong(c.ReadyPattern != nil && ollama.RouteOf(http.MethodPost, c.ReadyPath).Embedding, "READY_PATTERN READY_PATH", "an embedding has no text that a pattern could match"),
		environment.Wrong(c.TCPTimeout > c.TCPInterval, "TCP_TIMEOUT TCP_INTERVAL", "the deadline must not be longer than the interval"),
		environment.Wrong(c.APITimeout > c.APIInterval, "API_TIMEOUT API_INTERVAL", "the deadline must not be longer than the interval"),
		environment.Wrong(c.FirstChunkTimeout >= c.ReadyInterval, "FIRST_CHUNK_TIMEOUT READY_INTERVAL", "the deadline must be shorter than the interval"),
		environment.Wrong(c.RecheckInterval > c.ReadyInterval, "RECHECK_INTERVAL READY_INTERVAL", "looking again after a failure must not take longer than the ordinary interval"),
		environment.Wrong(c.Hold > c.HoldMax, "HOLD HOLD_MAX", "HOLD must not be longer than HOLD_MAX"),
		environment.Wrong(c.ReplayMaxBytes > c.BufferMaxBytes, "REPLAY_MAX_BYTES BUFFER_MAX_BYTES", "one body must not be larger than all bodies together"),
		environment.Wrong(c.MaxConnections > 0 && c.MaxConnections <= c.MaxRequests, "MAX_CONNECTIONS MAX_REQUESTS", "there must be more connections than requests: one must be left to answer on"),
	}
}

func isPath(path string) bool {
	u, err := url.Parse(path)
	return err == nil && strings.HasPrefix(path, "/") && u.Host == "" && !strings.ContainsAny(path, " ?#")
}
