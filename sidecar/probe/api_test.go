package probe

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func wants(model string) APISpec {
	return APISpec{Path: "/api/tags", Status: 200, Model: model, Timeout: 5 * time.Second}
}

func TestTheAPIProbeLooksForTheModelInAnySpelling(t *testing.T) {
	for name, missing := range map[string]bool{
		"qwen3:32b": false, "llama3": false, "llama3:latest": false, "QWEN3:32B": false, "library/Qwen3:32b": false,
		"registry.ollama.ai/library/llama3": false, "llama3:local": false,
		"qwen3": true, "qwen3:32": true, "me/qwen3:32b": true, "qwen3:32b:32b": true, "": true,
	} {
		inWorld(t, func(w *world) {
			result, list := API(w.Context(), w.client, wants(name))
			if result.Missing != missing || (result.Outcome == evidence.Success) == missing || !result.Answered || result.Probe != evidence.ProbeAPI {
				t.Errorf("%q: %+v", name, result)
			}
			if missing && !strings.Contains(result.Reason, `"`+name+`"`) {
				t.Errorf("%q: %q does not name it", name, result.Reason)
			}
			if names := Names(list); !slices.Equal(names, []string{"qwen3:32b", "llama3:latest"}) {
				t.Errorf("listed %q", names)
			}
		})
	}
}

func TestAListedModelThatAnotherMachineRuns(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tags = says(200, `{"models":[{"name":"far","size":384,"remote_host":"https://ollama.com:443","remote_model":"far"},
			{"name":"near","size":7},{"name":"empty","size":7,"remote_host":""},{"name":"null","size":7,"remote_host":null}]}`)
		_, list := API(w.Context(), w.client, wants("near"))
		want := []watch.Listed{{Name: "far", Bytes: 384, Remote: true}, {Name: "near", Bytes: 7}, {Name: "empty", Bytes: 7}, {Name: "null", Bytes: 7}}
		if !slices.Equal(list, want) {
			t.Errorf("listed %+v, want %+v", list, want)
		}
	})
}

func TestAnAPIThatAnswersOddly(t *testing.T) {
	for name, c := range map[string]struct {
		tags  http.HandlerFunc
		words string
	}{
		"another status": {says(502, "<html>bad gateway</html>"), "answered 502 instead of 200"},
		"a redirect":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, "answered 302"},
		"no JSON":        {says(200, "Ollama is running"), "no list of models"},
		"half of it":     {says(200, `{"models":[{"na`), "no list of models"},
		"nothing":        {says(200, ""), "no list of models"},
		"no models":      {says(200, `{"data":[]}`), `no field "models"`},
		"null models":    {says(200, `{"models":null}`), `no field "models"`},
		"another type":   {says(200, `{"models":{"name":"qwen3:32b"}}`), "no list of models"},
		"10 MB":          {says(200, `{"models":[{"name":"`+strings.Repeat("x", 10<<20)+`"}]}`), "no list of models"},
	} {
		inWorld(t, func(w *world) {
			w.tags = c.tags
			result, names := API(w.Context(), w.client, wants(model))
			if result.Outcome != evidence.Failure || !result.Answered || result.Missing || result.Refused || names != nil {
				t.Errorf("%s: %+v, %d names", name, result, len(names))
			}
			if !strings.Contains(result.Reason, c.words) || len(result.Reason) > 300 {
				t.Errorf("%s: says %.300q, want %q", name, result.Reason, c.words)
			}
		})
	}
}

func TestAnEmptyListLacksTheModel(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tags = says(200, `{"models":[]}`)
		if result, _ := API(w.Context(), w.client, wants(model)); !result.Missing || !result.Answered {
			t.Errorf("%+v", result)
		}
	})
}

func TestAnAPIThatIsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		tags  http.HandlerFunc
		took  time.Duration
		words string
	}{
		"from the start":   {never, 5 * time.Second, "no answer within 5s"},
		"after the header": {func(w http.ResponseWriter, r *http.Request) { _ = http.NewResponseController(w).Flush(); never(w, r) }, 5 * time.Second, "no answer within 5s"},
		"cut off":          {cutAfter(`{"models":[`), 0, "EOF"},
	} {
		inWorld(t, func(w *world) {
			w.tags = c.tags
			result, _ := API(w.Context(), w.client, wants(model))
			if result.Outcome != evidence.Failure || result.Answered || result.Took != c.took || !strings.Contains(result.Reason, c.words) {
				t.Errorf("%s: %+v", name, result)
			}
		})
	}
}

func TestAnAPIThatCannotBeReached(t *testing.T) {
	for err, unresolved := range map[error]bool{errRefused: false, &net.DNSError{Err: "no such host", Name: "ollama"}: true} {
		inWorld(t, func(w *world) {
			w.dialErr = err
			result, _ := API(w.Context(), w.client, wants(model))
			if result.Outcome != evidence.Failure || !result.Refused || result.Unresolved != unresolved || result.Answered {
				t.Errorf("%v: %+v", err, result)
			}
		})
	}
}
