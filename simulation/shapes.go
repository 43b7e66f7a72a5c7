package simulation

import (
	"net/http"
	"time"
)

// shaped is the chunk in the form of an API, as of now.
func (s *server) shaped(form shape, c chunk) any {
	c.at = s.world.Now()
	return form(c)
}

func chatShape(c chunk) any {
	message := map[string]any{"role": "assistant", "content": c.text}
	if c.thinking != "" {
		message["thinking"] = c.thinking
	}
	return c.nativeShape(map[string]any{"message": message})
}

func generateShape(c chunk) any {
	answer := map[string]any{"response": c.text}
	if c.thinking != "" {
		answer["thinking"] = c.thinking
	}
	return c.nativeShape(answer)
}

// nativeShape adds what all of Ollama's own calls say.
func (c chunk) nativeShape(answer map[string]any) any {
	answer["model"], answer["created_at"], answer["done"] = c.model, c.at.UTC(), c.reason != ""
	if c.reason != "" {
		answer["done_reason"] = c.reason
	}
	if t := c.finished; t != nil {
		now := time.Now()
		answer["total_duration"], answer["load_duration"] = now.Sub(t.began), t.loaded.Sub(t.began)
		answer["prompt_eval_count"], answer["prompt_eval_duration"] = t.promptTokens, t.first.Sub(t.loaded)
		answer["eval_count"], answer["eval_duration"] = t.tokens, now.Sub(t.first)
	}
	return answer
}

// openAIChat ignores options and keep_alive, as Ollama does under /v1.
func (s *server) openAIChat(out *reply, r *http.Request, asked *request) {
	asked.Options, asked.KeepAlive = nil, nil
	if len(asked.Messages) == 0 {
		out.refuse("[] is too short - 'messages'")
		return
	}
	s.complete(out, r, asked, false, delivery{part: openAIPart, whole: openAIWhole, events: true, verb: "chat"})
}

func openAIPart(c chunk) any {
	return c.openAIShape("chat.completion.chunk", "delta", nil)
}

func openAIWhole(c chunk) any {
	usage := map[string]any{}
	if t := c.finished; t != nil {
		usage = map[string]any{"prompt_tokens": t.promptTokens, "completion_tokens": t.tokens, "total_tokens": t.promptTokens + t.tokens}
	}
	return c.openAIShape("chat.completion", "message", usage)
}

func (c chunk) openAIShape(object, message string, usage map[string]any) any {
	var reason any
	if c.reason != "" {
		reason = c.reason
	}
	answer := map[string]any{
		"id": "chatcmpl-1", "object": object, "created": c.at.Unix(), "model": c.model, "system_fingerprint": "fp_ollama",
		"choices": []any{map[string]any{"index": 0, message: map[string]any{"role": "assistant", "content": c.text}, "finish_reason": reason}},
	}
	if usage != nil {
		answer["usage"] = usage
	}
	return answer
}

// errorShape is an error in the form of the API that was called; only OpenAI's
// has types.
func (r *reply) errorShape(kind, message string) any {
	if r.openAI {
		return map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": nil}}
	}
	return map[string]any{"error": message}
}
