package simulation

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Names that share weights share a runner. It is listed by the name that loaded it,
// for as long as it runs, whatever becomes of that name (sched.go and PsHandler, read
// in 0.9.6 and 0.32.14).

// spelled is a name as the server compares it: without what it adds by itself, and
// without regard to case (getExistingName in server/routes.go).
func (r release) spelled(name string) string {
	if r.modern() {
		name = strings.TrimSpace(name)
	}
	name = strings.TrimPrefix(strings.ToLower(fullName(name)), "registry.ollama.ai/")
	return strings.TrimPrefix(name, "library/")
}

// named is the model under another name.
func (m *model) named(name string, now time.Time) *model {
	made := *m
	made.Name, made.parameters, made.adapters, made.modified = name, maps.Clone(m.parameters), slices.Clone(m.adapters), now
	return &made
}

// put adds a name, in the place of the one that was called so, which keeps its
// spelling. w.mu is held.
func (w *World) put(made *model) {
	if old := w.find(made.Name); old != nil {
		made.Name = old.Name
		w.models = slices.DeleteFunc(w.models, func(m *model) bool { return m == old })
	}
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
	made.System = cmp.Or(asked.System, made.System)
	maps.Copy(made.parameters, asked.Parameters)
	for _, file := range slices.Sorted(maps.Keys(asked.Adapters)) {
		made.adapters = append(made.adapters, strings.TrimPrefix(asked.Adapters[file], "sha256:"))
	}
	made.seal()
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

// keepBlob takes a file to make a model from. What is in it is not kept.
func (s *server) keepBlob(out *reply, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a client that leaves gets no answer
	out.bare(http.StatusCreated)
}
