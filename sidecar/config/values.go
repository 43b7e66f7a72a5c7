package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
)

// Mode says whether the sidecar acts on its verdicts.
type Mode string

const (
	Heal    Mode = "heal"
	Observe Mode = "observe"
)

// UnmarshalText accepts the modes above.
func (m *Mode) UnmarshalText(text []byte) error { return oneOf(m, text, Heal, Observe) }

// GPU says how much the sidecar needs a view of the GPU.
type GPU string

const (
	GPUAuto     GPU = "auto"
	GPURequired GPU = "required"
	GPUOff      GPU = "off"
)

// UnmarshalText accepts the words above.
func (g *GPU) UnmarshalText(text []byte) error { return oneOf(g, text, GPUAuto, GPURequired, GPUOff) }

// LogFormat is the form of a log line.
type LogFormat string

const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// UnmarshalText accepts the formats above.
func (f *LogFormat) UnmarshalText(text []byte) error { return oneOf(f, text, LogJSON, LogText) }

func oneOf[T ~string](into *T, text []byte, choices ...T) error {
	if !slices.Contains(choices, T(text)) {
		return fmt.Errorf("%q is not one of %q", text, choices)
	}
	*into = T(text)
	return nil
}

// KeepAlive is how long Ollama keeps a model after its last request. Negative
// means for ever.
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

// Bytes is a size in bytes.
type Bytes int64

// UnmarshalText accepts a number with or without a unit; every unit is binary
// (8MB is 8MiB).
func (b *Bytes) UnmarshalText(text []byte) error {
	size, err := units.RAMInBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a size such as 8MiB", text)
	}
	*b = Bytes(size)
	return nil
}

// String gives the size with a binary unit.
func (b Bytes) String() string { return units.BytesSize(float64(b)) }

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

// wanted says in plain words what text should have been.
func wanted(kind reflect.Type, text string, err error) error {
	switch kind {
	case reflect.TypeFor[time.Duration]():
		return fmt.Errorf(`%q is not a duration such as 500ms, 5s or 2m`, text)
	case reflect.TypeFor[int]():
		return fmt.Errorf("%q is not a whole number", text)
	case reflect.TypeFor[bool]():
		return fmt.Errorf("%q is not true or false", text)
	case reflect.TypeFor[slog.Level]():
		return fmt.Errorf("%q is not debug, info, warn or error", text)
	case reflect.TypeFor[*regexp.Regexp]():
		return fmt.Errorf("not a Go regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	case reflect.TypeFor[*url.URL]():
		return errors.New(notOllamaURL) // not shown: it may hold a password
	}
	return err
}
