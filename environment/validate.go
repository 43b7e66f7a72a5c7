package environment

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// minInterval keeps a mistyped unit from turning what repeats into a load.
const minInterval = 100 * time.Millisecond

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

// Contradiction is a rule for one setting or several together, and whether it
// is broken.
type Contradiction struct {
	broken    bool
	variables string
	problem   string
}

// Wrong is a contradiction if broken is true. The names of the variables are
// without the role's prefix and separated by spaces.
func Wrong(broken bool, variables, problem string) Contradiction {
	return Contradiction{broken, variables, problem}
}

// broken reports the rules that the settings break, leaving out those about a
// setting whose own value is bad already.
func broken(prefix string, rules []Contradiction, bad map[string]bool) []error {
	var mistakes []error
	for _, rule := range rules {
		if !rule.broken {
			continue
		}
		names := strings.Fields(rule.variables)
		known := true
		for i, name := range names {
			names[i] = prefix + "_" + name
			known = known && !bad[names[i]]
		}
		if known {
			mistakes = append(mistakes, fmt.Errorf("%s: %s", strings.Join(names, ", "), rule.problem))
		}
	}
	return mistakes
}

// IsAddress tells whether a server can listen on address: it has a port, and a
// host if it likes.
func IsAddress(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// IsHostURL tells whether u is an http or https URL of a host alone. It refuses
// a path, because the servers behind such a URL have none but their own, and a
// user, because no log could show the URL then.
func IsHostURL(u *url.URL) bool {
	return u != nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && OddInURL(u.Host) == "" &&
		(u.Port() == "" || IsAddress(u.Host)) &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}
