package environment

import (
	"bytes"
	"fmt"

	"github.com/clawdbot/clawgate/smallfile"
)

// maxSecretFile bounds the file of a secret, in bytes: some ten thousand keys.
const maxSecretFile = 1 << 20

// readSecret reads the file that the variable names. What an editor may have put
// around the secret goes: a byte order mark, blanks, ends of lines.
func readSecret(variable, file string) (string, error) {
	content, err := smallfile.Read(file, maxSecretFile)
	if err != nil {
		return "", fmt.Errorf("cannot read the file of %s: %w", variable, err)
	}
	if bytes.HasPrefix(content, []byte{0xff, 0xfe}) || bytes.HasPrefix(content, []byte{0xfe, 0xff}) {
		return "", fmt.Errorf("the file %q of %s is UTF-16; save it as UTF-8", file, variable)
	}
	if bytes.IndexByte(content, 0) >= 0 {
		return "", fmt.Errorf("the file %q of %s holds zero bytes, as UTF-16 does; save it as UTF-8", file, variable)
	}
	text := bare(string(content))
	if text == "" {
		return "", fmt.Errorf("the file %q of %s is empty", file, variable)
	}
	return text, nil
}

// CheckSecret says what keeps secret from being sent in a header, or from being
// hard to guess: it has at least so many characters, all of them printable ASCII
// and none a space. The error names a character that cannot be seen, and gives
// away no other.
func CheckSecret(secret string, least int) error {
	for _, character := range secret {
		if character <= ' ' || character > '~' {
			return fmt.Errorf("must be printable ASCII characters without white space, and holds %s", nameOf(character))
		}
	}
	if len(secret) < least {
		return fmt.Errorf("must be at least %d characters long; `openssl rand -hex 32` makes a good one", least)
	}
	return nil
}
