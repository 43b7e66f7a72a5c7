package admin

import (
	"net/http"
	"testing"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/relay"
)

// The relay counts here.
var _ relay.Metrics = (*Metrics)(nil)

func TestTheRoutesThatExistFromTheStartAreOllamasInferenceRoutes(t *testing.T) {
	for _, route := range inferenceRoutes {
		if found := ollama.RouteOf(http.MethodPost, route); !found.Inference || found.Name != route {
			t.Errorf("%s is %+v, want an inference route of that name", route, found)
		}
	}
}
