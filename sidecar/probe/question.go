package probe

import (
	"context"
	"io"
	"net/http"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// paths are where the questions are asked.
var paths = map[ollama.Question]string{ollama.Chat: "/api/chat", ollama.Embed: "/api/embed"}

// askWhatItCan asks the model what it can, as far as that is known, and learns it
// otherwise: a model that refuses one question is asked the next one at once.
func (r *readiness) askWhatItCan(ctx context.Context, client *ollama.Client, options ollama.RunnerOptions) evidence.ProbeResult {
	can := r.spec.Abilities
	q, left := can.Ask()
	if !left {
		return r.result(evidence.Unknown, "the model can neither chat nor embed")
	}
	for {
		result := r.ask(ctx, client, paths[q], options)
		if !r.refused {
			if can != r.spec.Abilities && result.Outcome == evidence.Success {
				r.learn(can)
			}
			return result
		}
		can = can.Without(q)
		if q, left = can.Ask(); !left {
			r.learn(ollama.Abilities{}) // what was known of it holds no longer
			return result
		}
		r.rest()
	}
}

func (r *readiness) learn(can ollama.Abilities) {
	if r.spec.Learned != nil {
		r.spec.Learned(can)
	}
}

// maxErrorBody is how much of an error answer is read, in bytes.
const maxErrorBody = 16 << 10

// ask asks one question, after whatever was asked before.
func (r *readiness) ask(ctx context.Context, client *ollama.Client, path string, options ollama.RunnerOptions) evidence.ProbeResult {
	r.path, r.refused = path, false
	r.embeds = ollama.RouteOf(http.MethodPost, path).Embedding
	if r.embeds {
		r.nowWaitsFor("an embedding")
	} else {
		r.nowWaitsFor("a first chunk")
	}
	resp, err := client.Stream(ctx, path, r.question(options)) //nolint:bodyclose // rest closes it
	if err != nil {
		return r.failed(err, r.spec.FirstChunk)
	}
	r.body = resp.Body
	var result evidence.ProbeResult
	if resp.StatusCode == http.StatusOK {
		result = r.read(resp.Body)
	} else {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // the status alone is a verdict
		result = r.refusedWith(resp.StatusCode, ollama.ErrorText(body))
	}
	result.Answered = true
	return result
}

// question is the body of a request. Beside what it asks it has nothing that would have
// Ollama replace the runner, or keep the model longer than it does anyway.
func (r *readiness) question(options ollama.RunnerOptions) map[string]any {
	prompt := r.spec.Prompt
	if r.embeds {
		body := map[string]any{"model": r.spec.Model}
		if len(options) > 0 {
			body["options"] = options
		}
		if r.path == "/api/embeddings" {
			body["prompt"] = prompt
		} else {
			body["input"] = prompt
		}
		return body
	}
	all := map[string]any{"num_predict": r.spec.tokens()}
	for name, value := range options {
		all[name] = value
	}
	body := map[string]any{"model": r.spec.Model, "stream": true, "options": all, "think": false} // 0.9.6 and 0.17.4 take false from every model
	if r.path == "/api/generate" {
		body["prompt"] = prompt
	} else {
		body["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	}
	return body
}
