package ollama

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

func titles(models []Known) (titles []string) {
	for _, m := range models {
		titles = append(titles, m.Title)
	}
	return titles
}

func TestOneTitleForAllNamesOfAModel(t *testing.T) {
	c := listing().Catalogue(Catalogue{}, "qwen3:32b")
	for name, title := range map[string]string{
		"gpt-4:latest": "qwen3:32b", "persona:latest": "qwen3:32b", "qwen3:32b": "qwen3:32b", "gpt-4:local": "qwen3:32b",
		"tuned:latest": "tuned:latest", "other:latest": "other:latest", "far:cloud": "far:cloud", "odd:latest": "odd:latest",
		"new:latest": "new:copy", "new:copy": "new:copy", // not described yet, and one manifest
	} {
		if is, known := c.Of(name); !known || is.Title != title {
			t.Errorf("%s is called %q, known: %v", name, is.Title, known)
		}
	}
	if is, known := c.Of("nope:latest"); known || is.Title != "nope:latest" {
		t.Errorf("a name that is not listed is %+v, %v", is, known)
	}
	main := c.Titled("qwen3:32b")
	if !main.Shares(c.Titled("tuned:latest")) || main.Shares(c.Titled("other:latest")) || !main.Shares(main) || c.Titled("a").Shares(c.Titled("b")) {
		t.Error("a runner is one place's")
	}
	if got := titles(c.At(main.Place)); !slices.Equal(got, []string{"qwen3:32b", "tuned:latest"}) {
		t.Errorf("at its place are %q", got)
	}
	if got := c.At(""); got != nil {
		t.Errorf("at no place are %q", titles(got))
	}
	if far, _ := c.Of("far:cloud"); !far.Remote {
		t.Error("a remote model is one")
	}
	if main.Bytes != 0 || !slices.Equal(main.Digests, []string{"1", "2"}) {
		t.Errorf("%+v", main)
	}
}

func TestATitleStaysAsLongAsTheName(t *testing.T) {
	d := &Directory{}
	d.Learn("1", Description{Variant: Variant{Place: weights096}})
	d.List([]Tag{{Name: "m:latest", Digest: "1"}})
	c := d.Catalogue(Catalogue{})
	d.List([]Tag{{Name: "a:latest", Digest: "1"}, {Name: "m:latest", Digest: "1"}})
	if c = d.Catalogue(c); !slices.Equal(titles(c.Models()), []string{"m:latest"}) {
		t.Errorf("a copy gave it the name %q", titles(c.Models()))
	}
	d.List([]Tag{{Name: "a:latest", Digest: "1"}})
	if c = d.Catalogue(c); !slices.Equal(titles(c.Models()), []string{"a:latest"}) {
		t.Errorf("it is called %q without the name", titles(c.Models()))
	}
	d.List(nil)
	if c = d.Catalogue(c); c.Loaded(evidence.LoadedModel{Name: "a:latest", Digest: "1"}).Title != "a:latest" {
		t.Errorf("what is in memory and has lost its names is called %q", titles(c.Models()))
	}
	d.Learn("2", Description{Variant: Variant{Place: weights0321}})
	d.List([]Tag{{Name: "a:latest", Digest: "2"}}) // made anew from other weights
	if c = d.Catalogue(c); !slices.Equal(titles(c.Models()), []string{"a:latest", "a:latest@1"}) {
		t.Errorf("the old and the new one are called %q", titles(c.Models()))
	}
	if old := c.Loaded(evidence.LoadedModel{Name: "a:latest", Digest: "1"}); old.Title != "a:latest@1" || !old.Place.Is(weights096) {
		t.Errorf("the runner of before is %+v", old)
	}
}

func TestWhatIsInMemoryIsCalledByItsDigest(t *testing.T) {
	c := listing().Catalogue(Catalogue{}, "qwen3:32b")
	for _, test := range []struct {
		loaded evidence.LoadedModel
		title  string
	}{
		{evidence.LoadedModel{Name: "gpt-4:latest", Digest: "1"}, "qwen3:32b"},
		{evidence.LoadedModel{Name: "other:latest", Digest: "1"}, "qwen3:32b"},
		{evidence.LoadedModel{Name: "other:latest", Digest: "9"}, "other:latest@9"},
		{evidence.LoadedModel{Name: "other:latest"}, "other:latest"},            // an engine that tells no digests
		{evidence.LoadedModel{Name: "odd:latest", Digest: "9"}, "odd:latest"},   // listed without one
		{evidence.LoadedModel{Name: "gone:latest", Digest: "9"}, "gone:latest"}, // listed by nobody
	} {
		if got := c.Loaded(test.loaded); got.Title != test.title {
			t.Errorf("%+v is %q instead of %q", test.loaded, got.Title, test.title)
		}
	}
	if got := (Catalogue{}).Loaded(evidence.LoadedModel{Name: "m:latest", Digest: "1"}); got.Title != "m:latest" {
		t.Errorf("before anything is known it is %q", got.Title)
	}
}

func TestACatalogueIsWrittenAndReadBack(t *testing.T) {
	c := listing().Catalogue(Catalogue{}, "qwen3:32b")
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Catalogue
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(c, back) {
		t.Errorf("%v: %+v", err, back)
	}
	if err := json.Unmarshal([]byte(`{}`), &back); err == nil {
		t.Error("what is no list was read")
	}
}
