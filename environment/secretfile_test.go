package environment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/environment"
)

func fromFile(t *testing.T, content string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := role.Load([]string{"CLAWGATE_THING_PASSWORD_FILE=" + file}, nil)
	return s.Password.Reveal(), err
}

func TestWhatAnEditorAddsToASecretIsRemoved(t *testing.T) {
	for _, content := range []string{"s3cret", "s3cret\n", "s3cret\r\n", "\ufeffs3cret\r\n", " s3cret\t\r\n\r\n", "\ufeff\r\ns3cret"} {
		if secret, err := fromFile(t, content); err != nil || secret != "s3cret" {
			t.Errorf("%q gives %q: %v", content, secret, err)
		}
	}
}

func TestAFileThatHoldsNoSecretIsNamed(t *testing.T) {
	for content, want := range map[string]string{
		"\xff\xfes\x003\x00": "of CLAWGATE_THING_PASSWORD_FILE is UTF-16; save it as UTF-8",
		"\xfe\xff\x00s\x003": "of CLAWGATE_THING_PASSWORD_FILE is UTF-16; save it as UTF-8",
		"s\x003\x00":         "of CLAWGATE_THING_PASSWORD_FILE holds zero bytes, as UTF-16 does; save it as UTF-8",
		"\ufeff\r\n":         "of CLAWGATE_THING_PASSWORD_FILE is empty",
	} {
		if _, err := fromFile(t, content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v", content, err)
		}
	}
	for file, want := range map[string]string{
		"/dev/zero":   `CLAWGATE_THING_PASSWORD: cannot read the file of CLAWGATE_THING_PASSWORD_FILE: "/dev/zero" is a device; it must be a regular file, or a link to one`,
		os.TempDir():  "is a folder; it must be a regular file",
		"/nobody/has": "cannot read the file of CLAWGATE_THING_PASSWORD_FILE",
	} {
		if _, err := role.Load([]string{"CLAWGATE_THING_PASSWORD_FILE=" + file}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", file, err)
		}
	}
	if secret, err := fromFile(t, strings.Repeat("x", 1<<20)); err != nil || len(secret) != 1<<20 {
		t.Errorf("a file of 1 MiB gives %d bytes: %v", len(secret), err)
	}
	if _, err := fromFile(t, strings.Repeat("x", 1<<20+1)); err == nil || !strings.Contains(err.Error(), "is larger than 1MiB") {
		t.Errorf("a larger one gives %.200v", err)
	}
}

func TestWhatCannotStandInASecretIsNamedAndNothingElse(t *testing.T) {
	const good = "0123456789abcdef"
	for secret, want := range map[string]string{
		good:                  "",
		"!~" + good:           "",
		good[1:]:              "at least 16 characters",
		"":                    "at least 16 characters",
		good + " x":           "a space",
		good + "\tx":          "a tab",
		good + "\nx":          "a line break",
		good + "\r":           "a carriage return",
		"\ufeff" + good:       "a byte order mark (U+FEFF)",
		good + "\u200b":       "one that cannot be seen (U+200B)",
		good + "\u00a0":       "one that cannot be seen (U+00A0)",
		good + "\x00":         "one that cannot be seen (U+0000)",
		good + "\xff":         "one that cannot be seen (U+FFFD)",
		good + "é":            "one that is not ASCII",
		"hunter2":             "at least 16 characters",
		"hunter2 " + good[8:]: "a space",
	} {
		err := environment.CheckSecret(secret, len(good))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q gives %v, want %q", secret, err, want)
		}
	}
}
