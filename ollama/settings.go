package ollama

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Settings are the variables of the server's environment, read as Ollama's own
// envconfig package does (0.9.6 and 0.32.14).
type Settings map[string]string

// The variables that change what Clawgate sees.
const (
	HostSetting        = "OLLAMA_HOST"
	SlotsSetting       = "OLLAMA_NUM_PARALLEL"
	KeepAliveSetting   = "OLLAMA_KEEP_ALIVE"
	LoadTimeoutSetting = "OLLAMA_LOAD_TIMEOUT"
	MaxQueueSetting    = "OLLAMA_MAX_QUEUE"
	// NoGPUSetting hides the GPUs from the server where it is -1.
	NoGPUSetting = "CUDA_VISIBLE_DEVICES"
)

// readHere are all that anybody reads.
var readHere = []string{HostSetting, SlotsSetting, KeepAliveSetting, LoadTimeoutSetting, MaxQueueSetting, NoGPUSetting}

// SettingsOf are those in a container's environment that are read here. The others
// may be secrets, OLLAMA_API_KEY for one, and nobody needs them.
func SettingsOf(environment map[string]string) Settings {
	settings := Settings{}
	for _, name := range readHere {
		if value, set := environment[name]; set {
			settings[name] = value
		}
	}
	return settings
}

// Text is a variable without blanks and quotes around it, which arrive literally
// from a YAML list or an env file.
func (s Settings) Text(name string) string {
	return strings.Trim(strings.TrimSpace(s[name]), `"'`)
}

// Slots is how many requests of a model are served at once. What cannot be read is
// one, as what is not set.
func (s Settings) Slots() (slots int, readable bool) {
	text := s.Text(SlotsSetting)
	if text == "" {
		return 1, true
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 1, false
	}
	return max(1, int(n)), true
}

// Duration reads a duration or a number of seconds, which may be negative. An empty
// text is otherwise, and so is what cannot be read.
func (s Settings) Duration(name string, otherwise time.Duration) (duration time.Duration, readable bool) {
	text := s.Text(name)
	if text == "" {
		return otherwise, true
	}
	if duration, err := time.ParseDuration(text); err == nil {
		return duration, true
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return otherwise, false
	}
	if seconds > math.MaxInt64/int64(time.Second) {
		return math.MaxInt64, true
	}
	return time.Duration(max(seconds, -1)) * time.Second, true
}
