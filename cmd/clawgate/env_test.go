package main

import (
	"slices"
	"strings"
	"testing"

	gateway "github.com/clawdbot/clawgate/gateway/config"
	sidecar "github.com/clawdbot/clawgate/sidecar/config"
)

func TestOneEnvFileServesBothRoles(t *testing.T) {
	both := []string{
		"CLAWGATE_MODEL=llama3:8b", "CLAWGATE_GATEWAY_LISTEN=:80", "CLAWGATE_GATEWAY_API_KEYS=someone:0123456789abcdef",
		"CLAWGATE_ADMIN_TOKEN=0123456789abcdef", "CLAWGATE_LOG_FORMAT=text",
	}
	one, err := sidecar.Load(both, gateway.Variables()...)
	if err != nil || one.Model != "llama3:8b" || one.LogFormat != sidecar.LogText {
		t.Errorf("the sidecar reads %+v: %v", one, err)
	}
	other, err := gateway.Load(both, sidecar.Variables()...)
	if err != nil || other.Listen != ":80" || other.LogFormat != sidecar.LogText {
		t.Errorf("the gateway reads %+v: %v", other, err)
	}
}

// TestCheckPassesOverTheGatewaysVariables: `clawgate check` runs with the env
// file of both.
func TestCheckPassesOverTheGatewaysVariables(t *testing.T) {
	var stderr strings.Builder
	check(t.Context(), []string{"CLAWGATE_GATEWAY_LISTEN=:80", "CLAWGATE_MODE=x"}, &strings.Builder{}, &stderr)
	if got := stderr.String(); !strings.Contains(got, "CLAWGATE_MODE") || strings.Contains(got, "CLAWGATE_GATEWAY_LISTEN") {
		t.Errorf("check reports %q, want CLAWGATE_MODE alone", got)
	}
}

func TestRolesShareWhatIsAlikeForBothAndNoOther(t *testing.T) {
	var shared []string
	for _, name := range gateway.Variables() {
		if slices.Contains(sidecar.Variables(), name) {
			shared = append(shared, name)
		} else if !strings.HasPrefix(name, "CLAWGATE_GATEWAY_") {
			t.Errorf("%s is the gateway's alone and does not say so", name)
		}
	}
	if want := []string{"CLAWGATE_ADMIN_HOSTS", "CLAWGATE_LOG_LEVEL", "CLAWGATE_LOG_FORMAT"}; !slices.Equal(shared, want) {
		t.Errorf("both roles have %q, want %q", shared, want)
	}
}

func TestRolesDoNotKnowEachOthersSettings(t *testing.T) {
	for packages, never := range map[string]string{
		"./environment":    module + "sidecar/config " + module + "gateway/config",
		"./sidecar/...":    module + "gateway/config",
		"./gateway/config": module + "sidecar/config",
	} {
		for _, dependency := range dependencies(t, packages) {
			if slices.Contains(strings.Fields(never), dependency) {
				t.Errorf("%s depends on %s", packages, dependency)
			}
		}
	}
}
