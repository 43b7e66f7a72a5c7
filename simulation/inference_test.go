package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/simulation"
)

const hello = `{"model":"qwen3:32b","messages":[{"role":"user","content":"hello"}]`

func chat(options string) string { return hello + options + "}" }

func TestChatLoadsStreamsAndCounts(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		began := time.Now()
		status, lines := v.ask("/api/chat", chat(`,"options":{"num_predict":5}`))
		v.within("load and five tokens", time.Since(began), 2*time.Second+100*time.Millisecond+4*20*time.Millisecond)
		if status != 200 || len(lines) != 6 {
			v.Fatalf("status %d and %d lines, want 200 and 6: %q", status, len(lines), lines)
		}
		var first, last struct {
			Message       struct{ Content string }
			Done          bool
			DoneReason    string        `json:"done_reason"`
			EvalCount     int           `json:"eval_count"`
			EvalDuration  time.Duration `json:"eval_duration"`
			LoadDuration  time.Duration `json:"load_duration"`
			TotalDuration time.Duration `json:"total_duration"`
		}
		v.must(json.Unmarshal([]byte(lines[0]), &first))
		v.must(json.Unmarshal([]byte(lines[5]), &last))
		if first.Message.Content == "" || first.Done {
			v.Errorf("the first chunk is %s", lines[0])
		}
		if !last.Done || last.DoneReason != "length" || last.EvalCount != 5 || last.TotalDuration != time.Since(began) {
			v.Errorf("the last chunk is %s", lines[5])
		}
		v.within("the load", last.LoadDuration, 2*time.Second)
		v.within("the tokens", last.EvalDuration, 4*20*time.Millisecond)

		models := v.ps()
		if len(models) != 1 || models[0].Name != qwen || models[0].Size != 20*gib || models[0].SizeVRAM != 20*gib {
			v.Errorf("loaded are %+v", models)
		}
	})
}

func TestAnswersFollowTheRequest(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		for _, test := range []struct {
			path, body string
			status     int
			want       string // in the first line
		}{
			{"/api/chat", `{"model":"qwen3:32b","messages":[]}`, 200, `"done_reason":"load"`},
			{"/api/chat", `{"model":"qwen3:32b","messages":[],"keep_alive":0}`, 200, `"done_reason":"unload"`},
			{"/api/generate", `{"model":"qwen3:32b"}`, 200, `"done_reason":"load"`},
			{"/api/generate", `{"model":"qwen3:32b","prompt":"a","stream":false}`, 200, `"eval_count":32`},
			{"/api/chat", chat(`,"think":false`), 200, `"content":"`},
			{"/api/chat", chat(`,"think":true,"options":{"num_predict":4}`), 200, `"thinking":"`},
			{"/api/chat", `{"model":"llama3:8b","messages":[{}],"think":true}`, 400, `{"error":"registry.ollama.ai/library/llama3:8b does not support thinking. Pull `},
			{"/api/chat", `{"model":"nope","messages":[{}]}`, 404, `{"error":"model \"nope\" not found, try pulling it first"}`},
			{"/api/generate", `{"model":"nope"}`, 404, `{"error":"model 'nope' not found"}`},
			{"/api/embed", `{"model":"nope","input":"a"}`, 404, `{"error":"model \"nope\" not found, try pulling it first"}`},
			{"/api/chat", `{"model":`, 400, `unexpected EOF`},
			{"/api/chat", ``, 400, `missing request body`},
			{"/api/chat", chat(`,"keep_alive":"soon"`), 400, `invalid duration`},
			{"/api/embed", `{"model":"qwen3:32b","input":"a"}`, 200, `"embeddings":[[0.6,0.8]]`},
			{"/api/embeddings", `{"model":"qwen3:32b","prompt":"a"}`, 200, `"embedding":[0.6,0.8]`},
			{"/api/show", `{"model":"qwen3:32b"}`, 200, `"capabilities":["completion","thinking"]`},
			{"/api/show", `{"model":"nope"}`, 404, `{"error":"model 'nope' not found"}`},
			{"/api/nothing", `{}`, 404, `404 page not found`},
			{"/v1/chat/completions", chat(``), 200, `"object":"chat.completion"`},
			{"/v1/chat/completions", chat(`,"stream":true`), 200, `data: {"choices":[{"delta":{"content":"`},
			{"/v1/chat/completions", `{"model":"nope","messages":[{}]}`, 404, `"type":"api_error"`},
			{"/v1/chat/completions", ``, 400, `{"error":{"code":null,"message":"EOF","param":null,"type":"invalid_request_error"}}`},
		} {
			status, lines := v.ask(test.path, test.body)
			if status != test.status || len(lines) == 0 || !strings.Contains(lines[0], test.want) {
				v.Errorf("%s %s: %d %q, want %d and %s", test.path, test.body, status, lines, test.status, test.want)
			}
		}
		for path, want := range map[string]string{
			"/": "Ollama is running", "/api/version": `{"version":"0.9.6"}`, "/api/tags": `"name":"qwen3:32b"`, "/v1/models": `"id":"qwen3:32b"`,
		} {
			if got := v.get(path); !strings.Contains(got, want) {
				v.Errorf("GET %s: %s, want %s in it", path, got, want)
			}
		}
	})
}

func TestServerSentEventsEndWithDone(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		_, lines := v.ask("/v1/chat/completions", chat(`,"stream":true,"max_tokens":3`))
		if len(lines) != 5 || lines[4] != "data: [DONE]" {
			v.Errorf("the events are %q", lines)
		}
	})
}

func TestLoadEndsWithTheRequestThatWantedIt(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		ctx, leave := context.WithTimeout(v.Context(), time.Second)
		defer leave()
		answer := <-v.background(ctx, "/api/chat", chat(""))
		if len(answer) != 1 || !strings.HasPrefix(answer[0], "failed") {
			v.Fatalf("the client that left got %q", answer)
		}
		time.Sleep(time.Second)
		if runners := v.runners(); len(runners) != 0 {
			v.Errorf("the load goes on: %v", runners)
		}
		began := time.Now()
		v.ask("/api/chat", `{"model":"qwen3:32b","messages":[]}`)
		v.within("the next load", time.Since(began), 2*time.Second)
	})
}

func TestRequestsWaitForASlot(t *testing.T) {
	for parallel, want := range map[int]time.Duration{1: 4 * time.Second, 2: 2 * time.Second} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			config := usual()
			config.Parallel = parallel
			inWorld(t, config, func(v *visit) {
				v.ask("/api/chat", `{"model":"qwen3:32b","messages":[]}`)
				began := time.Now()
				one := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":96}`))
				two := v.background(v.Context(), "/api/chat", chat(`,"options":{"num_predict":96}`))
				<-one
				<-two
				v.within("two answers", time.Since(began), want)
			})
		})
	}
}

func TestOtherRunnerOptionsStartANewRunner(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		pid := func(path, options string) int {
			if status, lines := v.ask(path, chat(options)); status != 200 {
				v.Fatalf("status %d: %q", status, lines)
			}
			return v.runners()[0].PID
		}
		plain := pid("/api/chat", "")
		if got := pid("/api/chat", `,"options":{"num_predict":2,"seed":7,"temperature":1}`); got != plain {
			v.Error("sampling options started a new runner")
		}
		wide := pid("/api/chat", `,"options":{"num_ctx":8192}`)
		if wide == plain {
			v.Error("another num_ctx kept the runner")
		}
		if command := v.runners()[0].Command; !strings.Contains(command, "--ctx-size 8192 --batch-size 512") {
			v.Errorf("the runner's command is %s", command)
		}
		if pid("/v1/chat/completions", `,"options":{"num_ctx":8192}`) == wide {
			v.Error("/v1 heeded options")
		}

		v.ask("/api/create", `{"model":"qwen3:32b","from":"qwen3:32b","parameters":{"num_ctx":8192},"stream":false}`)
		if _, lines := v.ask("/api/show", `{"model":"qwen3:32b"}`); !strings.Contains(lines[0], `num_ctx                        8192`) {
			v.Errorf("the model's own parameters are not shown: %s", lines[0])
		}
		if pid("/api/chat", "") != pid("/v1/chat/completions", "") {
			v.Error("with the model's own parameters /api and /v1 have different runners")
		}
	})
}

func TestKeepAliveUnloads(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		load := func(keepAlive string) {
			v.ask("/api/generate", `{"model":"qwen3:32b"`+keepAlive+`}`)
		}
		load("")
		if models := v.ps(); len(models) != 1 || !models[0].ExpiresAt.After(time.Now().Add(4*time.Minute)) {
			v.Errorf("loaded are %+v", models)
		}
		time.Sleep(5*time.Minute + time.Second)
		if models := v.ps(); len(models) != 0 {
			v.Errorf("after the keep-alive there are %+v", models)
		}
		load(`,"keep_alive":-1`)
		time.Sleep(48 * time.Hour)
		if models := v.ps(); len(models) != 1 {
			v.Error("a keep-alive for ever ran out")
		}
		load(`,"keep_alive":"30s"`)
		time.Sleep(31 * time.Second)
		if models := v.ps(); len(models) != 0 {
			v.Error("a keep-alive of 30 s did not run out")
		}
	})
}

func TestAnotherModelTakesThePlaceOfAnIdleOne(t *testing.T) {
	config := usual()
	config.GPUBytes = 22 * gib
	inWorld(t, config, func(v *visit) {
		v.ask("/api/generate", `{"model":"qwen3:32b"}`)
		v.ask("/api/generate", `{"model":"llama3:8b"}`)
		if models := v.ps(); len(models) != 1 || models[0].Name != llama {
			v.Errorf("loaded are %+v", models)
		}
	})
}

func TestFullQueueIsBusy(t *testing.T) {
	config := usual()
	config.MaxQueue = 1
	inWorld(t, config, func(v *visit) {
		v.ask("/api/generate", `{"model":"qwen3:32b"}`)
		v.must(v.FreezeRunner())
		ctx, leave := context.WithCancel(v.Context())
		placed := v.background(ctx, "/api/chat", chat("")) // the loop pings for it
		time.Sleep(time.Millisecond)
		waits := v.background(ctx, "/api/chat", chat(""))
		time.Sleep(time.Millisecond)
		if status, lines := v.ask("/api/chat", chat("")); status != 503 || !strings.Contains(lines[0], "server busy") {
			v.Errorf("a full queue answers %d %q", status, lines)
		}
		leave()
		<-placed
		<-waits
	})
}

func TestPullBringsAMissingModel(t *testing.T) {
	config := usual()
	config.Models = append(config.Models, simulation.Model{Name: "new:1b", Bytes: gib, Missing: true, PullTakes: 20 * time.Second})
	inWorld(t, config, func(v *visit) {
		if status, _ := v.ask("/api/generate", `{"model":"new:1b"}`); status != 404 {
			v.Errorf("a missing model answers %d", status)
		}
		began := time.Now()
		_, lines := v.ask("/api/pull", `{"model":"new:1b"}`)
		v.within("the pull", time.Since(began), 20*time.Second)
		if last := lines[len(lines)-1]; last != `{"status":"success"}` {
			v.Errorf("the pull ended with %s", last)
		}
		if !strings.Contains(lines[10], `"completed":536870912,`) {
			v.Errorf("half way the pull says %s", lines[10])
		}
		if status, _ := v.ask("/api/generate", `{"model":"new:1b"}`); status != 200 {
			v.Errorf("the pulled model answers %d", status)
		}
		if _, lines := v.ask("/api/pull", `{"model":"nope"}`); !strings.Contains(lines[1], "file does not exist") {
			v.Errorf("an unknown model is pulled with %q", lines)
		}
	})
}

func TestSameSeedRepeatsItself(t *testing.T) {
	story := func(seed uint64) (text string) {
		config := usual()
		config.Seed = seed
		inWorld(t, config, func(v *visit) {
			began := time.Now()
			for range 3 {
				_, lines := v.ask("/api/generate", `{"model":"qwen3:32b","prompt":"a"}`)
				time.Sleep(time.Millisecond) // what the server still does with it
				v.must(v.KillRunner())
				text += fmt.Sprint(lines, time.Since(began), v.inspect().ID)
			}
		})
		return text
	}
	if first, again := story(1), story(1); first != again {
		t.Error("two worlds of one seed differ")
	}
	if story(1) == story(2) {
		t.Error("two seeds give one world")
	}
}
