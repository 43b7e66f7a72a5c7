package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/clawdbot/clawgate/environment"
)

// The kinds of values that the gateway has, too.
type (
	// Secret is a text that no log, status page or error shows.
	Secret = environment.Secret
	// Bytes is a size in bytes.
	Bytes = environment.Bytes
	// LogFormat is the form of a log line.
	LogFormat = environment.LogFormat
)

// NewSecret keeps text.
func NewSecret(text string) Secret { return environment.NewSecret(text) }

const (
	LogJSON = environment.LogJSON
	LogText = environment.LogText
)

// Mode says whether the sidecar acts on its verdicts.
type Mode string

const (
	Heal    Mode = "heal"
	Observe Mode = "observe"
)

// UnmarshalText accepts the modes above.
func (m *Mode) UnmarshalText(text []byte) error { return environment.OneOf(m, text, Heal, Observe) }

// GPU says how much the sidecar needs a view of the GPU.
type GPU string

const (
	GPUAuto     GPU = "auto"
	GPURequired GPU = "required"
	GPUOff      GPU = "off"
)

// UnmarshalText accepts the words above.
func (g *GPU) UnmarshalText(text []byte) error {
	return environment.OneOf(g, text, GPUAuto, GPURequired, GPUOff)
}

// Auto is the READY_PATH that is the model's own affair.
const Auto = "auto"

// KeepAlive is how long Ollama keeps a model after its last request: at least a
// second. Negative means for ever.
type KeepAlive time.Duration

// UnmarshalText accepts what Ollama accepts: a number of seconds or a duration,
// and a negative one for ever.
func (k *KeepAlive) UnmarshalText(text []byte) error {
	duration, err := time.ParseDuration(string(text))
	if seconds, notNumber := strconv.ParseInt(string(text), 10, 32); notNumber == nil {
		duration, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 5m, a number of seconds, or -1 for ever", text)
	}
	if duration == 0 {
		return errors.New("0 unloads the model after every answer, so that it is never ready; give a duration such as 5m, or -1 for ever")
	}
	if duration > 0 && duration < time.Second {
		return fmt.Errorf("%q is gone before the model can be seen loaded, so that it is never ready; give at least 1s, such as 5m, or -1 for ever", text)
	}
	*k = KeepAlive(duration)
	return nil
}

// Forever says that the model is to stay loaded.
func (k KeepAlive) Forever() bool { return k < 0 }

// MarshalJSON gives the value of a request's keep_alive. Ollama takes -1 only
// as a number: the string "-1" has no unit and is refused.
func (k KeepAlive) MarshalJSON() ([]byte, error) {
	if k.Forever() {
		return []byte("-1"), nil
	}
	return json.Marshal(time.Duration(k).String())
}

// Options are Ollama's model options by name, each value as it was written.
type Options map[string]json.RawMessage

// UnmarshalText accepts one JSON object whose values are not null.
func (o *Options) UnmarshalText(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var options map[string]json.RawMessage
	err := decoder.Decode(&options)
	if _, rest := decoder.Token(); err == nil && rest != io.EOF {
		err = errors.New("something follows the object")
	}
	if err != nil || options == nil {
		return fmt.Errorf(`%q is not a JSON object such as {"num_gpu":40}`, text)
	}
	for name, value := range options {
		if string(value) == "null" {
			return fmt.Errorf("the option %q is null; give it a value or leave it out", name)
		}
	}
	*o = options
	return nil
}
