package ollama

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
)

// KeepAlive is a request's keep_alive, as Ollama reads it.
type KeepAlive struct {
	// Given is false where there is none, and for what Ollama refuses.
	Given bool
	// For is how long the model stays loaded after the request; negative for ever.
	For time.Duration
	// Odd says that nobody can tell how long that is: the value is too long to be
	// read, or so large that it overflows in Ollama, which makes it zero or
	// negative there, and the scheduler unloads at both.
	Odd bool
}

// Zero says that the model is to be unloaded now, in the reading of every release.
func (k KeepAlive) zero() bool { return k.Given && !k.Odd && k.For == 0 }

// Brief says that some release unloads the model with the request's end: 0.9.6
// cuts a keep_alive to whole seconds, 0.32.14 does not.
func (k KeepAlive) Brief() bool {
	return k.Given && (k.Odd || k.For >= 0 && k.For < time.Second)
}

// longestKeepAlive is far over what anybody means by one, in bytes.
const longestKeepAlive = 1 << 10

// readKeepAlive reads a number as seconds and a string as a Go duration, a negative
// one of either as for ever, and a null as none (api.Duration).
func readKeepAlive(value []byte) KeepAlive {
	switch {
	case bytes.IndexByte([]byte("[{tfn"), value[0]) >= 0:
		return KeepAlive{} // not decoded: as Go values they take many times their size
	case len(value) > longestKeepAlive:
		return KeepAlive{Given: true, Odd: true}
	}
	var parsed any
	if json.Unmarshal(value, &parsed) != nil {
		return KeepAlive{}
	}
	switch v := parsed.(type) {
	case float64:
		return secondsOf(v)
	case string:
		d, err := time.ParseDuration(v)
		return KeepAlive{Given: err == nil, For: d}
	}
	return KeepAlive{}
}

func secondsOf(n float64) KeepAlive {
	switch {
	case n < 0:
		return KeepAlive{Given: true, For: -1}
	case n >= math.MaxInt64/float64(time.Second):
		return KeepAlive{Given: true, Odd: true}
	}
	return KeepAlive{Given: true, For: time.Duration(n * float64(time.Second))}
}
