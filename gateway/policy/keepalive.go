package policy

import (
	"time"

	"github.com/clawdbot/clawgate/ollama"
)

// ShortestKeepAlive is what a client without leave to manage may ask for at least,
// where it asks at all: Ollama's own default.
const ShortestKeepAlive = 5 * time.Minute

// Treatment is what becomes of the keep_alive of a request.
type Treatment int

const (
	// Leave lets it through as it is.
	Leave Treatment = iota
	// Refuse refuses the request: to leave out what unloads the model would have it
	// loaded instead.
	Refuse
	// Drop leaves it out. Ollama goes on with what the model was loaded with.
	Drop
	// Raise has ShortestKeepAlive in its stead.
	Raise
)

// OfKeepAlive decides about the keep_alive of a client that may not manage. A short
// one unloads the model for everybody. Main says that the model is one that a
// sidecar keeps loaded, for so long at least (negative: for ever).
func OfKeepAlive(asked ollama.KeepAlive, main bool, least time.Duration) Treatment {
	switch {
	case asked.Brief():
		return Refuse
	case !asked.Given || asked.For < 0:
		return Leave
	case main && (least < 0 || asked.For < least):
		return Drop
	case !main && asked.For < ShortestKeepAlive:
		return Raise
	}
	return Leave
}
