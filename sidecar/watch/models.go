package watch

import (
	"iter"
	"maps"
	"slices"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// Models are the records of all models that something is known of.
type Models struct {
	Main   string // has its record for ever
	named  map[string]*Model
	lately []string // their names, the one that was asked for last at the end
}

// maxModels bounds the memory for models; the ones with requests now are few.
const maxModels = 128

// Of returns the record of a model, by its normalised name.
func (m *Models) Of(model string) *Model {
	if i := slices.Index(m.lately, model); i >= 0 {
		m.lately = slices.Delete(m.lately, i, i+1)
	} else {
		if m.named == nil {
			m.named = map[string]*Model{}
		}
		m.makeRoom()
		m.named[model] = &Model{}
	}
	m.lately = append(m.lately, model)
	return m.named[model]
}

// Get is for a question only: of a model that nothing is known of nothing is kept.
func (m *Models) Get(model string) *Model {
	if known, found := m.named[model]; found {
		return known
	}
	return &Model{}
}

// makeRoom forgets the model that was asked for least lately. One that was kept out is
// remembered longer, for the next time is twice as long: of those the one goes whose
// time is over first.
func (m *Models) makeRoom() {
	if len(m.lately) < maxModels {
		return
	}
	first := -1
	for i, name := range m.lately {
		if name != m.Main && (first < 0 || m.named[name].Quarantine.Until.Before(m.named[m.lately[first]].Quarantine.Until)) {
			first = i
		}
	}
	delete(m.named, m.lately[first])
	m.lately = slices.Delete(m.lately, first, first+1)
}

// rename has records go by other titles, and forgets those of titles that stand for
// another model now.
func (m *Models) rename(to map[string]string, remade []string) {
	moved := map[string]*Model{}
	for from, title := range to {
		moved[title] = m.Get(from)
	}
	for _, gone := range slices.Concat(remade, slices.Collect(maps.Keys(to))) {
		delete(m.named, gone)
		m.lately = slices.DeleteFunc(m.lately, func(title string) bool { return title == gone })
	}
	for _, title := range slices.Sorted(maps.Keys(moved)) {
		*m.Of(title) = *moved[title]
	}
}

// Each does something with every record.
func (m *Models) Each(do func(*Model)) {
	for _, of := range m.named {
		do(of)
	}
}

// SawListed learns how large models are that were never in memory. One that another
// machine runs will never be.
func (m *Models) SawListed(list []Listed, wanted ...string) {
	for _, listed := range list {
		model := ollama.NormalizeModel(listed.Name)
		if listed.Remote || !slices.Contains(wanted, model) {
			continue
		}
		if of := m.Of(model); of.Size == 0 {
			of.Size = listed.Bytes
		}
	}
}

// sawLoaded learns from a list of loaded models how much of each is on a GPU. What was
// seen to be in memory before it counts no more.
func (m *Models) sawLoaded(loaded []evidence.LoadedModel) {
	for name, of := range m.named {
		of.Present = false
		of.Answers = of.Answers && slices.ContainsFunc(loaded, func(l evidence.LoadedModel) bool { return l.Name == name })
	}
	for _, l := range loaded {
		if l.Size == 0 {
			continue
		}
		of := m.Of(l.Name)
		if of.Size = l.Size; l.SizeVRAM == 0 {
			continue
		}
		of.BestRatio = max(of.BestRatio, float64(l.SizeVRAM)/float64(l.Size))
		of.UsedThisRun = true
	}
}

// AnyPresent says that a model is in memory that may be in no list yet.
func (m *Models) AnyPresent() bool {
	for _, of := range m.named {
		if of.Present {
			return true
		}
	}
	return false
}

// Proved are the models that have answered in this run of the server. It is never nil.
func (m *Models) Proved() map[string]bool {
	proved := map[string]bool{}
	for title, of := range m.named {
		if of.Proved {
			proved[title] = true
		}
	}
	return proved
}

// Named are the names of all of them, in no order.
func (m *Models) Named() iter.Seq2[string, *Model] { return maps.All(m.named) }
