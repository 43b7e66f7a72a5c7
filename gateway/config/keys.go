package config

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/environment"
)

var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// leastKey is how many characters keep a key from being guessed.
const leastKey = 16

// Key is one client's key.
type Key struct {
	Name string
	Key  environment.Secret
}

// Keys are the clients' keys. No log, status page or error shows them.
type Keys struct{ list []Key }

// List returns the keys in the order in which they were given, none when the
// gateway is open.
func (k Keys) List() []Key { return slices.Clone(k.list) }

// UnmarshalText accepts name:key, separated by commas or lines. Names and keys
// are unique. Its errors show not even a name: in key:name, that is the key. A line
// that begins with # is a comment, with all that it holds.
func (k *Keys) UnmarshalText(text []byte) error {
	var list []Key
	var found problems
	for _, line := range environment.Lines(string(text)) {
		for entry := range strings.SplitSeq(line, ",") {
			if entry = strings.TrimSpace(entry); entry == "" {
				continue // the end of a line, most often
			}
			name, key, _ := strings.Cut(entry, ":")
			list = append(list, Key{name, environment.NewSecret(key)})
			if err := checkKey(list); err != nil {
				found.add(len(list), err)
			}
		}
	}
	if len(list) == 0 {
		return errors.New("holds no key; give name:key, or leave it empty to be open to everyone")
	}
	*k = Keys{list}
	return found.err()
}

// checkKey judges the last of the keys.
func checkKey(list []Key) error {
	added, before := list[len(list)-1], list[:len(list)-1]
	switch {
	case added.Key.Reveal() == "":
		return errors.New("is not name:key")
	case strings.ContainsAny(added.Name[:min(len(added.Name), 1)], `"'`):
		return errors.New("begins with a quotation mark; quotes are not taken off keys, remove them")
	case !keyName.MatchString(added.Name):
		return errors.New("the name must be 1 to 64 letters, digits, _ . or - and begin with a letter or digit")
	case slices.ContainsFunc(before, func(other Key) bool { return other.Name == added.Name }):
		return errors.New("the name is taken by an entry before; names must be unique")
	case slices.ContainsFunc(before, func(other Key) bool { return other.Key.Reveal() == added.Key.Reveal() }):
		return errors.New("the key is that of an entry before; give every name its own")
	}
	if err := environment.CheckSecret(added.Key.Reveal(), leastKey); err != nil {
		return fmt.Errorf("the key %w", err)
	}
	return nil
}

// withSlash is the entry of the first key that has a slash, from 1; 0 for none.
func (k Keys) withSlash() int {
	return 1 + slices.IndexFunc(k.list, func(key Key) bool { return strings.Contains(key.Key.Reveal(), "/") })
}

// String says only how many keys there are.
func (k Keys) String() string { return fmt.Sprintf("[%d keys]", len(k.list)) }

// MarshalText says only how many keys there are.
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue says only how many keys there are.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Format says only how many keys there are, whatever the verb.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.String()) }
