package simulation

import (
	"errors"
	"fmt"
	"slices"
)

// Damage is what has become of the file of a model's weights.
type Damage int

// The damages. What Ollama says of each was seen on 0.9.6 and 0.32.14.
const (
	Whole   Damage = iota
	Half           // its end is missing, as after a disk that was full
	Foreign        // it is something else
	Gone           // it is not there, and its manifest is
)

// DamageFile damages the file of the model's weights, whatever names they have. A
// model that is in memory stays there, and each request looks at the file first.
// DamageFile(model, Whole) ends it, or Mend.
func (w *World) DamageFile(model string, damage Damage) {
	w.flaw(model, func(f *flaws) { f.damage = damage })
}

// BreakAdapter damages the file of the adapters that the model has: every load of
// it ends with its runner. The same weights without them load well. Turning it off
// ends it, or Mend. A model without an adapter is a mistake of the caller's.
func (w *World) BreakAdapter(model string, on bool) {
	w.change(func() {
		m := w.find(model)
		if m == nil || len(m.adapters) == 0 {
			panic("simulation: there is no model with an adapter called " + model)
		}
		for _, adapter := range m.adapters {
			w.badAdapters[adapter] = on
		}
	})
}

var (
	errForeign = errors.New("invalid file magic")
	errGone    = errors.New("file does not exist") // handleScheduleError has a sentence of its own for it
)

// unread is what Ollama says when it reads the weights to load them; nil when they
// are whole. w.mu is held.
func (w *World) unread(m *model) error {
	switch w.flaws[m.digest].damage {
	case Foreign:
		return errForeign
	case Gone:
		return errGone
	case Half:
		if w.release.servesItself() {
			return fmt.Errorf("tensor %q offset+size (%d) exceeds file size (%d)", "blk.1.attn_k.weight", m.Bytes/2+32, m.Bytes/2)
		}
		return fmt.Errorf("unable to load model: %s", m.blob())
	}
	return nil
}

// speaks says that Ollama takes the model for one that generates: it looks into the
// file for that, at each request. w.mu is held.
func (w *World) speaks(m *model) bool {
	damage := w.flaws[m.digest].damage
	return !m.Embeds && damage != Foreign && damage != Gone
}

// adapted says that the model's adapters can be put on its weights. w.mu is held.
func (w *World) adapted(m *model) bool {
	return !slices.ContainsFunc(m.adapters, func(adapter string) bool { return w.badAdapters[adapter] })
}
