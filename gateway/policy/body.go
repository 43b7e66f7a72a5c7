package policy

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
)

const keepAlive = "keep_alive"

// Unloads says whether the body of a native inference request asks for the
// model to be unloaded after it, by a keep_alive of zero. Such a request counts
// as Manage, with or without a prompt.
//
// It reads the body as Ollama's decoder does: names in any case, the last of
// duplicates wins, and what follows the first JSON value is ignored. A null
// after a zero leaves the zero (Ollama forgets it; refusing is the safe side).
func Unloads(body []byte) bool {
	var value []byte
	_, object := scan(body, func(m member) {
		if m.is(keepAlive) && string(body[m.valueStart:m.end]) != "null" {
			value = body[m.valueStart:m.end]
		}
	})
	if !object || !isZero(value) {
		return false
	}
	_, whole := firstObject(body)
	return whole // Ollama refuses the body itself if it is not
}

// longestKeepAlive is far over what anybody means by one, in bytes.
const longestKeepAlive = 1 << 10

// isZero says whether a value of keep_alive means "now". Ollama takes a number
// for seconds and a string for a Go duration, a negative one of either for ever,
// and compares whole seconds with zero.
func isZero(value []byte) bool {
	switch {
	case len(value) == 0 || bytes.IndexByte([]byte("[{tf"), value[0]) >= 0:
		return false // not decoded: as Go values they take many times their size
	case len(value) > longestKeepAlive:
		return true // not read; refusing is the safe side
	}
	var read any
	if json.Unmarshal(value, &read) != nil {
		return false
	}
	switch v := read.(type) {
	case float64:
		// Ollama multiplies without a look at the range: what overflows becomes
		// zero or negative there, and the scheduler unloads at both.
		return v >= 0 && (v < 1 || v >= math.MaxInt64/float64(time.Second))
	case string:
		d, err := time.ParseDuration(v)
		return err == nil && d >= 0 && d < time.Second
	}
	return false
}
