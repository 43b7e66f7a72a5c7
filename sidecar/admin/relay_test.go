package admin

import (
	"net/http"
	"slices"
	"testing"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/relay"
)

// The relay counts here.
var _ relay.Metrics = (*Metrics)(nil)

func TestTheRoutesThatExistFromTheStartAreOllamasInferenceRoutes(t *testing.T) {
	routes := inferenceRoutes()
	want := []string{
		"/api/chat", "/api/generate", "/api/embed", "/api/embeddings",
		"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages",
	}
	if !slices.Equal(routes, want) {
		t.Errorf("%q, want %q", routes, want)
	}
	for _, route := range routes {
		if found := ollama.RouteOf(http.MethodPost, route); !found.Inference || found.Name != route {
			t.Errorf("%s is %+v, want an inference route of that name", route, found)
		}
	}
}
