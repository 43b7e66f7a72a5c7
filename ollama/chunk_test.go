package ollama

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParseChunk(t *testing.T) {
	for line, want := range map[string]Chunk{
		`{"message":{"role":"assistant","content":"hi"},"done":false}`:                                 {Content: true, Text: "hi"},
		`{"message":{"role":"assistant","content":""},"done":false}`:                                   {},
		`{"message":{"content":"","thinking":"hm"}}`:                                                   {Content: true, Text: "hm"},
		`{"message":{"content":"","tool_calls":[{"function":{"name":"f"}}]}}`:                          {Content: true, calls: true},
		`{"response":"hi","done":false}`:                                                               {Content: true, Text: "hi"},
		`{"response":"","thinking":"hm"}`:                                                              {Content: true, Text: "hm"},
		`{"message":{"content":""},"done":true,"done_reason":"load"}`:                                  {Final: true},
		`{"message":{"content":"say \"done\":true"},"done":false}`:                                     {Content: true, Text: `say "done":true`},
		`{"error":"unexpected EOF"}`:                                                                   {Error: "unexpected EOF"},
		`data: {"error":{"message":"no","type":"api_error"}}`:                                          {Error: "no"},
		`data: {"choices":[{"delta":{"role":"assistant","content":""}}]}`:                              {},
		`data: {"choices":[{"delta":{"content":"hi"}}]}`:                                               {Content: true, Text: "hi"},
		`data: {"choices":[{"delta":{"reasoning":"hm"}}]}`:                                             {Content: true, Text: "hm"},
		`data:{"choices":[{"text":"hi"}]}`:                                                             {Content: true, Text: "hi"},
		`data: [DONE]`:                                                                                 {Final: true},
		`data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"hi"}}`:               {Content: true, Text: "hi"},
		`data: {"type":"message_stop"}`:                                                                {Final: true},
		`data: {"type":"response.output_text.delta","delta":"hi"}`:                                     {Content: true, Text: "hi"},
		`data: {"type":"response.completed","response":{}}`:                                            {Final: true},
		`{"embeddings":[[0.1,0.2]]}`:                                                                   {Content: true},
		`{"embedding":[]}`:                                                                             {},
		`{"object":"list","data":[{"embedding":[0.1]}]}`:                                               {Content: true},
		`{"message":5,"done":true}`:                                                                    {Final: true},
		`{"message":{"content":"b","thinking":"a","tool_calls":[{}]}}`:                                 {Content: true, Text: "ab", calls: true},
		`{"response":"b","thinking":"a"}`:                                                              {Content: true, Text: "ab"},
		`data: {"choices":[{"delta":{"content":"b","reasoning":"a","tool_calls":[{}]}},{"text":"c"}]}`: {Content: true, Text: "abc", calls: true},
		`data: {"delta":{"thinking":"a","text":"b"}}`:                                                  {Content: true, Text: "ab"},
		`data: {"delta":{"type":"input_json_delta","partial_json":"{"}}`:                               {Content: true},
		`{"response":"","done":true,"done_reason":"length","eval_count":1}`:                            {Final: true, Truncated: true},
		`{"response":"","done":true,"done_reason":"length"}`:                                           {Final: true},
		`{"response":"","done":true,"done_reason":"stop","eval_count":1}`:                              {Final: true},
		`{"delta":5,"response":{},"message":{"content":"hi"},"eval_count":"x"}`:                        {Content: true, Text: "hi"},
		`event: ping`: {}, `: comment`: {}, ``: {}, `{"mess`: {}, `null`: {}, `garbage`: {},
	} {
		if got, _ := ParseChunk([]byte(line)); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

const (
	begun  = `{"message":{"content":""}}` + "\n" + `{"message":{"content":"hi"}}` + "\n"
	ndjson = begun + `{"message":{"content":""},"done":true,"load_duration":5,"prompt_eval_count":7,"prompt_eval_duration":9,"eval_count":20,"eval_duration":11}` + "\n"
	sse    = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n" +
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":20}}\n\ndata: [DONE]\n\n"
)

func TestAnAnswerIsFollowedHoweverItIsCut(t *testing.T) {
	long := strings.Repeat("1,", 100_000)
	for name, c := range map[string]struct {
		format Format
		body   string
		want   string
	}{
		"NDJSON":              {NDJSON, ndjson, "content complete 7+20"},
		"cut off":             {NDJSON, ndjson[:len(begun)+5], "content open"},
		"without its end":     {NDJSON, begun, "content"},
		"an error at the end": {NDJSON, begun + `{"error":"unexpected EOF"}` + "\n", "content error"},
		"an error alone":      {NDJSON, `{"error":"no"}` + "\n", "error"},
		"a huge last line":    {NDJSON, begun + `{"response":"","done":true,"context":[` + long + `1],"prompt_eval_count":7,"eval_count":20}` + "\n", "content complete 7+20"},
		"a huge line":         {NDJSON, `{"response":"` + long, "content open"},
		"SSE":                 {SSE, sse, "content complete"},
		"SSE cut off":         {SSE, sse[:40], "open"},
		"one value":           {JSON, `{"message":{"content":"hi"},"done":true,"prompt_eval_count":7,"eval_count":20}`, "content complete open 7+20"},
		"one huge value":      {JSON, `{"embeddings":[[` + long + `1]],"prompt_eval_count":7}`, "content complete open 7+0"},
		"nothing":             {NDJSON, "", ""},
	} {
		for _, size := range []int{1, 7, 64, 4096, len(c.body) + 1} {
			f := Follower{Format: c.format}
			for rest := c.body; rest != ""; rest = rest[min(size, len(rest)):] {
				f.Observe([]byte(rest[:min(size, len(rest))]))
			}
			if got := told(&f); !strings.HasPrefix(got, c.want) || c.format != SSE && got != c.want {
				t.Errorf("%s in pieces of %d: %q, want %q", name, size, got, c.want)
			}
			if held := cap(f.line.head) + cap(f.line.tail); held > 2*(lineHead+lineTail) {
				t.Errorf("%s in pieces of %d: holds %d bytes", name, size, held)
			}
		}
	}
}

func told(f *Follower) string {
	ending := f.End()
	var words []string
	say := func(word string, is bool) {
		if is {
			words = append(words, word)
		}
	}
	say("content", f.Content)
	say("complete", ending.Complete)
	say("open", ending.OpenLine)
	say("error", ending.Error != "")
	if c := ending.Counts; c.PromptTokens > 0 {
		words = append(words, fmt.Sprintf("%d+%d", c.PromptTokens, c.GeneratedTokens))
	}
	return strings.Join(words, " ")
}

func TestCountsAndDurations(t *testing.T) {
	f := Follower{Format: NDJSON}
	f.Observe([]byte(ndjson))
	want := Counts{PromptTokens: 7, GeneratedTokens: 20, PromptDuration: 9, GenerateDuration: 11, LoadDuration: 5}
	if got := f.End().Counts; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	f = Follower{Format: SSE}
	f.Observe([]byte(sse))
	if got := f.End().Counts; got.PromptTokens != 7 || got.GeneratedTokens != 20 || got.GenerateDuration != time.Duration(0) {
		t.Errorf("SSE: %+v", got)
	}
}

func FuzzFollower(f *testing.F) {
	for _, seed := range []string{ndjson, sse, chunks(chatChunk, times(40, "@")...) + nativeEnd, `{"error"`, "\n\r\n", `data: [DONE]`, `{"a":{"done":true}}` + "\n"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		size = max(1, size&0xfff)
		whole, cut := Follower{Format: NDJSON}, Follower{Format: NDJSON}
		whole.Observe(body)
		for rest := body; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			cut.Observe(rest[:min(size, len(rest))])
		}
		if a, b := whole.End(), cut.End(); a != b || whole.Content != cut.Content {
			t.Errorf("whole %+v %v, in pieces of %d %+v %v", a, whole.Content, size, b, cut.Content)
		}
	})
}

// A follower that looks for a second symbol in every line of an answer would
// pay for it with every answer.
func BenchmarkFollower(b *testing.B) {
	lines := make([][]byte, 1000)
	for i := range lines {
		lines[i] = fmt.Appendf(nil, `{"model":"qwen3:32b","created_at":"2026-01-02T03:04:05.%06dZ","message":{"role":"assistant","content":"word%d "},"done":false}`+"\n", i, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		f := Follower{Format: NDJSON}
		for _, line := range lines {
			f.Observe(line)
		}
		if ending := f.End(); ending.Hollow || !f.Content {
			b.Fatal("it was a proper answer")
		}
	}
}
