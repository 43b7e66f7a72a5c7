//go:build e2e

package simulation

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// answers are what a server says while nothing is wrong with it.
func answers() []behaviour {
	loads := []call{chat(`"messages":[]`), generate(`"stream":false`)}
	return []behaviour{
		{"a load", `done_reason:"load"`, sees(loads...)},
		{"a streamed chat", `done_reason:"length"`, sees(chat(hello, brief))},
		{"a whole chat", `content:text`, sees(chat(hello, brief, whole))},
		{"a chat that is not to be thought about", `done:true`, sees(chat(hello, brief, `"think":false`))},
		{"a streamed completion", `done_reason:"length"`, sees(generate(`"prompt":"hello"`, brief))},
		{"a whole completion", `response:text`, sees(generate(`"prompt":"hello"`, brief, whole))},
		{"a streamed answer in OpenAI's form", `data: [DONE]`, sees(openAI(hello, `"max_tokens":3`, `"stream":true`))},
		{"a whole answer in OpenAI's form", `object:"chat.completion"`, sees(openAI(hello, `"max_tokens":3`))},
		{"the lists", `models:[{`, sees(call{path: "/api/tags"}, call{path: "/v1/models"}, call{path: "/api/ps"})},
		{"what it is", `version:text`, sees(call{path: "/api/version"}, call{path: "/"}, call{path: "/no/such/path"})},
		{"what a model is", `modified_at:time`, sees(to("/api/show", model, nil))},
		{"a parameter of the model's own", `num_ctx                        2048`, ownParameter},
		{"a model that is not there", `try pulling it first`, sees(elsewhere("nope")...)},
		{"a call without a body", `missing request body`, sees(empty("/api/chat"), empty("/api/generate"), empty("/api/show"), empty("/v1/chat/completions"))},
		{"a call that is not JSON", `400`, sees(call{path: "/api/chat", body: "{"}, call{path: "/api/generate", body: "]"})},
		{"thoughts that the model does not have", `does not support thinking`, sees(chat(hello, brief, `"think":true`))},
		{"an unload", `models:[]`, unload},
		{"a model to be kept for ever", `in over a century`, expiry(`-1`)},
		{"a model to be kept for a minute", `in a minute`, expiry(`"1m"`)},
		{"options of a runner", `another runner`, runnerOptions},
		{"another name of the model", `a load by the first name: the same runner, listed as [{second:latest}]`, otherName},
		{"a model to be kept for half a second", `done_reason:"unload"`, halfASecond},
	}
}

func empty(path string) call { return call{path: path, empty: true} }

// elsewhere asks every call for a model that is not there.
func elsewhere(model string) (calls []call) {
	for _, path := range []string{"/api/chat", "/api/generate", "/v1/chat/completions", "/api/show", "/api/embed"} {
		calls = append(calls, to(path, model, []string{hello, `"prompt":"hello"`, `"input":"hello"`}))
	}
	return calls
}

// unload: the answer comes before the effect.
func unload(v *visit) string {
	v.load()
	told := v.ask(generate(`"keep_alive":0`)).portrait()
	v.await("the model to be unloaded", func() bool { return len(v.runners(v.T)) == 0 && v.listed() == "[]" })
	return told + "\n" + v.ask(call{path: "/api/ps"}).portrait()
}

// ownParameter gives a copy of the model a parameter and tells the lines of
// /api/show that clients read: the parameter and where the weights are.
func ownParameter(v *visit) string {
	created := v.ask(call{path: "/api/create", body: `{"model":"tuned","from":"` + model + `","parameters":{"num_ctx":2048},"stream":false}`})
	var about struct{ Parameters, Modelfile string }
	shown := v.ask(to("/api/show", "tuned", nil))
	if err := json.Unmarshal([]byte(strings.Join(shown.lines, "")), &about); err != nil {
		v.Fatalf("cannot read what the model is: %v", err)
	}
	told := created.portrait()
	for line := range strings.Lines(about.Parameters + "\n" + about.Modelfile) {
		if strings.HasPrefix(line, "num_ctx") {
			told += "\n" + strings.TrimSpace(line)
		}
		if digest := strings.Index(line, "sha256-"); strings.HasPrefix(line, "FROM ") && digest > 0 {
			told += fmt.Sprintf("\n%sand %d digits", line[:digest], len(strings.TrimSpace(line[digest:])))
		}
	}
	return told
}

// expiry loads the model with a keep_alive and tells how /api/ps puts it.
func expiry(keepAlive string) func(*visit) string {
	return func(v *visit) string {
		v.ask(generate(`"keep_alive":` + keepAlive))
		var running struct {
			Models []struct {
				ExpiresAt time.Time `json:"expires_at"`
			}
		}
		text := strings.Join(v.ask(call{path: "/api/ps"}).lines, "")
		if err := json.Unmarshal([]byte(text), &running); err != nil || len(running.Models) != 1 {
			v.Fatalf("cannot read the loaded model: %v: %s", err, text)
		}
		switch left := time.Until(running.Models[0].ExpiresAt); {
		case left > 100*365*24*time.Hour:
			return "in over a century"
		case left > 50*time.Second && left <= time.Minute:
			return "in a minute"
		default:
			return left.String()
		}
	}
}

// otherName loads the model by a second name and tells who serves the first one, and
// by which name it is listed.
func otherName(v *visit) string {
	v.load()
	v.ask(generate(`"keep_alive":0`))
	v.await("the model to be unloaded", func() bool { return len(v.runners(v.T)) == 0 })
	told := "a copy: " + v.ask(call{path: "/api/copy", body: `{"source":"` + model + `","destination":"second"}`}).portrait()
	v.ask(to("/api/generate", "second", []string{`"keep_alive":-1`}))
	runner := v.onlyRunner()
	for _, asked := range []struct {
		by string
		call
	}{
		{"a load by the first name", generate(`"keep_alive":-1`)}, {"a chat by the first name", chat(hello, brief)},
		{"a load by the second name", to("/api/generate", "second", nil)},
	} {
		v.ask(asked.call)
		by := "the same runner"
		if v.onlyRunner() != runner {
			by = "another runner"
		}
		told += fmt.Sprintf("\n%s: %s, listed as %s", asked.by, by, v.listed())
	}
	v.ask(generate(`"keep_alive":0`))
	v.await("the first name to unload it", func() bool { return len(v.runners(v.T)) == 0 })
	return told + "\nno such name: " + v.ask(call{path: "/api/copy", body: `{"source":"nope","destination":"third"}`}).portrait()
}

// halfASecond is too short to load a model for: less than a second is none at all.
func halfASecond(v *visit) string {
	v.load()
	v.ask(generate(`"keep_alive":0`))
	v.await("the model to be unloaded", func() bool { return len(v.runners(v.T)) == 0 })
	told := v.ask(generate(`"keep_alive":"500ms"`, whole)).portrait()
	return told + fmt.Sprintf("\n%d runners", len(v.runners(v.T)))
}

// runnerOptions asks with one option after the other and tells who answers.
func runnerOptions(v *visit) string {
	v.load()
	var told []string
	asked := func(c call, with string) {
		before := v.onlyRunner()
		if r := v.ask(c); r.status != 200 {
			v.Fatalf("with %s: %s", with, r.portrait())
		}
		by := "the same runner"
		if v.onlyRunner() != before {
			by = "another runner"
		}
		told = append(told, with+": "+by)
	}
	for _, option := range []string{
		`"num_predict":2`, `"seed":5,"temperature":1`, `"num_ctx":1024`, `"num_ctx":1024,"top_k":3`, `"num_batch":256`, `"num_thread":2`,
	} {
		asked(chat(hello, `"options":{`+option+`,"num_predict":1}`), option)
	}
	asked(openAI(hello, `"max_tokens":1`, `"options":{"num_thread":2}`), "what OpenAI's form ignores")
	asked(openAI(hello, `"max_tokens":1`), "none")
	return strings.Join(told, "\n")
}
