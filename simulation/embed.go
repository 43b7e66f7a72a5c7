package simulation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// embed serves both names of the call; the older one has one vector.
func (s *server) embed(out *reply, r *http.Request, asked *request) {
	vectors, ok := s.vectors(out, r, asked)
	switch {
	case !ok:
	case r.URL.Path == "/api/embeddings":
		out.json(http.StatusOK, map[string]any{"embedding": append([]float32{}, flatten(vectors)...)})
	default:
		out.json(http.StatusOK, map[string]any{"model": asked.model(), "embeddings": vectors})
	}
}

// openAIEmbed ignores options and keep_alive, as Ollama does under /v1.
func (s *server) openAIEmbed(out *reply, r *http.Request, asked *request) {
	asked.Options, asked.KeepAlive = nil, nil
	vectors, ok := s.vectors(out, r, asked)
	if !ok {
		return
	}
	data := []any{}
	for i, vector := range vectors {
		data = append(data, map[string]any{"object": "embedding", "embedding": vector, "index": i})
	}
	tokens := tokensOf(asked.text())
	out.json(http.StatusOK, map[string]any{
		"object": "list", "data": data, "model": asked.model(), "usage": map[string]any{"prompt_tokens": tokens, "total_tokens": tokens},
	})
}

// vectors has a runner embed, and answers itself when that does not succeed. Without
// a text it loads the model.
func (s *server) vectors(out *reply, r *http.Request, asked *request) (vectors [][]float32, ok bool) {
	m := s.world.local(asked.model())
	if m == nil {
		out.unknown(asked)
		return nil, false
	}
	ctx, done := context.WithCancel(r.Context())
	defer done()
	if s.list.pass(ctx) != nil {
		return nil, false
	}
	runner, err := s.runnerFor(ctx, m, asked)
	if err != nil {
		out.failed(asked, err)
		return nil, false
	}
	if asked.text() == "" {
		return [][]float32{}, true
	}
	if s.world.release.servesItself() && !m.Embeds {
		out.error(onlyNew(r, http.StatusNotImplemented), "This server does not support embeddings. Start it with `--embeddings`")
		return nil, false
	}
	if err := runner.generate(ctx, asked.text(), 1, func(int) error { return nil }); err != nil {
		s.embedFailed(out, r, runner, err)
		return nil, false
	}
	return [][]float32{{0.6, 0.8}}, true
}

// onlyNew is the status of an error of a runner's: the older call says 500 of all.
func onlyNew(r *http.Request, status int) int {
	if r.URL.Path == "/api/embeddings" {
		return http.StatusInternalServerError
	}
	return status
}

// embedFailed answers a request whose runner did not embed. Newer releases call what
// went wrong there the client's mistake.
func (s *server) embedFailed(out *reply, r *http.Request, runner *runner, err error) {
	release := s.world.release
	if errors.Is(err, errUnexpected) {
		err = fmt.Errorf("do embedding request: Post \"http://127.0.0.1:%d%s\": EOF", runner.port(), release.embedPath())
	}
	if errors.Is(err, context.Canceled) || !release.servesItself() {
		out.failed(nil, err)
		return
	}
	out.moving()
	out.error(onlyNew(r, http.StatusBadRequest), err.Error())
}

func flatten(vectors [][]float32) (flat []float32) {
	for _, vector := range vectors {
		flat = append(flat, vector...)
	}
	return flat
}
