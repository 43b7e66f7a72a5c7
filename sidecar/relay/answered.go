package relay

import (
	"hash/maphash"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
)

// fewTokens is below how many a speed says nothing: the clock starts with the
// first, and some are made at once.
const fewTokens = 8

// answered tells what an answer shows that came to its end. One that Ollama
// itself broke off, because the model said one token without end, is told too.
func (s *stream) answered(ending ollama.Ending) {
	hollow := ending.Hollow && s.peek.MustSpeak
	if ending.Error != "" || s.peek.Purpose != ollama.Generate || !ending.Complete && !hollow {
		return
	}
	answer := evidence.Answer{Tokens: ending.Counts.GeneratedTokens, Hollow: hollow, Prompt: s.prompt}
	if answer.Tokens >= fewTokens {
		answer.PerSecond = ending.Counts.PerSecond()
	}
	s.post(evidence.Sign{Kind: evidence.SignAnswered, Answer: answer})
}

// promptSeed makes the hashes of prompts worthless outside this process.
var promptSeed = maphash.MakeSeed()

// promptOf tells one body from another, and is never 0.
func promptOf(body []byte) uint64 { return max(1, maphash.Bytes(promptSeed, body)) }
