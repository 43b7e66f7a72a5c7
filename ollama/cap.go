package ollama

import (
	"fmt"
	"math"
	"strconv"

	"github.com/clawdbot/clawgate/members"
)

// Cap bounds the tokens that the answer to a request may have. It returns what
// to insert into the body; nothing when the client's own bound is small enough. All
// else of the body stays as it is, byte by byte.
//
// What is inserted stands last in the body's object, so that for Ollama it wins
// over what was there before: Go's decoder lets the last of duplicates win,
// whatever the case of its name, and adds a second object of options to the
// first. A number over the cap thus stays in the body and means nothing.
//
// A bound below one is none: Ollama takes -1, and up to 0.9.6 at least 0 too, for
// "until the model ends". Only a body that was read whole, and is a JSON object
// that asks a model for text and that Ollama would take, is capped. A smaller
// num_predict among the model's own parameters is overruled by the cap, as it
// is by any request's.
func (p Peek) Cap(most int) members.Insertion {
	if p.Purpose != Generate {
		return members.Insertion{}
	}
	smallest := most
	for _, bound := range p.bounds {
		if bound.tokens.wrong && !bound.optional {
			return members.Insertion{}
		}
		if bound.tokens.n >= 1 {
			smallest = min(smallest, bound.tokens.n)
		}
	}
	var added []string
	for _, bound := range p.bounds {
		unbounded := bound.tokens.n < 1 && (bound.tokens.given || !bound.optional)
		if unbounded || bound.tokens.n > most {
			added = append(added, fmt.Sprintf(bound.member, smallest))
		}
	}
	return p.Append(added...)
}

// bound is one way to say how many tokens an answer may have.
type bound struct {
	member   string // as it is written, with %d for the number
	tokens   tokens
	optional bool // not every release obeys it, so that it need not be there
}

// bounds are those of the route's API; none where no text is generated, or
// nobody knows.
func (r *reading) bounds() []bound {
	maxTokens := bound{member: `"max_tokens":%d`, tokens: r.maxTokens}
	switch r.route.Name {
	case "/api/chat", "/api/generate":
		return []bound{{member: `"options":{"num_predict":%d}`, tokens: r.options.tokens()}}
	case "/v1/chat/completions": // 0.9.6 knows nothing of max_completion_tokens
		return []bound{maxTokens, {member: `"max_completion_tokens":%d`, tokens: r.maxCompletionTokens, optional: true}}
	case "/v1/completions", "/v1/messages":
		return []bound{maxTokens}
	case "/v1/responses":
		return []bound{{member: `"max_output_tokens":%d`, tokens: r.maxOutputTokens}}
	}
	return nil
}

// tokens reads num_predict. Ollama looks options up by their exact name.
func (o options) tokens() tokens {
	if value, there := o[numPredict]; there {
		return readTokens(value)
	}
	return tokens{}
}

// tokens is a number of tokens as a client gave it.
type tokens struct {
	given bool
	n     int
	wrong bool // it is no number: Ollama refuses the request
}

// longestNumber is far over what anybody writes for a number, in bytes.
const longestNumber = 64

func readTokens(value []byte) tokens {
	switch {
	case value[0] == 'n': // null, which is as good as absent
	case value[0] != '-' && (value[0] < '0' || value[0] > '9'):
		return tokens{wrong: true}
	case len(value) <= longestNumber:
		number, err := strconv.ParseFloat(string(value), 64)
		return tokens{given: err == nil, n: int(max(-1, min(number, math.MaxInt32))), wrong: err != nil}
	}
	return tokens{}
}
