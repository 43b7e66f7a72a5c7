package ollama

import (
	"maps"
	"slices"

	"github.com/clawdbot/clawgate/evidence"
)

// Directory is what the names of a server's models stand for, as far as /api/tags and
// /api/show have told. It asks nothing itself, and is one goroutine's. The zero value
// knows nothing.
type Directory struct {
	tags map[string]Tag         // by name
	told map[string]Description // by digest: it holds as long as that is the same
}

// mostUnlisted bounds the memory for digests that no name has any more: their runners
// can still be in memory.
const mostUnlisted = 64

// List takes what Ollama lists now.
func (d *Directory) List(tags []Tag) {
	d.tags = make(map[string]Tag, len(tags))
	listed := map[string]bool{}
	for _, tag := range tags {
		d.tags[tag.Name] = tag
		listed[tag.Digest] = true
	}
	if len(d.told) > len(listed)+mostUnlisted {
		maps.DeleteFunc(d.told, func(digest string, _ Description) bool { return !listed[digest] })
	}
}

// Learn takes what a model is whose manifest has that digest; without one it takes
// nothing.
func (d *Directory) Learn(digest string, is Description) {
	if digest == "" {
		return
	}
	if d.told == nil {
		d.told = map[string]Description{}
	}
	d.told[digest] = is
}

// Unknown are the listed models that have yet to be asked about, one for each digest.
func (d *Directory) Unknown() []Tag {
	asked := map[string]bool{}
	var unknown []Tag
	for _, name := range slices.Sorted(maps.Keys(d.tags)) {
		tag := d.tags[name]
		if _, known := d.told[tag.Digest]; !known && !tag.Remote && tag.Digest != "" && !asked[tag.Digest] {
			asked[tag.Digest] = true
			unknown = append(unknown, tag)
		}
	}
	return unknown
}

// Of is what a normalised name stands for.
func (d *Directory) Of(name string) (is Description, known bool) {
	tag, listed := d.tags[name]
	if other, ambiguous := localReading(name); !listed && ambiguous {
		tag = d.tags[other]
	}
	if tag.Remote {
		return Description{Remote: true}, true
	}
	is, known = d.told[tag.Digest]
	return is, known
}

// Loaded is what a model in memory is: it goes by its digest, since its name may stand
// for another model by now.
func (d *Directory) Loaded(m evidence.LoadedModel) (is Description, known bool) {
	is, known = d.told[m.Digest]
	return is, known
}

// Bears says that the name by which a model in memory is listed still stands for it.
func (d *Directory) Bears(m evidence.LoadedModel) bool {
	return m.Digest != "" && d.tags[m.Name].Digest == m.Digest
}

// Names are those of a variant, in order: by any of them its runner is reached, and
// not replaced.
func (d *Directory) Names(v Variant) []string {
	return d.names(func(is Description) bool { return v.Place != "" && is.Variant == v })
}

// NamesAt are those of all variants of a place, in order.
func (d *Directory) NamesAt(p Place) []string {
	return d.names(func(is Description) bool { return is.Variant.Place.Is(p) })
}

func (d *Directory) names(is func(Description) bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.tags)) {
		if of, _ := d.Of(name); is(of) {
			names = append(names, name)
		}
	}
	return names
}
