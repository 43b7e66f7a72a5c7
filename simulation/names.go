package simulation

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Names that share weights share a runner. It is listed by the name that loaded it,
// for as long as it runs, whatever becomes of that name (sched.go and PsHandler, read
// in 0.9.6 and 0.32.14).

// named is the model under another name.
func (m *model) named(name string, now time.Time) *model {
	made := *m
	made.Name, made.parameters, made.modified = name, maps.Clone(m.parameters), now
	return &made
}

// put adds a name, in the place of the one that was called so. w.mu is held.
func (w *World) put(made *model) {
	w.models = slices.DeleteFunc(w.models, func(m *model) bool { return m.Name == made.Name })
	w.models = append(w.models, made)
}

// create makes a name from another one's weights, with parameters of its own on
// top of those that the other has.
func (s *server) create(out *reply, _ *http.Request, asked *request) {
	w, name := s.world, fullName(asked.model())
	w.mu.Lock()
	from := w.find(asked.From)
	if name == "" || from == nil || from.Missing {
		w.mu.Unlock()
		out.error(http.StatusBadRequest, "neither 'from' or 'files' was specified")
		return
	}
	made := from.named(name, w.now())
	made.manifest = sum("manifest of " + name)
	maps.Copy(made.parameters, asked.Parameters)
	w.put(made)
	w.mu.Unlock()
	out.progress(asked, []map[string]any{
		{"status": "using existing layer sha256:" + made.digest}, {"status": "writing manifest"}, {"status": "success"},
	})
}

// copied gives a model a second name, and the name other weights if there is a model
// of that name already.
func (s *server) copied(out *reply, _ *http.Request, asked *request) {
	w := s.world
	w.mu.Lock()
	from := w.find(asked.Source)
	if from == nil || from.Missing {
		w.mu.Unlock()
		out.error(http.StatusNotFound, fmt.Sprintf("model %q not found", asked.Source))
		return
	}
	w.put(from.named(fullName(asked.Destination), w.now()))
	w.mu.Unlock()
	out.empty()
}

// remove deletes a name. A runner that it loaded goes on.
func (s *server) remove(out *reply, _ *http.Request, asked *request) {
	w := s.world
	w.mu.Lock()
	gone := w.find(asked.model())
	if gone == nil || gone.Missing {
		w.mu.Unlock()
		out.missing(asked)
		return
	}
	w.models = slices.DeleteFunc(w.models, func(m *model) bool { return m == gone })
	w.mu.Unlock()
	out.empty()
}
