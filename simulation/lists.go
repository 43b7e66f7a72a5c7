package simulation

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/pause"
)

func (s *server) tags() any {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	list := []any{}
	for _, m := range s.world.models {
		if !m.Missing {
			list = append(list, map[string]any{
				"name": m.Name, "model": m.Name, "modified_at": m.modified, "size": m.Bytes,
				"digest": m.manifest, "details": m.details(),
			})
		}
	}
	return map[string]any{"models": list}
}

func (s *server) openAIModels() any {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	list := []any{}
	for _, m := range s.world.models {
		if !m.Missing {
			list = append(list, map[string]any{"id": m.Name, "object": "model", "created": m.modified.Unix(), "owned_by": "library"})
		}
	}
	return map[string]any{"object": "list", "data": list}
}

// running lists the runners. One that died is in the list until a request or its
// keep-alive finds out, and one that still loads until 0.31.
func (s *server) running() any {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	list := []any{}
	for _, digest := range slices.Sorted(maps.Keys(s.loaded)) {
		r := s.loaded[digest]
		if r.loading && s.world.release.modern() {
			continue
		}
		list = append(list, r.entry())
	}
	return map[string]any{"models": list}
}

// entry is the runner in the list. world.mu is held.
func (r *runner) entry() map[string]any {
	onGPU := int64(0) // all of it or nothing
	if r.onGPU {
		onGPU = r.model.Bytes
	}
	entry := map[string]any{
		"name": r.model.Name, "model": r.model.Name, "size": r.model.Bytes, "size_vram": onGPU,
		"digest": r.model.manifest, "details": r.model.details(), "expires_at": r.shownExpiry(),
	}
	if r.server.world.release.tellsContext() {
		entry["context_length"] = r.contextSize()
	}
	return entry
}

// ps answers /api/ps. What it does while a model loads depends on the release,
// and on luck; see [World.PsCrashes].
func (s *server) ps(out *reply, r *http.Request) {
	if s.list.pass(r.Context()) != nil {
		return
	}
	if loading := s.loading(); loading != nil {
		s.listDuringLoad(loading)
	}
	out.json(http.StatusOK, s.running())
}

// listDuringLoad waits until the list may be read, unless the server dies of it.
func (s *server) listDuringLoad(loading *runner) {
	if s.world.release.listBlocks() {
		if !loading.take() {
			panic(http.ErrAbortHandler)
		}
		loading.give()
		return
	}
	var crashes bool
	s.world.change(func() {
		if crashes = s.world.psCrashes; crashes {
			s.world.spawn(func() { s.world.exit(s, goPanic) })
		}
	})
	if crashes {
		panic(http.ErrAbortHandler)
	}
}

// shownExpiry is when the runner expires; one that never was idle would expire
// a session from now. world.mu is held.
func (r *runner) shownExpiry() time.Time {
	if !r.expiresAt.IsZero() {
		return r.expiresAt
	}
	return r.server.world.now().Add(r.session)
}

const pullSteps = 20

// pull brings a missing model to the disk. What was pulled stays there when
// the client goes away.
func (s *server) pull(out *reply, r *http.Request, asked *request) {
	w := s.world
	w.mu.Lock()
	m := w.find(asked.model())
	w.mu.Unlock()
	if m == nil {
		out.progress(asked, []map[string]any{{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}})
		return
	}
	steps := []map[string]any{{"status": "pulling manifest"}}
	stream := asked.Stream == nil || *asked.Stream
	if stream && out.line(steps[0]) != nil {
		return
	}
	for !s.pullStep(r.Context(), m) {
		w.mu.Lock()
		done, full := m.pulled*m.Bytes/pullSteps, w.diskFull
		w.mu.Unlock()
		if full {
			out.progress(asked, []map[string]any{{"error": "write " + m.blob() + "-partial: no space left on device"}})
			return
		}
		if r.Context().Err() != nil {
			out.moving()
			return
		}
		if stream && out.line(map[string]any{
			"status": "pulling " + m.digest[:12], "digest": "sha256:" + m.digest, "total": m.Bytes, "completed": done,
		}) != nil {
			return
		}
	}
	out.progress(asked, []map[string]any{{"status": "verifying sha256 digest"}, {"status": "writing manifest"}, {"status": "success"}})
}

// pullStep pulls a twentieth of the model and says whether all of it is there.
func (s *server) pullStep(ctx context.Context, m *model) (complete bool) {
	w := s.world
	w.mu.Lock()
	if !m.Missing || w.diskFull {
		defer w.mu.Unlock()
		return !m.Missing
	}
	takes := m.PullTakes/pullSteps + w.stagger()
	w.mu.Unlock()
	if pause.For(ctx, takes) != nil || s.gate.pass(s.ctx) != nil { //nolint:contextcheck // the gate lasts as long as the server, not the request
		return false
	}
	w.change(func() {
		m.pulled++
		m.Missing = m.pulled < pullSteps
		w.meter.rx += uint64(m.Bytes / pullSteps)
		w.meter.write += uint64(m.Bytes / pullSteps)
	})
	return false
}

// progress writes lines of progress, or only the last of them to a client that
// wants no stream.
func (r *reply) progress(asked *request, lines []map[string]any) {
	if asked.Stream != nil && !*asked.Stream {
		last := lines[len(lines)-1]
		status := http.StatusOK
		if last["error"] != nil {
			status = http.StatusInternalServerError
		}
		_ = r.write(status, kindBareJSON, encode(last))
		return
	}
	for _, line := range lines {
		if r.line(line) != nil {
			return
		}
	}
}
