package environment

import (
	"fmt"
	"log/slog"
)

// Secret is a text that no log, status page or error shows. Only [Secret.Reveal]
// gives it away.
type Secret struct {
	// A pointer, because fmt prints unexported fields of an enclosing struct
	// without asking their methods; of a pointer it prints the address.
	text *string
}

// NewSecret keeps text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the secret itself, empty when there is none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// UnmarshalText keeps text.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// MarshalText says only whether there is a secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue says only whether there is a secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Format says only whether there is a secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// String says only whether there is a secret.
func (s Secret) String() string {
	if s.Reveal() == "" {
		return ""
	}
	return "[secret]"
}
