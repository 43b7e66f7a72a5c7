package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// ErrNoRunner says that no model is loaded, so that there is nothing to break.
var ErrNoRunner = errors.New("no model is loaded")

// FreezeRunner stops the runner of every loaded model, as SIGSTOP does: the
// server answers, the models do not (F1).
func (w *World) FreezeRunner() error { return w.runners(func(r *runner) { r.frozen = true }) }

// ThawRunner lets runners that were frozen or spin go on.
func (w *World) ThawRunner() error {
	return w.runners(func(r *runner) { r.frozen, r.spinning = false, false })
}

// KillRunner ends the runner of every loaded model, as SIGKILL does (F5).
func (w *World) KillRunner() error { return w.runners((*runner).die) }

// FreezeRunnerOf is FreezeRunner for the runners of one model's weights, by any of
// their names; so are SpinRunnerOf, KillRunnerOf and ThawRunnerOf.
func (w *World) FreezeRunnerOf(model string) error {
	return w.runnersOf(model, func(r *runner) { r.frozen = true })
}

// SpinRunnerOf is SpinRunner for one model.
func (w *World) SpinRunnerOf(model string) error {
	return w.runnersOf(model, func(r *runner) { r.spinning = !r.loading })
}

// KillRunnerOf is KillRunner for one model.
func (w *World) KillRunnerOf(model string) error { return w.runnersOf(model, (*runner).die) }

// ThawRunnerOf is ThawRunner for one model.
func (w *World) ThawRunnerOf(model string) error {
	return w.runnersOf(model, func(r *runner) { r.frozen, r.spinning = false, false })
}

// runnersOf acts on the living runners of the weights that a name stands for.
func (w *World) runnersOf(model string, act func(*runner)) error {
	w.mu.Lock()
	m := w.find(model)
	w.mu.Unlock()
	if m == nil {
		return fmt.Errorf("simulation: there is no model called %q", model)
	}
	found := ErrNoRunner
	err := w.runners(func(r *runner) {
		if r.model.digest == m.digest {
			act(r)
			found = nil
		}
	})
	if err != nil {
		return err
	}
	return found
}

// runners acts on the runners that the server knows and that live.
func (w *World) runners(act func(*runner)) error {
	err := ErrNoRunner
	w.change(func() {
		for _, r := range w.server.everyRunner() {
			if !r.orphan {
				act(r)
				err = nil
			}
		}
		w.refreeze()
	})
	return err
}

// FreezeServer stops the server's process: connections are accepted and no byte
// comes.
func (w *World) FreezeServer() error { return w.freezeServer(true) }

// ThawServer lets it go on.
func (w *World) ThawServer() error { return w.freezeServer(false) }

func (w *World) freezeServer(frozen bool) error {
	err := ErrNotRunning
	w.change(func() {
		if w.server != nil {
			w.server.frozen = frozen
			w.refreeze()
			err = nil
		}
	})
	return err
}

// Crash ends the server's process from outside the engine, as kill -9 does. The
// restart policy brings it back. A process that is paused does not end before it goes
// on, so that nothing happens then.
func (w *World) Crash() error {
	w.mu.Lock()
	server, paused := w.server, w.container.status == evidence.Paused
	w.mu.Unlock()
	if server == nil || paused {
		return ErrNotRunning
	}
	w.exit(server, sigKill)
	return nil
}

// Slow makes everything that models do take factor times as long and use that
// part of a CPU, as a CPU limit does; 1 is normal, less counts as 1.
func (w *World) Slow(factor float64) { w.change(func() { w.slow = max(1, factor) }) }

// Bypass sends one request to the server past any relay, and returns when the
// answer is complete.
func (w *World) Bypass(ctx context.Context, model string, tokens int) error {
	body := string(encode(map[string]any{
		"model": model, "prompt": "hello", "stream": false, "options": map[string]any{"num_predict": tokens},
	}))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ollama/api/generate", strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("cannot bypass the relay: %w", err)
	}
	transport := &http.Transport{DialContext: w.Dial, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("cannot bypass the relay: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || !json.Valid(text)) {
		err = fmt.Errorf("status %s: %s", response.Status, text)
	}
	if err != nil {
		return fmt.Errorf("cannot bypass the relay: %w", err)
	}
	return nil
}

// Serving says why no model can have answered just now: nil while one is loaded
// and its process lives. It looks at the world itself and not through the engine,
// so that no fault delays or hides it; tests hold it against what is claimed.
func (w *World) Serving() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.server == nil {
		return ErrNotRunning
	}
	for _, r := range w.server.everyRunner() {
		if !r.loading && !r.orphan {
			return nil
		}
	}
	return ErrNoRunner
}
