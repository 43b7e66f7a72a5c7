package sidecar

import (
	"slices"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/probe"
)

// models are the records of all models that something is known of.
type models struct {
	main   string // has its record for ever
	named  map[string]*modelRecord
	lately []string // their names, the one that was asked for last at the end
}

// maxModels bounds the memory for models; the ones with requests now are few.
const maxModels = 128

// of returns the record of a model, by its normalised name.
func (m *models) of(model string) *modelRecord {
	if i := slices.Index(m.lately, model); i >= 0 {
		m.lately = slices.Delete(m.lately, i, i+1)
	} else {
		if m.named == nil {
			m.named = map[string]*modelRecord{}
		}
		m.makeRoom()
		m.named[model] = &modelRecord{}
	}
	m.lately = append(m.lately, model)
	return m.named[model]
}

// get is for a question only: of a model that nothing is known of nothing is kept.
func (m *models) get(model string) *modelRecord {
	if known, found := m.named[model]; found {
		return known
	}
	return &modelRecord{}
}

// makeRoom forgets the model that was asked for least lately. One that was kept out is
// remembered longer, for the next time is twice as long: of those the one goes whose
// time is over first.
func (m *models) makeRoom() {
	if len(m.lately) < maxModels {
		return
	}
	first := -1
	for i, name := range m.lately {
		if name != m.main && (first < 0 || m.named[name].kept.until.Before(m.named[m.lately[first]].kept.until)) {
			first = i
		}
	}
	delete(m.named, m.lately[first])
	m.lately = slices.Delete(m.lately, first, first+1)
}

func (m *models) each(do func(*modelRecord)) {
	for _, of := range m.named {
		do(of)
	}
}

// sawListed learns how large models are that were never in memory. One that another
// machine runs will never be.
func (m *models) sawListed(list []probe.Listed, wanted ...string) {
	for _, listed := range list {
		model := ollama.NormalizeModel(listed.Name)
		if listed.Remote || !slices.Contains(wanted, model) {
			continue
		}
		if of := m.of(model); of.size == 0 {
			of.size = listed.Bytes
		}
	}
}

// sawLoaded learns from a list of loaded models how much of each is on a GPU. What was
// seen to be in memory before it counts no more.
func (m *models) sawLoaded(loaded []evidence.LoadedModel) {
	for name, of := range m.named {
		of.present = false
		of.answers = of.answers && slices.ContainsFunc(loaded, func(l evidence.LoadedModel) bool { return l.Name == name })
	}
	for _, l := range loaded {
		if l.Size == 0 {
			continue
		}
		of := m.of(l.Name)
		if of.size = l.Size; l.SizeVRAM == 0 {
			continue
		}
		of.bestRatio = max(of.bestRatio, float64(l.SizeVRAM)/float64(l.Size))
		of.usedThisRun = true
	}
}

// anyPresent says that a model is in memory that may be in no list yet.
func (m *models) anyPresent() bool {
	for _, of := range m.named {
		if of.present {
			return true
		}
	}
	return false
}
