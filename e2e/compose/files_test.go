// Package compose tests the product's Dockerfile and compose files: with both
// generations of Compose, on the real engine.
package compose

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/sidecar/config"
)

// TestEveryVariableOfTheSidecarIsPassed keeps compose.yaml and the code equal:
// a variable that is not listed there cannot be set in .env.
func TestEveryVariableOfTheSidecarIsPassed(t *testing.T) {
	var table strings.Builder
	if err := config.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	want := words("(?m)^\\| `(CLAWGATE_[A-Z_]+)`", table.String())
	want = append(want, "CLAWGATE_ADMIN_TOKEN_FILE") // the secret as a file
	slices.Sort(want)

	passed := words(`(?m)^      - (CLAWGATE_[A-Z_]+)$`, read(t, "../../compose/compose.yaml"))
	slices.Sort(passed)
	if !slices.Equal(passed, want) {
		t.Errorf("compose.yaml passes\n%q\nthe sidecar knows\n%q", passed, want)
	}
}

// TestSettingsHoldNoSecret guards the one settings file that is tracked.
func TestSettingsHoldNoSecret(t *testing.T) {
	for _, name := range words(`(?m)^([A-Z_]+)=`, read(t, "../../.env")) {
		for _, secret := range []string{"TOKEN", "KEY", "PASSWORD", "NOTIFY"} {
			if strings.Contains(name, secret) && !strings.HasSuffix(name, "_FILE") && name != "CLAWGATE_KEEP_ALIVE" {
				t.Errorf(".env sets %s; a secret belongs in a file under secrets/", name)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func words(pattern, text string) []string {
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}
