//go:build e2e

package recovery

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
)

// The sidecar dies under a stream that has begun.
func TestAStreamThatIsCutIsTold(t *testing.T) {
	s := shared(t, nil)
	long := ask(t, parts.Chat{URL: s.door, Model: parts.Model, Tokens: 100_000})
	long.begun(t, 30*time.Second)
	s.Sidecar.Server(t).Kill(t)
	answer := long.end(t, 10*time.Second)
	if answer.Clean || answer.Done || !strings.Contains(answer.ErrorLine, "the relay in front of Ollama went away") {
		t.Errorf("the client saw %s", answer)
	}
	parts.Await(t, time.Minute, "the door to be ready again", func() bool {
		status, _, err := get(t.Context(), s.door+"/-/ready") // the sidecar's own port is another now
		return err == nil && status == http.StatusOK
	})
}
