package simulation_test

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestPoisonedModelDiesOfEveryRequest(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.Poison(qwen, true)
		for round := range 2 {
			if _, lines := v.ask("/api/generate", load); !strings.Contains(lines[0], `"done_reason":"load"`) {
				v.Errorf("the load says %q", lines)
			}
			v.looksHealthy()
			if _, lines := v.ask("/api/chat", chat("")); !strings.Contains(lines[0], "model runner has unexpectedly stopped") {
				v.Errorf("the chat says %q", lines)
			}
			if len(v.runners()) != 0 {
				v.Error("the runner lives")
			}
			v.answers(askLlama)
			if round == 0 { // it outlives a restart
				v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
				time.Sleep(time.Second)
			}
		}
		v.Poison(qwen, false)
		v.answers(chat(shortReply))
	})
}

func TestRunawayAnswerNeverEnds(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.Runaway(qwen, true)
		v.answers(chat(shortReply)) // a limit is kept
		ctx, leave := context.WithTimeout(v.Context(), 10*time.Minute)
		defer leave()
		began := time.Now()
		lines := <-v.background(ctx, "/api/chat", chat(""))
		if len(lines) < 29_000 {
			v.Errorf("in ten minutes there were %d lines", len(lines))
		}
		v.within("the answer", time.Since(began), 10*time.Minute)
		v.looksHealthy()
		v.answers(chat(shortReply)) // the slot is free again
		v.Runaway(qwen, false)
		if _, lines := v.ask("/api/chat", chat("")); len(lines) != 33 {
			v.Errorf("after it an answer has %d lines", len(lines))
		}
	})
}

func TestHollowAnswersAreCompleteAndWorthless(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.ask("/api/generate", load)
		v.Hollow(qwen, "", false)
		status, lines := v.ask("/api/chat", chat(""))
		if status != 200 || len(lines) != 1 || !strings.Contains(lines[0], `"done":true,"done_reason":"stop","eval_count":0`) {
			v.Errorf("an empty answer is %d %q", status, lines)
		}
		if _, lines = v.ask("/v1/chat/completions", chat("")); !strings.Contains(lines[0], `"completion_tokens":0`) || !strings.Contains(lines[0], `"content":""`) {
			v.Errorf("under /v1 an empty answer is %q", lines)
		}
		v.looksHealthy()
		v.Hollow(qwen, "@", false)
		if _, lines = v.ask("/api/generate", `{"model":"qwen3:32b","prompt":"a","stream":false}`); !strings.Contains(lines[0], `"response":"`+strings.Repeat("@", 32)+`"`) {
			v.Errorf("an answer of one symbol is %q", lines)
		}
		v.ask("/api/generate", unload)
		time.Sleep(time.Second)
		if _, lines := v.ask("/api/chat", chat("")); len(lines) != 33 {
			v.Errorf("after a reload the answer has %d lines", len(lines))
		}
	})
}

func TestHollowAnswersMayPersist(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.Hollow(qwen, "", true)
		for range 2 {
			if _, lines := v.ask("/api/chat", chat("")); len(lines) != 1 {
				v.Errorf("the answer is %q", lines)
			}
			v.must(v.Restart(v.Context(), v.inspect().Identity, time.Minute))
			time.Sleep(time.Second)
		}
		v.answers(askLlama)
		v.Mend(qwen)
		v.answers(chat(shortReply))
	})
}

func TestModelWithoutMemoryFailsToLoad(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		v.FailMemory(qwen, true)
		if status, lines := v.ask("/api/chat", chat("")); status != 500 || lines[0] != `{"error":"llama runner process has terminated: cudaMalloc failed: out of memory"}` {
			v.Errorf("the load says %d %q", status, lines)
		}
		v.looksHealthy()
		v.answers(askLlama)
		v.FailMemory(qwen, false)
		v.answers(chat(shortReply))
		v.FailMemory(qwen, true)
		v.answers(chat(shortReply)) // what is loaded works on
	})
}

func TestFlawOfAnUnknownModelIsAMistake(t *testing.T) {
	inWorld(t, usual(), func(v *visit) {
		defer func() {
			if recover() == nil {
				v.Error("nobody noticed")
			}
		}()
		v.Poison("nope", true)
	})
}
