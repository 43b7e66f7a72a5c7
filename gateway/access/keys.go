// Package access says who may ask, and how often: keys, the rate of each key or
// client, the client's address behind proxies, and which web pages may call.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// anonymous is everybody's name where no keys are configured.
const anonymous = "anonymous"

// Key is a secret and the name under which its user is counted. It prints as
// its name alone, in every format.
type Key struct {
	Name   string
	Secret string `json:"-"`
}

// Format writes the name, whatever the verb.
func (k Key) Format(state fmt.State, _ rune) { _, _ = fmt.Fprintf(state, "key %q", k.Name) }

// LogValue logs the name.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.Name) }

// Keys knows who holds which key. It keeps sums of the secrets only.
type Keys struct{ known []knownKey }

type knownKey struct {
	name string
	sum  [sha256.Size]byte
}

// NewKeys makes Keys of named secrets. With none it is open. A secret that is
// empty closes the door and opens it to nobody.
func NewKeys(named []Key) *Keys {
	keys := &Keys{known: make([]knownKey, len(named))}
	for i, key := range named {
		keys.known[i] = knownKey{name: key.Name, sum: sha256.Sum256([]byte(key.Secret))}
	}
	return keys
}

// Open says that no keys are configured, and that everybody is let in.
func (k *Keys) Open() bool { return len(k.known) == 0 }

// Format writes how many keys there are: not even their sums, from which a short
// secret could be guessed.
func (k *Keys) Format(state fmt.State, _ rune) { _, _ = fmt.Fprintf(state, "%d keys", len(k.known)) }

// Identify gives the name of the holder of the first of the secrets that is a key.
// One is enough: clients that insist on a header of their own put a dummy there.
func (k *Keys) Identify(secrets []string) (name string, ok bool) {
	if k.Open() {
		return anonymous, true
	}
	for _, secret := range secrets {
		if holder, valid := k.holder(secret); valid && !ok { // all are compared, for the sake of time
			name, ok = holder, true
		}
	}
	return name, ok
}

// holder compares with every key, and the sums rather than the secrets, so that
// the time taken tells neither which key is near nor how long it is.
func (k *Keys) holder(secret string) (name string, ok bool) {
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range k.known {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], k.known[i].sum[:]), i, found)
	}
	if secret == "" || found < 0 {
		return "", false
	}
	return k.known[found].name, true
}
