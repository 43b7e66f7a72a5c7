package simulation

import (
	"time"

	"github.com/clawdbot/clawgate/pause"
)

// flaws are what is wrong with the weights of one model, whichever runner has
// them. They outlive the container.
type flaws struct {
	poisoned bool
	endless  bool
	tooLarge bool
	hollow   *hollow
	damage   Damage // of the file
}

// hollow answers say nothing: text is empty, or the one symbol of every token.
type hollow struct {
	text     string
	persists bool // beyond the end of the runner
}

// silent says that the answer has no text; a nil one is not hollow.
func (h *hollow) silent() bool { return h != nil && h.text == "" }

// Poison makes the model's runner die at every request that has it generate
// (F5). Loads work, other models answer, and the container runs. Turning it off
// ends it, or Mend. A model that the world does not have is a mistake of the
// caller's and panics, here and below.
func (w *World) Poison(model string, on bool) {
	w.flaw(model, func(f *flaws) { f.poisoned = on })
}

// Runaway makes the model's answers to requests without a num_predict go on for
// ever (F6). They flow well, and keep a slot until their clients leave.
func (w *World) Runaway(model string, on bool) {
	w.flaw(model, func(f *flaws) { f.endless = on })
}

// Hollow makes the model's answers complete and worthless (F9): an empty text
// gives 200, done and an eval_count of 0; any other is what every token says.
// All else is healthy. It ends with the runner that has the model, or the next
// one when there is none; with persists only Mend ends it.
func (w *World) Hollow(model, text string, persists bool) {
	w.flaw(model, func(f *flaws) { f.hollow = &hollow{text, persists} })
}

// FailMemory makes each load of the model run out of GPU memory, whatever is
// free (F11). A runner that has loaded it works on.
func (w *World) FailMemory(model string, on bool) {
	w.flaw(model, func(f *flaws) { f.tooLarge = on })
}

// Mend ends what Poison, Runaway, Hollow, FailMemory, DamageFile and BreakAdapter did
// to the model.
func (w *World) Mend(model string) {
	w.flaw(model, func(f *flaws) {
		*f = flaws{}
		for _, adapter := range w.find(model).adapters {
			delete(w.badAdapters, adapter)
		}
	})
}

func (w *World) flaw(name string, set func(*flaws)) {
	w.change(func() {
		m := w.find(name)
		if m == nil {
			panic("simulation: there is no model called " + name)
		}
		f := w.flaws[m.digest]
		set(&f)
		w.flaws[m.digest] = f
	})
}

// forgetHollow ends hollow answers with the runner that gave them. w.mu is held.
func (w *World) forgetHollow(digest string) {
	if f := w.flaws[digest]; f.hollow != nil && !f.hollow.persists {
		f.hollow = nil
		w.flaws[digest] = f
	}
}

func (r *runner) flaws() flaws {
	w := r.server.world
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flaws[r.model.digest]
}

// lingers is how long a runner goes on with an answer that nobody wants.
const lingers = 5 * time.Second

// Linger makes a runner notice late that a client has left (F7): the answer
// keeps its slot and goes on using CPU and GPU for another 5 s, and the next
// request waits for that.
func (w *World) Linger(on bool) { w.change(func() { w.lingering = on }) }

// linger is what a runner does after an answer was cut short, with its slot still
// taken.
func (r *runner) linger() {
	w := r.server.world
	w.mu.Lock()
	late := w.lingering
	w.mu.Unlock()
	if late {
		_ = pause.For(r.ctx, lingers+r.offset) // cut short by the runner's end
	}
}
