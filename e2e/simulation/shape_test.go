package simulation

import "testing"

func TestShapeTellsKindsAndPromises(t *testing.T) {
	for text, want := range map[string]string{
		`{"b":1,"a":"x"}`:                               `{a:text b:number}`,
		`{"done":true,"done_reason":"stop"}`:            `{done:true done_reason:"stop"}`,
		`{"message":{"role":"assistant","content":""}}`: `{message:{content:"" role:"assistant"}}`,
		`{"at":"2026-01-02T03:04:05.6Z"}`:               `{at:time}`,
		`{"models":[{"size":1},{"size":2}]}`:            `{models:[{size:number}]}`,
		`{"models":[]}`:                                 `{models:[]}`,
		`{"finish_reason":null,"context":[1,2]}`:        `{finish_reason:nothing}`,
		`Ollama is running`:                             `Ollama is running`,
	} {
		if got := shape(text); got != want {
			t.Errorf("shape of %s is %s, want %s", text, got, want)
		}
	}
}
