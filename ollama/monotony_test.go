package ollama

import (
	"fmt"
	"strings"
	"testing"
)

const (
	nativeEnd = `{"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":40}` + "\n"
	sseEnd    = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":40}}\n\ndata: [DONE]\n\n"
)

// chunks are answers of many chunks in each format that streams.
func chunks(form string, texts ...string) string {
	var all strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&all, form, text)
	}
	return all.String()
}

func times(n int, text string) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = text
	}
	return texts
}

const (
	chatChunk     = `{"message":{"role":"assistant","content":%q},"done":false}` + "\n"
	generateChunk = `{"response":%q,"done":false}` + "\n"
	thinkChunk    = `{"message":{"content":"","thinking":%q},"done":false}` + "\n"
	openAIChunk   = "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n"
	claudeChunk   = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":%q}}\n\n"
	claudeEnd     = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
	responseChunk = "data: {\"type\":\"response.output_text.delta\",\"delta\":%q}\n\n"
	responseEnd   = "data: {\"type\":\"response.completed\",\"response\":{}}\n\n"
	jsonChat      = `{"message":{"content":%q},"done":true,"done_reason":"stop","eval_count":40}`
)

func TestAnAnswerOfOneSymbolIsHollow(t *testing.T) {
	many := times(40, "@")
	call := `{"message":{"content":"","tool_calls":[{"function":{"name":"f"}}]},"done":false}` + "\n"
	for name, c := range map[string]struct {
		format Format
		body   string
		want   bool
	}{
		"a chat":                       {NDJSON, chunks(chatChunk, many...) + nativeEnd, true},
		"a generation":                 {NDJSON, chunks(generateChunk, many...) + `{"response":"","done":true,"done_reason":"stop","eval_count":40}` + "\n", true},
		"thinking":                     {NDJSON, chunks(thinkChunk, many...) + nativeEnd, true},
		"of another alphabet":          {NDJSON, chunks(chatChunk, times(40, "嗯")...) + nativeEnd, true},
		"with spaces":                  {NDJSON, chunks(chatChunk, times(40, " @\n")...) + nativeEnd, true},
		"more of it in one chunk":      {NDJSON, chunks(chatChunk, times(8, "GGGG")...) + nativeEnd, true},
		"which Ollama itself ended":    {NDJSON, chunks(chatChunk, times(31, "@")...), true},
		"OpenAI's":                     {SSE, chunks(openAIChunk, many...) + sseEnd, true},
		"OpenAI's, ended by Ollama":    {SSE, chunks(openAIChunk, times(31, "@")...), true},
		"Anthropic's":                  {SSE, chunks(claudeChunk, many...) + claudeEnd, true},
		"a response":                   {SSE, chunks(responseChunk, many...) + responseEnd, true},
		"in one piece":                 {JSON, fmt.Sprintf(jsonChat, strings.Repeat("@", 40)), true},
		"OpenAI's in one piece":        {JSON, `{"choices":[{"message":{"content":"` + strings.Repeat("\\u0040", 40) + `"}}]}`, true},
		"another at the end":           {NDJSON, chunks(chatChunk, append(many, "!")...) + nativeEnd, false},
		"another in the last line":     {NDJSON, chunks(chatChunk, many...) + `{"message":{"content":"!"},"done":true}` + "\n", false},
		"too few to tell":              {NDJSON, chunks(chatChunk, times(30, "@")...) + nativeEnd, false},
		"white space alone":            {NDJSON, chunks(chatChunk, times(40, "\n")...) + nativeEnd, false},
		"an error at the end":          {NDJSON, chunks(chatChunk, many...) + `{"error":"no"}` + "\n", false},
		"cut in a line":                {NDJSON, chunks(chatChunk, many...) + nativeEnd[:30], false},
		"a tool call after it":         {NDJSON, chunks(chatChunk, many...) + call + nativeEnd, false},
		"a tool's input after it":      {SSE, chunks(claudeChunk, many...) + "data: {\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}\n\n" + claudeEnd, false},
		"a tool call in one piece":     {JSON, `{"message":{"content":"` + strings.Repeat("-", 40) + `","tool_calls":[{"function":{"name":"f"}}]},"done":true}`, false},
		"an embedding":                 {JSON, `{"embeddings":[[1,1,1]]}`, false},
		"a whole answer of many words": {JSON, fmt.Sprintf(jsonChat, strings.Repeat("word ", 1000)), false},
		"a proper answer":              {NDJSON, ndjson, false},
		"a proper one of OpenAI's":     {SSE, sse, false},
	} {
		for _, size := range []int{1, 50, len(c.body)} {
			if got := follow(c.format, c.body, size).Hollow; got != c.want {
				t.Errorf("%s, in pieces of %d: hollow %v", name, size, got)
			}
		}
	}
}

func TestAnAnswerOfNothingIsHollow(t *testing.T) {
	context := `"context":[` + strings.Repeat("1,", 5000) + `1],`
	for name, c := range map[string]struct {
		format Format
		body   string
		want   bool
	}{
		"a chat":                  {NDJSON, `{"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":7}` + "\n", true},
		"a count of zero":         {NDJSON, `{"message":{"content":""},"done":true,"done_reason":"length","eval_count":0}` + "\n", true},
		"in one piece":            {JSON, `{"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":7}`, true},
		"with a long context":     {NDJSON, `{"model":"m","response":"","done":true,"done_reason":"stop",` + context + `"prompt_eval_count":7}` + "\n", true},
		"that, in one piece":      {JSON, `{"model":"m","response":"","done":true,"done_reason":"stop",` + context + `"prompt_eval_count":7}`, true},
		"OpenAI's in one piece":   {JSON, `{"choices":[{"message":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}`, true},
		"OpenAI's with its usage": {SSE, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":0}}\n\ndata: [DONE]\n\n", true},
		"OpenAI's without":        {SSE, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: [DONE]\n\n", false},
		"a model that ended":      {NDJSON, `{"message":{"content":""},"done":true,"done_reason":"stop","eval_count":1}` + "\n", false},
		"cut by its length":       {NDJSON, `{"message":{"content":""},"done":true,"done_reason":"length"}` + "\n", false},
		"a load":                  {NDJSON, `{"message":{"content":""},"done":true,"done_reason":"load"}` + "\n", false},
		"without its end":         {NDJSON, `{"message":{"content":""},"done":false}` + "\n", false},
		"thinking alone":          {NDJSON, `{"message":{"content":"","thinking":"hm"}}` + "\n" + `{"message":{"content":""},"done":true,"done_reason":"stop"}` + "\n", false},
		"a tool call":             {NDJSON, `{"message":{"content":"","tool_calls":[{"function":{"name":"f"}}]},"done":true,"done_reason":"stop"}` + "\n", false},
		"an error":                {NDJSON, `{"error":"no"}` + "\n", false},
		"nothing at all":          {NDJSON, "", false},
	} {
		if got := follow(c.format, c.body, len(c.body)).Hollow; got != c.want {
			t.Errorf("%s: hollow %v", name, got)
		}
	}
}

func follow(format Format, body string, size int) Ending {
	f := Follower{Format: format}
	for rest := body; rest != ""; rest = rest[min(size, len(rest)):] {
		f.Observe([]byte(rest[:min(size, len(rest))]))
	}
	return f.End()
}

func TestTheOtherAPIsCountsAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		format Format
		body   string
	}{
		"Anthropic's": {SSE, "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}}\n\n" +
			"data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"input_tokens\":7,\"output_tokens\":20}}\n\n" + claudeEnd},
		"a response": {JSON, `{"output":[{}],"usage":{"input_tokens":7,"input_tokens_details":{"cached_tokens":0},"output_tokens":20,"output_tokens_details":{}}}`},
	} {
		if got := follow(c.format, c.body, len(c.body)); got.Counts.PromptTokens != 7 || got.Counts.GeneratedTokens != 20 || got.Hollow {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
