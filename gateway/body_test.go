package gateway

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPinnedOptionsAreDropped(t *testing.T) {
	const pin = "CLAWGATE_GATEWAY_PIN_OPTIONS=true"
	inWorld(t, []string{pin}, func(w *world) {
		for body, want := range map[string]string{
			`{"model":"m","keep_alive":"24h","shift":false,"options":{"num_ctx":65536,"draft_num_predict":9,"seed":1},"think":true}`: `{"model":"m","options":{"seed":1},"think":true}`,
			`{"model":"m","keep_alive":1}`:  `{"model":"m"}`,
			`{"model":"m","keep_alive":-1}`: `{"model":"m"}`,
		} {
			w.do("POST", "/api/chat", body)
			if sent, got := w.last(); got != want || sent.ContentLength != int64(len(got)) {
				t.Errorf("%d %s", sent.ContentLength, got)
			}
		}
		if got := w.do("POST", "/api/chat", `{"model":"m","keep_alive":0}`); got.status != 403 {
			t.Errorf("an unload: %+v", got)
		}
	})
	inWorld(t, []string{pin, "CLAWGATE_GATEWAY_ALLOW=inference,manage"}, func(w *world) {
		const unload = `{"model":"m","keep_alive":0}`
		if got := w.do("POST", "/api/chat", unload); got.status != 200 {
			t.Errorf("%+v", got)
		}
		if _, body := w.last(); body != unload { // without it the model would be loaded
			t.Errorf("%s", body)
		}
	})
}

// The values are those of package policy's test; here it is what is sent on.
func TestAShortKeepAliveUnloadsNothing(t *testing.T) {
	const main = `"model":"qwen3:32b","keep_alive_ms":1800000`
	for name, c := range map[string]struct {
		says, allow, path string
		body, want        string // what comes, and what is sent on; "" for the same
	}{
		"the main model's is dropped":      {main, "", "/api/chat", `{"model":"qwen3:32b","keep_alive":"5m"}`, `{"model":"qwen3:32b"}`},
		"by any of its names":              {main, "", "/api/chat", `{"model":" QWEN3:32b:local","keep_alive":1,"keep_alive":2}`, `{"model":" QWEN3:32b:local"}`},
		"not if it is long enough":         {main, "", "/api/chat", `{"model":"qwen3:32b","keep_alive":1800}`, ""},
		"ollama run --keepalive 30m":       {main, "", "/api/generate", `{"model":"qwen3:32b","prompt":"","keep_alive":"30m0s","options":{}}`, ""},
		"ollama run":                       {main, "", "/api/generate", `{"model":"qwen3:32b","prompt":"","options":{}}`, ""},
		"Home Assistant's":                 {main, "", "/api/chat", `{"model":"qwen3:32b","keep_alive":-1}`, ""},
		"Open WebUI's":                     {main, "", "/api/chat", `{"model":"qwen3:32b","keep_alive":"5m"}`, `{"model":"qwen3:32b"}`},
		"another model's is raised":        {main, "", "/api/embed", `{"model":"m","input":"x","keep_alive":10}`, `{"model":"m","input":"x","keep_alive":10,"keep_alive":"5m0s"}`},
		"and what follows stays":           {main, "", "/api/chat", `{"model":"m","keep_alive":"1s"} x`, `{"model":"m","keep_alive":"1s","keep_alive":"5m0s"} x`},
		"not if it is long enough, either": {main, "", "/api/chat", `{"model":"m","keep_alive":"5m"}`, ""},
		"one that Ollama refuses":          {main, "", "/api/chat", `{"model":"m","keep_alive":"1"}`, ""},
		"without a model":                  {main, "", "/api/chat", `{"keep_alive":1}`, ""},
		"a main model for ever":            {`"model":"qwen3:32b","keep_alive_ms":-1`, "", "/api/chat", `{"model":"qwen3:32b","keep_alive":"24h"}`, `{"model":"qwen3:32b"}`},
		"an older sidecar's":               {`"model":"qwen3:32b"`, "", "/api/chat", `{"model":"qwen3:32b","keep_alive":"24h"}`, `{"model":"qwen3:32b"}`},
		"as long as nothing is known":      {`"slots":1`, "", "/api/chat", `{"model":"m","keep_alive":"24h"}`, `{"model":"m"}`},
		"who may manage":                   {main, "inference,manage", "/api/chat", `{"model":"qwen3:32b","keep_alive":1}`, ""},
		"/v1 has none":                     {main, "", "/v1/chat/completions", `{"model":"m","keep_alive":1}`, ""},
	} {
		environ := []string{}
		if c.allow != "" {
			environ = append(environ, "CLAWGATE_GATEWAY_ALLOW="+c.allow)
		}
		inWorld(t, environ, func(w *world) {
			close(w.hold)
			w.says.Store(c.says)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := w.do("POST", c.path, c.body); got.status != 200 {
				t.Errorf("%s: %+v", name, got)
			}
			if c.want == "" {
				c.want = c.body
			}
			if sent, body := w.last(); body != c.want || sent.ContentLength != int64(len(body)) {
				t.Errorf("%s: %d %s, want %s", name, sent.ContentLength, body, c.want)
			}
		})
	}
}

func TestRemoteModelsNeedLeave(t *testing.T) {
	const form = "--b\r\nContent-Disposition: form-data; name=model\r\n\r\nx:cloud\r\n--b--\r\n"
	requests := []struct {
		name, method, path, body string
		headers                  []string
	}{
		{"a chat", "POST", "/api/chat", `{"model":"gpt-oss:120b-cloud","messages":[]}`, nil},
		{"a completion", "POST", "/v1/chat/completions", `{"model":" gpt-oss:120b:Cloud "}`, nil},
		{"vectors", "POST", "/v1/embeddings", `{"model":"x:cloud"}`, nil},
		{"called encoded", "POST", "/v1/messages", `{"model":"x:cloud"}`, []string{"Content-Encoding", "zstd"}},
		{"one of two names", "POST", "/v1/responses", `{"model":"x:cloud","MODEL":"m"}`, nil},
		{"after blanks", "POST", "/v1/completions", strings.Repeat(" ", 8<<20) + `{"model":"x:cloud"}`, nil},
		{"a name without end", "POST", "/api/chat", `{"model":"` + strings.Repeat(" ", 1<<20) + `x:cloud"}`, nil},
		{"a form", "POST", "/v1/audio/transcriptions", form, []string{"Content-Type", "multipart/form-data; boundary=b"}},
		{"what it is", "POST", "/api/show", `{"name":"x:cloud"}`, nil},
		{"what it is, by path", "GET", "/v1/models/x:cloud", "", nil},
	}
	inWorld(t, nil, func(w *world) {
		for _, r := range requests {
			if got := w.do(r.method, r.path, r.body, r.headers...); got.status != 403 || !strings.Contains(got.body, "add remote to CLAWGATE_GATEWAY_ALLOW") {
				t.Errorf("%s: %+v", r.name, got)
			}
		}
		if got := w.do("POST", "/v1/chat/completions", "\x28\xb5\x2f\xfd", "Content-Encoding", "zstd"); got.status != 415 {
			t.Errorf("one that cannot be read: %+v", got)
		}
		if got := w.do("POST", "/v1/audio/transcriptions", "x"); got.status != 415 {
			t.Errorf("no form: %+v", got)
		}
		if len(w.paths()) != 0 {
			t.Errorf("reached %v", w.paths())
		}
		for _, body := range []string{`{"model":"my-cloud"}`, `{"model":"x:cloudy"}`, `{"model":`} { // the last is Ollama's to refuse
			if got := w.do("POST", "/v1/chat/completions", body); got.status != 200 {
				t.Errorf("%s: %+v", body, got)
			}
		}
	})
	inWorld(t, []string{"CLAWGATE_GATEWAY_ALLOW=inference,inspect,remote"}, func(w *world) {
		for _, r := range requests {
			if got := w.do(r.method, r.path, r.body, r.headers...); got.status != 200 {
				t.Errorf("%s: %+v", r.name, got)
			}
		}
	})
}
