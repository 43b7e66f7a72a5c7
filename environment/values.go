package environment

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
)

// LogFormat is the form of a log line.
type LogFormat string

const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// UnmarshalText accepts the formats above.
func (f *LogFormat) UnmarshalText(text []byte) error { return OneOf(f, text, LogJSON, LogText) }

// OneOf sets into to text if that is one of the choices.
func OneOf[T ~string](into *T, text []byte, choices ...T) error {
	if !slices.Contains(choices, T(text)) {
		return fmt.Errorf("%q is not one of %q", text, choices)
	}
	*into = T(text)
	return nil
}

// Bytes is a size in bytes.
type Bytes int64

// UnmarshalText accepts a number with or without a unit; every unit is binary
// (8MB is 8MiB).
func (b *Bytes) UnmarshalText(text []byte) error {
	size, err := units.RAMInBytes(string(text))
	// Less than a byte would be 0, which is no limit at all to some; too much is negative.
	vanished := size == 0 && bytes.ContainsAny(text, "123456789")
	if err != nil || size < 0 || vanished {
		return fmt.Errorf("%q is not a size such as 8MiB", text)
	}
	*b = Bytes(size)
	return nil
}

// String gives the size with a binary unit.
func (b Bytes) String() string { return units.BytesSize(float64(b)) }

// wanted says in plain words what text should have been.
func wanted(field reflect.StructField, text string, err error) error {
	switch field.Type {
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
	case reflect.TypeFor[*url.URL](): // not shown: it may hold a password
		return fmt.Errorf("must be an http or https URL of a host alone, such as %s%s", field.Tag.Get("default"), OddInURL(text))
	}
	return err
}
