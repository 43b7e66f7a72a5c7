package watch

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// catalogue is one of the models that are written down.
func catalogue(t *testing.T, models string) (c ollama.Catalogue) {
	t.Helper()
	if err := json.Unmarshal([]byte(models), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	ofMain    = `{"title":"main:1","place":"w1","names":["copy:1","main:1"],"digests":["d1"]}`
	ofPersona = `{"title":"persona:1","place":"w1","names":["persona:1"],"digests":["d2"]}`
	ofOther   = `{"title":"other:1","place":"w2","names":["other:1"],"digests":["d3"]}`
)

func TestAPlaceIsInMemoryWhicheverNameLoadedIt(t *testing.T) {
	s := New("main:1")
	s.Learn(catalogue(t, `[`+ofMain+`,`+ofPersona+`,`+ofOther+`]`))
	for loaded, in := range map[evidence.LoadedModel][]string{
		{Name: "copy:1", Digest: "d1"}:    {"main:1", "persona:1"},
		{Name: "persona:1", Digest: "d2"}: {"main:1", "persona:1"},
		{Name: "gone:1", Digest: "d1"}:    {"main:1", "persona:1"}, // its name was deleted since
		{Name: "other:1", Digest: "d3"}:   {"other:1"},
		{Name: "main:1", Digest: "d9"}:    nil, // the name was another model's when that was loaded
	} {
		s.SawLoaded([]evidence.LoadedModel{loaded}, now)
		var got []string
		for _, model := range []string{"main:1", "other:1", "persona:1"} {
			if s.Server.IsLoaded(model) {
				got = append(got, model)
			}
		}
		if !slices.Equal(got, in) {
			t.Errorf("with %v in memory are %q instead of %q", loaded, got, in)
		}
	}
	s.Learn(catalogue(t, `[`+ofMain+`,{"title":"gone:1","place":"w9","digests":["d9"]}]`))
	if !s.Server.Reachable("main:1") || !s.Server.Reachable("nobody-knows:1") || s.Server.Reachable("gone:1") {
		t.Error("by its title a model is reached, unless no name is left")
	}
}

func TestTheListIsReadAnewWithTheNames(t *testing.T) {
	s := New("main:1")
	s.SawLoaded([]evidence.LoadedModel{{Name: "copy:1", Digest: "d1", Size: 9}}, now)
	if s.Server.IsLoaded("main:1") {
		t.Error("before the names are known there are names only")
	}
	s.Learn(catalogue(t, `[`+ofMain+`]`))
	as, loaded := s.Server.Listed("main:1")
	if !loaded || as.Size != 9 || as.Name != "main:1" {
		t.Errorf("%+v, %v", as, loaded)
	}
}

func TestARecordFollowsItsModel(t *testing.T) {
	for name, c := range map[string]struct {
		after   string
		renamed map[string]string
		remade  []string
		has     map[string]bool // titles, and whether they have a token
	}{
		"nothing new": {`[` + ofMain + `,` + ofOther + `]`, nil, nil, map[string]bool{"main:1": true, "other:1": true}},
		"another title": {
			`[` + ofMain + `,{"title":"new:1","place":"w2","names":["new:1"],"digests":["d3"]}]`,
			map[string]string{"other:1": "new:1"}, nil, map[string]bool{"main:1": true, "new:1": true},
		},
		"made anew beside a copy": {
			`[{"title":"copy:1","place":"w1","names":["copy:1"],"digests":["d1"]},{"title":"main:1","place":"w3","names":["main:1"],"digests":["d4"]},` + ofOther + `]`,
			map[string]string{"main:1": "copy:1"}, []string{"main:1"}, map[string]bool{"copy:1": true, "other:1": true, "main:1": false},
		},
		"made anew": {
			`[{"title":"main:1","place":"w3","names":["main:1"],"digests":["d4"]},` + ofOther + `]`,
			nil, []string{"main:1"}, map[string]bool{"main:1": false, "other:1": true},
		},
		"with another text": { // a new manifest of the same weights: the old digest stays known
			`[{"title":"main:1","place":"w1","names":["main:1"],"digests":["d1","d5"]},` + ofOther + `]`,
			nil, nil, map[string]bool{"main:1": true, "other:1": true},
		},
		"deleted": {`[` + ofOther + `]`, nil, nil, map[string]bool{"main:1": true, "other:1": true}},
		"two that changed their names": {
			`[{"title":"other:1","place":"w1","names":["other:1"],"digests":["d1"]},{"title":"main:1","place":"w2","names":["main:1"],"digests":["d3"]}]`,
			map[string]string{"main:1": "other:1", "other:1": "main:1"}, []string{"main:1", "other:1"}, map[string]bool{"main:1": true, "other:1": true},
		},
	} {
		s := New("main:1")
		s.Learn(catalogue(t, `[`+ofMain+`,`+ofOther+`]`))
		s.Models.Of("main:1").Gave(now)
		s.Models.Of("other:1").Gave(now.Add(time.Second))
		renamed, remade := s.Learn(catalogue(t, c.after))
		if !maps.Equal(renamed, c.renamed) || !slices.Equal(remade, c.remade) {
			t.Errorf("%s: renamed %v, remade %q", name, renamed, remade)
		}
		for title, has := range c.has {
			if got := !s.Models.Get(title).Token.IsZero(); got != has {
				t.Errorf("%s: %s has a token: %v", name, title, got)
			}
		}
	}
}

func TestATokenIsOfItsRun(t *testing.T) {
	s := New("main:1")
	if s.Server.Restarted {
		t.Error("what was before the beginning is not known")
	}
	s.Models.Of("main:1").Gave(now)
	s.Server.Gave(now)
	s.Server.Gave(now.Add(-time.Second)) // told late
	s.LookAnew(now)
	if !s.Server.Token.Equal(now) || !s.Models.Get("main:1").Proved {
		t.Error("an unload of one model takes nothing back from the others")
	}
	s.RunEnded(now)
	if !s.Server.Token.IsZero() || s.Models.Get("main:1").Proved || !s.Server.Restarted || s.Models.Get("main:1").Token.IsZero() {
		t.Errorf("%+v", s.Server)
	}
}
