// Package compose tests the product's Dockerfile and compose files: with both
// generations of Compose, on the real engine.
package compose

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	gateway "github.com/clawdbot/clawgate/gateway/config"
	sidecar "github.com/clawdbot/clawgate/sidecar/config"
)

const composeFile = "../../compose/compose.yaml"

// The next two keep compose.yaml and the code equal: a variable that is not
// listed there cannot be set in .env.

func TestEveryVariableOfTheSidecarIsPassed(t *testing.T) {
	passes(t, "sidecar", sidecar.Variables())
}

func TestEveryVariableOfTheGatewayIsPassed(t *testing.T) {
	passes(t, "gateway", gateway.Variables())
}

func passes(t *testing.T, service string, want []string) {
	t.Helper()
	passed := words(`(?m)^      - (CLAWGATE_[A-Z_]+)$`, serviceText(t, service))
	slices.Sort(passed)
	slices.Sort(want)
	if !slices.Equal(passed, want) {
		t.Errorf("compose.yaml passes\n%q\nthe %s knows\n%q", passed, service, want)
	}
}

// serviceText is what compose.yaml says of one service.
func serviceText(t *testing.T, service string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, composeFile), "\n  "+service+":\n")
	if !found {
		t.Fatalf("compose.yaml has no service %q", service)
	}
	if next := regexp.MustCompile(`(?m)^ {0,2}[a-z]`).FindStringIndex(text); next != nil {
		return text[:next[0]]
	}
	return text
}

// A package that the image's build does not get fails it on the user's machine.
func TestEveryPackageGoesIntoTheImage(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}", "./cmd/clawgate")
	list.Dir = "../.."
	packages, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := words(`(?m)^!([a-z]+)$`, read(t, "../../.dockerignore"))
	for _, folder := range words(`(?m)^github\.com/clawdbot/clawgate/([a-z0-9]+)`, string(packages)) {
		if !slices.Contains(allowed, folder) {
			t.Errorf(".dockerignore leaves %s out", folder)
		}
	}
}

// The gateway is what strangers reach: it must not be able to read the token of
// the sidecar's operator.
func TestEachServiceReadsItsOwnSecretsOnly(t *testing.T) {
	for _, service := range []string{"gateway", "sidecar"} {
		mounted := words(`(?m)^      - \.\./(secrets\S*)$`, serviceText(t, service))
		if want := "secrets/" + service + ":/run/secrets:ro"; !slices.Equal(mounted, []string{want}) {
			t.Errorf("the %s mounts %q, want %q", service, mounted, want)
		}
		// A folder that is not there would be made by the engine, owned by root.
		read(t, "../../secrets/"+service+"/.gitkeep")
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
