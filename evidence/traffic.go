package evidence

import (
	"slices"
	"time"
)

// Traffic is what the relay's live requests show, seen at one moment. Only
// inference requests count.
type Traffic struct {
	SeenAt time.Time `json:"seen_at,omitzero"`
	// InFlight are the requests that have been sent to Ollama and have not ended.
	InFlight []Request `json:"in_flight,omitzero"`
	// Waiting are the requests that queue for a slot or are held at the gate.
	Waiting int `json:"waiting"`
	// OldestWaiting is when the oldest of those arrived; zero when there is none.
	OldestWaiting time.Time `json:"oldest_waiting,omitzero"`
}

// Uses says that Ollama works on a request for the model.
func (t Traffic) Uses(model string) bool {
	return slices.ContainsFunc(t.InFlight, func(r Request) bool { return r.Model == model })
}

// UsesBeside says that Ollama works on a request for another model.
func (t Traffic) UsesBeside(model string) bool {
	return slices.ContainsFunc(t.InFlight, func(r Request) bool { return r.Model != model })
}

// Request is one inference request that Ollama is working on.
type Request struct {
	Model     string    `json:"model,omitzero"` // its title, see ollama.Known; else the name that was asked for, normalised
	Streaming bool      `json:"streaming"`
	SentAt    time.Time `json:"sent_at,omitzero"`
	// FirstChunkAt and LastChunkAt are zero until a byte of the answer's body
	// has arrived.
	FirstChunkAt time.Time `json:"first_chunk_at,omitzero"`
	LastChunkAt  time.Time `json:"last_chunk_at,omitzero"`
	// PromptTokens is an estimate from the body's size.
	PromptTokens int `json:"prompt_tokens,omitzero"`
	// Embeds says that it asks for vectors: an answer in one piece that takes as long as
	// its text is, and no longer.
	Embeds bool `json:"embeds,omitzero"`
}

// Sign is something that live traffic showed about a model, posted as it happens.
type Sign struct {
	Kind  SignKind  `json:"kind"`
	Model string    `json:"model,omitzero"`
	At    time.Time `json:"at,omitzero"`
	// Took is the time from sending to the first chunk, for SignFirstChunk; 0
	// where that cannot be told, because the answer came in one piece. For
	// SignWaitedLong it is the time waited so far.
	Took time.Duration `json:"took_ns,omitzero"`
	// SentAt is when the request was sent, for SignFirstChunk.
	SentAt time.Time `json:"sent_at,omitzero"`
	// Detail is what was seen, in Clawgate's own words: never a text of Ollama's,
	// which quotes its clients.
	Detail string `json:"detail,omitzero"`
	// Request tells one request from another, over all that is sent for it. 0
	// where the sign is Clawgate's own.
	Request uint64 `json:"request,omitzero"`
	// Loaded says that the model may have been loaded for this first chunk.
	Loaded bool `json:"loaded,omitzero"`
	// Answer is set for SignAnswered.
	Answer Answer `json:"answer,omitzero"`
}

// Answer is what a complete answer tells of the model that gave it.
type Answer struct {
	// Tokens is how many were generated, as Ollama counts them.
	Tokens int `json:"tokens,omitzero"`
	// PerSecond is the speed of generation in tokens a second; 0 where Ollama gave
	// no duration, or too few tokens to tell.
	PerSecond float64 `json:"per_second,omitzero"`
	// Hollow says that the model was to say something and said nothing, or one
	// symbol over and over (ollama/ollama#17524, #5668).
	Hollow bool `json:"hollow,omitzero"`
	// Prompt tells one prompt from another. It is a hash, never text.
	Prompt uint64 `json:"prompt_hash,omitzero"`
}

// SignKind says what live traffic showed.
type SignKind string

const (
	// SignFirstChunk: the first chunk with real content arrived.
	SignFirstChunk SignKind = "first_chunk"
	// SignRunnerDied: Ollama said that its runner died, or a stream was cut by
	// the upstream before its end. Like all that an error says, it is a hint: a
	// client can write what looks like it.
	SignRunnerDied SignKind = "runner_died"
	// SignRefused: no connection to Ollama could be made, or it was reset
	// before the answer's header.
	SignRefused SignKind = "refused"
	// SignOverloaded: Ollama answered 503 "server busy".
	SignOverloaded SignKind = "overloaded"
	// SignOutOfMemory: Ollama reported that memory ran out. A hint, too.
	SignOutOfMemory SignKind = "out_of_memory"
	// SignWaitedLong: a request has waited for its first chunk longer than the
	// first-chunk deadline. Posted once a request.
	SignWaitedLong SignKind = "waited_long"
	// SignLoading: a model may be being loaded for a request, and its runner can be
	// seen. Posted once a request, a second after it was sent.
	SignLoading SignKind = "loading"
	// SignWanted: a request met a gate that is shut for its model, and is held or
	// refused.
	SignWanted SignKind = "wanted"
	// SignAnswered: an answer came to its end, complete and without an error, or
	// was broken off by Ollama because it was one symbol over and over.
	SignAnswered SignKind = "answered"
)
