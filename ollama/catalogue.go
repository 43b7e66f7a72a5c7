package ollama

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/clawdbot/clawgate/evidence"
)

// Known is one model as Clawgate goes by it: a [Variant], whatever names it has.
type Known struct {
	// Title is what Clawgate calls it: one of its names, normalised, and the same one for
	// as long as it has that name. A model in memory that has lost its last name keeps
	// it, with a part of its digest where that name is another model's by now.
	Title     string    `json:"title"`
	Place     Place     `json:"place,omitempty"` // empty where it is not known
	Abilities Abilities `json:"abilities,omitzero"`
	Bytes     uint64    `json:"bytes,omitempty"` // of its files; 0 where that is not known
	Remote    bool      `json:"remote,omitempty"`
	Names     []string  `json:"names,omitempty"`   // all that Ollama lists for it, normalised, in order
	Digests   []string  `json:"digests,omitempty"` // of its manifests
}

// Shares says that Ollama keeps one runner for both models, or that they are one.
func (k Known) Shares(other Known) bool { return k.Title == other.Title || k.Place.Is(other.Place) }

// Catalogue says which model a name stands for. It is a value: it is never changed once
// it is made, and any goroutine may read it. The zero value knows no name.
type Catalogue struct {
	models                    []Known // the listed ones first
	byTitle, byName, byDigest map[string]int
}

// Catalogue puts together what is known now. Titles stay what they were before, but
// for the first names: what these stand for is called by them.
func (d *Directory) Catalogue(before Catalogue, first ...string) Catalogue {
	var models []Known
	at := map[Variant]int{}
	for _, name := range slices.Sorted(maps.Keys(d.tags)) {
		tag := d.tags[name]
		is, _ := d.Of(name)
		key := is.Variant
		if key.Place == "" && tag.Digest != "" { // one manifest is one model, whatever it is
			key.Place = Place("manifest " + tag.Digest)
		}
		i, same := at[key]
		if !same || key.Place == "" {
			i, models = len(models), append(models, Known{Place: is.Variant.Place, Abilities: is.Abilities, Bytes: tag.Bytes, Remote: is.Remote})
			at[key] = i
		}
		models[i].Names = append(models[i].Names, name)
		if digest := tag.Digest; digest != "" && !slices.Contains(models[i].Digests, digest) {
			models[i].Digests = append(models[i].Digests, digest)
		}
	}
	entitle(models, before, first)
	return catalogueOf(d.withUnlisted(models, before, at))
}

// entitle gives each model one of its names as its title.
func entitle(models []Known, before Catalogue, first []string) {
	for i := range models {
		m := &models[i]
		m.Title = m.Names[0]
		for _, name := range m.Names {
			if was, known := before.Of(name); known && was.Title == name && (was.Place == "" || was.Place.Is(m.Place)) {
				m.Title = name
				break
			}
		}
		for _, name := range first {
			if slices.Contains(m.Names, name) {
				m.Title = name
				break
			}
		}
	}
}

// withUnlisted adds the models that no name stands for any more: they can still be in
// memory. One that differs in nothing from a listed one is that.
func (d *Directory) withUnlisted(models []Known, before Catalogue, at map[Variant]int) []Known {
	listed := catalogueOf(models)
	for _, digest := range slices.Sorted(maps.Keys(d.told)) {
		is := d.told[digest]
		if _, known := listed.byDigest[digest]; known || is.Remote || is.Variant.Place == "" {
			continue
		}
		i, same := at[is.Variant]
		if !same {
			i, models = len(models), append(models, Known{Title: listed.unlistedTitle(before, digest), Place: is.Variant.Place, Abilities: is.Abilities})
			at[is.Variant] = i
		}
		models[i].Digests = append(models[i].Digests, digest)
	}
	return models
}

// unlistedTitle is what a model is called that has lost its names.
func (c Catalogue) unlistedTitle(before Catalogue, digest string) string {
	title := ""
	if i, known := before.byDigest[digest]; known {
		title = before.models[i].Title
	}
	if _, taken := c.byName[title]; title != "" && !taken {
		return title
	}
	return nameless(title, digest)
}

// nameless is a title that is no name of any model's.
func nameless(name, digest string) string {
	return cmp.Or(name, "a model without a name") + "@" + digest[:min(len(digest), shortDigest)]
}

// shortDigest is as much of a digest as `ollama list` shows.
const shortDigest = 12

func catalogueOf(models []Known) Catalogue {
	c := Catalogue{models: models, byTitle: map[string]int{}, byName: map[string]int{}, byDigest: map[string]int{}}
	for i, m := range models {
		c.byTitle[m.Title] = i
		for _, name := range m.Names {
			c.byName[name] = i
		}
		for _, digest := range m.Digests {
			c.byDigest[digest] = i
		}
	}
	return c
}

// Of is what a normalised name stands for. Where the releases of Ollama differ in
// that, a model of exactly that name goes before an alias. Known is false for a name
// that Ollama does not list, as far as is known here: it is its own title then.
func (c Catalogue) Of(name string) (is Known, known bool) {
	i, known := c.byName[name]
	if other, ambiguous := localReading(name); !known && ambiguous {
		i, known = c.byName[other]
	}
	if !known {
		return Known{Title: name}, false
	}
	return c.models[i], true
}

// Titled is the model of that title; one of which nothing else is known where there is
// none.
func (c Catalogue) Titled(title string) Known {
	if i, known := c.byTitle[title]; known {
		return c.models[i]
	}
	return Known{Title: title}
}

// Loaded is what a model in memory is: it goes by its digest, for its name may stand
// for another model by now.
func (c Catalogue) Loaded(m evidence.LoadedModel) Known {
	if i, known := c.byDigest[m.Digest]; known {
		return c.models[i]
	}
	is, _ := c.Of(m.Name)
	if m.Digest == "" || len(is.Digests) == 0 {
		return is // nothing speaks against its name
	}
	return Known{Title: nameless(m.Name, m.Digest)}
}

// At are the models of a place, of which Ollama has one in memory at a time; none for
// no place.
func (c Catalogue) At(p Place) []Known {
	var at []Known
	for _, m := range c.models {
		if m.Place.Is(p) {
			at = append(at, m)
		}
	}
	return at
}

// Names are all that Ollama lists, normalised, in order.
func (c Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.byName)) }

// Models are all of them, the listed ones first.
func (c Catalogue) Models() []Known { return slices.Clone(c.models) }

// MarshalJSON writes the models down.
func (c Catalogue) MarshalJSON() ([]byte, error) { return json.Marshal(c.models) }

// UnmarshalJSON reads them back.
func (c *Catalogue) UnmarshalJSON(text []byte) error {
	var models []Known
	if err := json.Unmarshal(text, &models); err != nil {
		return err
	}
	if *c = (Catalogue{}); models != nil {
		*c = catalogueOf(models)
	}
	return nil
}
