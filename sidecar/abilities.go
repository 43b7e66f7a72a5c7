package sidecar

import (
	"cmp"

	"github.com/clawdbot/clawgate/ollama"
)

// abilities are what models can be asked: by the catalogue, or else, where that tells
// nothing, by what they have answered in this run of the server. They are the loop's.
type abilities struct {
	told    func(title string) ollama.Abilities // by the catalogue; nil for nothing
	learned map[string]ollama.Abilities         // by title
}

// maxLearned bounds the memory for titles, which clients choose; only those of models
// that have answered get here.
const maxLearned = 256

// of is the zero value where nothing is known.
func (a *abilities) of(title string) ollama.Abilities {
	var told ollama.Abilities
	if a.told != nil {
		told = a.told(title)
	}
	return cmp.Or(told, a.learned[title])
}

// learn takes what a model has shown; the zero value that nothing is known of it.
func (a *abilities) learn(title string, can ollama.Abilities) {
	if can == (ollama.Abilities{}) {
		delete(a.learned, title)
		return
	}
	if a.learned == nil || len(a.learned) >= maxLearned {
		a.learned = map[string]ollama.Abilities{}
	}
	a.learned[title] = can
}

// forget is called when a run of the server is over.
func (a *abilities) forget() { clear(a.learned) }
