package ollama

import (
	"fmt"
	"slices"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
)

// listing is a directory of a model, its copy, a persona with and one without options
// of its own, another model, and a remote one.
func listing() *Directory {
	d := &Directory{}
	d.List([]Tag{
		{Name: "qwen3:32b", Digest: "1"}, {Name: "gpt-4:latest", Digest: "1"}, {Name: "persona:latest", Digest: "2"}, {Name: "tuned:latest", Digest: "3"},
		{Name: "other:latest", Digest: "4"}, {Name: "new:latest", Digest: "5"}, {Name: "new:copy", Digest: "5"}, {Name: "far:cloud", Digest: "6", Remote: true}, {Name: "odd:latest"},
	})
	main := Description{Variant: Variant{Place: weights096}}
	d.Learn("1", main)
	d.Learn("2", main)
	d.Learn("3", Description{Variant: Variant{Place: weights096, Parameters: "num_ctx 2048"}})
	d.Learn("", main)
	d.Learn("4", Description{Variant: Variant{Place: weights0321}, Abilities: AbilitiesOf([]string{"embedding"})})
	return d
}

func TestNamesStandForWeights(t *testing.T) {
	d := listing()
	main, known := d.Of("qwen3:32b")
	if !known || !main.Variant.Place.Is(weights096) {
		t.Errorf("%+v, %v", main, known)
	}
	if got := d.Names(main.Variant); !slices.Equal(got, []string{"gpt-4:latest", "persona:latest", "qwen3:32b"}) {
		t.Errorf("its variant has the names %q", got)
	}
	if got := d.NamesAt(weights096); !slices.Equal(got, []string{"gpt-4:latest", "persona:latest", "qwen3:32b", "tuned:latest"}) {
		t.Errorf("its place has the names %q", got)
	}
	if far, known := d.Of("far:cloud"); !known || !far.Remote || far.Variant != (Variant{}) {
		t.Errorf("a remote model is %+v, %v", far, known)
	}
	for _, none := range []string{"new:latest", "nope:latest", "odd:latest"} {
		if got, known := d.Of(none); known {
			t.Errorf("%s is %+v", none, got)
		}
	}
	if got, known := d.Of("gpt-4:local"); !known || got != main {
		t.Errorf("newer releases take it for gpt-4:latest: %+v, %v", got, known)
	}
	if names := append(d.Names(Variant{}), d.NamesAt("")...); names != nil { // remote models have no place
		t.Errorf("in no place are %q", names)
	}
	if got := (&Directory{}).Unknown(); got != nil {
		t.Errorf("%v", got)
	}
}

func TestEachDigestIsAskedAboutOnce(t *testing.T) {
	d := listing()
	if got := d.Unknown(); !slices.Equal(got, []Tag{{Name: "new:copy", Digest: "5"}}) {
		t.Errorf("to be asked about are %+v", got)
	}
	d.Learn("5", Description{})
	if got := d.Unknown(); got != nil {
		t.Errorf("to be asked about are %+v", got)
	}
	d.List([]Tag{{Name: "new:latest", Digest: "7"}})
	if got := d.Unknown(); !slices.Equal(got, []Tag{{Name: "new:latest", Digest: "7"}}) {
		t.Errorf("after it was made anew: %+v", got)
	}
}

// TestAModelInMemoryGoesByItsDigest: its name proves nothing.
func TestAModelInMemoryGoesByItsDigest(t *testing.T) {
	d := listing()
	running := evidence.LoadedModel{Name: "qwen3:32b", Digest: "1"}
	if is, known := d.Loaded(running); !known || is.Variant.Place != weights096 || !d.Bears(running) {
		t.Errorf("%+v, %v", is, known)
	}
	d.List([]Tag{{Name: "qwen3:32b", Digest: "4"}}) // made anew
	if is, known := d.Loaded(running); !known || is.Variant.Place != weights096 || d.Bears(running) {
		t.Errorf("after its name was made anew: %+v, %v", is, known)
	}
	if got := d.NamesAt(weights096); got != nil {
		t.Errorf("it has the names %q", got)
	}
	d.List(nil)
	for _, m := range []evidence.LoadedModel{{Name: "qwen3:32b", Digest: "9"}, {Name: "qwen3:32b"}} {
		if _, known := d.Loaded(m); known || d.Bears(m) {
			t.Errorf("%+v is known", m)
		}
	}
	d.List([]Tag{{Name: "qwen3:32b"}})
	if d.Bears(evidence.LoadedModel{Name: "qwen3:32b"}) {
		t.Error("two digests that nobody told are one")
	}
}

func TestWhatNoNameStandsForIsForgottenInTheEnd(t *testing.T) {
	d := listing()
	main := evidence.LoadedModel{Name: "qwen3:32b", Digest: "1"}
	for i := range 4 * mostUnlisted {
		digest := fmt.Sprint("d", i)
		d.List([]Tag{{Name: "changing:latest", Digest: digest}, {Name: "qwen3:32b", Digest: "1"}})
		d.Learn(digest, Description{})
		if len(d.told) > mostUnlisted+4 {
			t.Fatalf("%d are kept", len(d.told))
		}
		if _, known := d.Loaded(evidence.LoadedModel{Digest: fmt.Sprint("d", i-1)}); i == 10 && !known {
			t.Error("what was listed just now is forgotten")
		}
	}
	if _, known := d.Loaded(main); !known {
		t.Error("a listed one is forgotten")
	}
}
