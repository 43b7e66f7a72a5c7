package gateway

import (
	"strings"
	"testing"
)

func TestNoHeaderHidesABodyFromThePolicy(t *testing.T) {
	const (
		unload = `{"model":"m","keep_alive":0}`
		remote = `{"model":"gpt-oss:120b-cloud","messages":[]}`
	)
	for _, header := range []string{"identity", "utf-8", "x-unknown", "gzip", "zstd", "br", "gzip, identity"} {
		inWorld(t, []string{"CLAWGATE_GATEWAY_PIN_OPTIONS=true"}, func(w *world) {
			for body, want := range map[string]int{
				unload: 403, " \n" + unload: 403, unload + "\x1f\x8b": 403, remote: 403, chatBody: 200,
				`["m"]`: 200, "": 200, // Ollama says what is wrong with it
				"\x1f\x8b" + unload: 415, "\x28\xb5\x2f\xfd" + remote: 415,
			} {
				if got := w.do("POST", "/api/chat", body, "Content-Encoding", header); got.status != want {
					t.Errorf("%q called %s: %d %s, want %d", body, header, got.status, got.body, want)
				}
			}
			w.do("POST", "/api/chat", `{"model":"m","options":{"num_ctx":65536,"seed":1}}`, "Content-Encoding", header)
			if sent, body := w.last(); body != `{"model":"m","options":{"seed":1}}` || sent.Header.Get("Content-Encoding") != header {
				t.Errorf("called %s: sent as %q %s", header, sent.Header["Content-Encoding"], body)
			}
		})
		inWorld(t, []string{"CLAWGATE_GATEWAY_MAX_BODY_BYTES=1KiB"}, func(w *world) {
			if got := w.do("POST", "/api/chat", chatBody+strings.Repeat(" ", 1<<10), "Content-Encoding", header); got.status != 413 {
				t.Errorf("too large, called %s: %d", header, got.status)
			}
		})
	}
}
