package config_test

import (
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/sidecar/config"
)

func TestThereAreMoreConnectionsThanRequests(t *testing.T) {
	for requests, right := range map[string]bool{"0": true, "99": true, "100": false, "101": false} {
		_, err := config.Load([]string{"CLAWGATE_MAX_CONNECTIONS=100", "CLAWGATE_MAX_REQUESTS=" + requests})
		if (err == nil) != right || err != nil && !strings.Contains(err.Error(), "CLAWGATE_MAX_CONNECTIONS, CLAWGATE_MAX_REQUESTS: there must be more connections than requests") {
			t.Errorf("%s requests: %v", requests, err)
		}
	}
}
