//go:build e2e

package chat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/e2e/parts"
	"github.com/clawdbot/clawgate/e2e/tinymodel"
)

// The whole product: the page, the gateway, a sidecar, and a real Ollama whose
// server freezes, so that nothing but a restart helps. The page shows no error:
// it waits, and sends by itself when the model answers again.
func TestPageWaitsForARealRecovery(t *testing.T) {
	project := parts.NewProject(t, parts.DebianCompose, []string{"compose/compose.yaml"}, map[string]string{
		"CLAWGATE_PULL": "false", "CLAWGATE_GPU": "off", "CLAWGATE_STOP_TIMEOUT": "15s",
		"CLAWGATE_READY_INTERVAL": "10s", "CLAWGATE_RECHECK_INTERVAL": "1s",
	})
	project.Up(t)
	ollama := project.Server(t)
	ollama.AwaitUp(t)
	parameters := tinymodel.Parameters()
	parameters["num_predict"], parameters["num_thread"] = 20, 1 // or it would babble for minutes
	ollama.CreateModelWith(t, parts.Model, tinymodel.Config{}, map[string]any{"parameters": parameters})
	door := project.Door(t)
	awaitDoor(t, door, true)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", project.Gateway.Logs(t))
		}
	})

	b := open(t, door, "zh-CN")
	b.write("hello")
	b.await(`document.querySelectorAll('.answer').length === 1`)
	b.idle()

	project.Ollama.Server(t).Freeze(t)
	awaitDoor(t, door, false)
	b.write("again")
	b.awaitText("#status", "服务正在恢复,请稍候")
	if b.countdown() > 60 {
		t.Error("the countdown is longer than any that the sidecar names")
	}
	if shown := b.text("body"); strings.Contains(shown, "503") || strings.Contains(shown, "wedged") {
		t.Errorf("a raw error is shown:\n%s", shown)
	}
	b.await(`document.querySelectorAll('.answer').length === 2`)
	b.idle()
	awaitDoor(t, door, true)
}

// awaitDoor waits until the gateway says that it would serve a request, or not.
func awaitDoor(t *testing.T, door string, ready bool) {
	t.Helper()
	parts.Await(t, time.Minute, "the gateway to be ready or not", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, door+"/-/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return (response.StatusCode == http.StatusOK) == ready
	})
}
