package probe

import (
	"encoding/json"

	"github.com/clawdbot/clawgate/evidence"
)

// vectors are those in an answer, by what each of the calls names them.
type vectors struct {
	Embeddings [][]float64 `json:"embeddings"` // /api/embed
	Embedding  []float64   `json:"embedding"`  // /api/embeddings
	Data       []struct {  // /v1/embeddings
		Embedding []float64 `json:"embedding"`
	} `json:"data"`
}

// vectorsOf reads an answer. One that is cut off, or is something else, has none.
func vectorsOf(answer []byte) (all [][]float64) {
	var read vectors
	if json.Unmarshal(answer, &read) != nil {
		return nil
	}
	all = read.Embeddings
	all = append(all, read.Embedding)
	for _, one := range read.Data {
		all = append(all, one.Embedding)
	}
	return all
}

// judgeVectors judges the answer to a question for an embedding: a number that is not
// zero was made by the model. Zeros alone prove nothing and speak against nothing: a
// model that gives them for this text may be well for others, and an unload would not
// change it. A vector with what is no number does not get here: Ollama cannot write it.
func (r *readiness) judgeVectors(answer []byte) evidence.ProbeResult {
	numbers := 0
	for _, vector := range vectorsOf(answer) {
		numbers += len(vector)
		for _, number := range vector {
			if number != 0 {
				return r.result(evidence.Success, "")
			}
		}
	}
	if numbers > 0 {
		return r.result(evidence.Unknown, "the model's embedding consists of zeros")
	}
	return r.result(evidence.Failure, "the answer has no embedding in it")
}
