package ollama

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTagsOfRealServers(t *testing.T) {
	for release, want := range map[string][]Tag{
		"0.9.6": {
			{Name: "gpt-4:latest", Digest: "953ca26e023afccbd8916f240207d4328f5178d6cd86e75e3d6d23d02190db34", Bytes: 440478},
			{Name: "persona:latest", Digest: "7c5f2e01f6fb92e33c6328170f7b086b113c8d371352cfd4918239147d6a163e", Bytes: 440673},
			{Name: "qwen3:32b", Digest: "953ca26e023afccbd8916f240207d4328f5178d6cd86e75e3d6d23d02190db34", Bytes: 440478},
		},
		"0.32.14": {
			{Name: "remote:latest", Digest: "c58c41d6f8e58f9b64db7107917d13d9c6a1b970a30fbf1b33953735d3a7d923", Bytes: 191, Remote: true},
			{Name: "gpt-4:latest", Digest: "bf3008efb42ac502506bbd6dcffeda7c944d5cdf58de70d28393cfa82c42faac", Bytes: 440216},
			{Name: "qwen3:32b", Digest: "bf3008efb42ac502506bbd6dcffeda7c944d5cdf58de70d28393cfa82c42faac", Bytes: 440216},
			{Name: "persona:latest", Digest: "e8014dd97caff7c73f9521025137fa5b55a8ef27a582df2d09ba128a619fb5ad", Bytes: 440337},
		},
	} {
		text, err := os.ReadFile("testdata/tags-" + release + ".json")
		if err != nil {
			t.Fatal(err)
		}
		got, err := one(t, "GET /api/tags", 200, string(text)).client.Tags(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s lists %+v, %v\nwant %+v", release, got, err, want)
		}
	}
}

func TestTagsAreNormalised(t *testing.T) {
	got, err := one(t, "GET /api/tags", 200, `{"models":[{"name":"Qwen3","size":-1},{"name":"a","remote_model":"b"},{"name":"c","remote_host":"h"}]}`).client.Tags(t.Context())
	if want := []Tag{{Name: "qwen3:latest"}, {Name: "a:latest", Remote: true}, {Name: "c:latest", Remote: true}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := one(t, "GET /api/tags", 500, "").client.Tags(t.Context()); !IsAnswer(err) {
		t.Errorf("an answer that is no list: %v", err)
	}
}

func TestAModelIsDescribed(t *testing.T) {
	const show = "POST /api/show"
	s := one(t, show, 200, `{"modelfile":"FROM /b/`+weights096+`\nTEMPLATE x\n","parameters":"num_ctx 1","capabilities":["embedding"]}`)
	got, err := s.client.Describe(t.Context(), "m", digest)
	want := Description{Variant: Variant{Place: weights096, Parameters: "num_ctx 1"}, Abilities: AbilitiesOf([]string{"embedding"})}
	if got != want || err != nil {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	s.expectBody(0, `{"model":"m"}`)

	s = serve(t, nil)
	if got, err := s.client.Describe(t.Context(), "gpt-oss:20b-cloud", digest); got != (Description{Remote: true}) || err != nil {
		t.Errorf("a model that another machine runs: %+v, %v", got, err)
	}
	s.expectCalls() // Ollama would ask that machine

	_, err = one(t, show, 404, `{"error":"model 'm' not found"}`).client.Describe(t.Context(), "m", digest)
	if status := (*StatusError)(nil); !errors.As(err, &status) || !status.NotFound() {
		t.Errorf("%v", err)
	}
	_, err = one(t, show, 200, `{"modelfile":"`+strings.Repeat("x", maxReply)+`"}`).client.Describe(t.Context(), "m", digest)
	expectError(t, err, "cannot understand the answer to POST /api/show: it is longer than 8 MiB")
	long := `{"modelfile":"FROM /b/` + weights096 + `"}`
	long += strings.Repeat(" ", maxReply-len(long))
	if got, err := one(t, show, 200, long).client.Describe(t.Context(), "m", digest); got.Variant.Place != weights096 || err != nil {
		t.Errorf("of just 8 MiB: %+v, %v", got, err)
	}
}

func TestWhatAModelCanBeAsked(t *testing.T) {
	for _, c := range []struct {
		capabilities []string
		chat, embed  bool
		ask          Question
	}{
		{[]string{"completion"}, true, false, Chat},
		{[]string{"completion", "tools", "thinking", "vision", "insert"}, true, false, Chat},
		{[]string{"embedding"}, false, true, Embed},
		{[]string{"completion", "embedding"}, true, true, Chat},
		{nil, true, true, Chat},                // releases before 0.6.4 tell none
		{[]string{"vision"}, true, true, Chat}, // of a file that cannot be read
		{[]string{"Completion"}, true, true, Chat},
	} {
		a := AbilitiesOf(c.capabilities)
		ask, left := a.Ask()
		if a.Can(Chat) != c.chat || a.Can(Write) != c.chat || a.Can(Embed) != c.embed || ask != c.ask || !left {
			t.Errorf("%q: %+v, asked to %s", c.capabilities, a, ask)
		}
	}
}

// TestAFirstTryTellsWhatAModelCan where nothing else does.
func TestAFirstTryTellsWhatAModelCan(t *testing.T) {
	for _, c := range []struct {
		status int
		text   string
		want   Question
		then   Question
	}{
		{400, `"all-minilm" does not support chat`, Chat, Embed},
		{400, `"all-minilm" does not support generate`, Write, Embed},
		{501, "This server does not support embeddings. Start it with `--embeddings`", Embed, Chat}, // 0.32.14, /api/embed
		{500, "This server does not support embeddings. Start it with `--embeddings`", Embed, Chat}, // and /api/embeddings
		{400, `"qwen3" does not support thinking`, "", Chat},
		{400, `"qwen3" does not support tools`, "", Chat},
		{500, `model runner has unexpectedly stopped`, "", Chat},
	} {
		got, refused := Classify(c.status, c.text).Refuses()
		if got != c.want || refused != (c.want != "") {
			t.Errorf("%q refuses %q, %v", c.text, got, refused)
		}
		left := Abilities{}
		if refused {
			left = left.Without(got)
		}
		if then, more := left.Ask(); then != c.then || !more {
			t.Errorf("after %q it is asked to %q", c.text, then)
		}
	}
	if q, left := (Abilities{}).Without(Embed).Without(Write).Ask(); left {
		t.Errorf("a model that refused all is asked to %s", q)
	}
}
