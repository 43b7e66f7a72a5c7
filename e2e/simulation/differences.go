//go:build e2e

package simulation

import "strings"

// difference is a text of the real server's for which the simulation may have
// another, and why nobody minds.
type difference struct{ genuine, simulated, reason string }

// differences are those of one behaviour, by its name.
var differences = map[string][]difference{
	"a runner killed while a request waits for its slot": {
		{`"connection refused"`, `"llama runner process no longer running: -1 "`, "the real server says either, as it has noticed the death or not"},
	},
}

// alike says whether two portraits of a behaviour are the same but for the
// known differences.
func alike(behaviour, genuine, simulated string) bool {
	for _, d := range differences[behaviour] {
		genuine = strings.ReplaceAll(genuine, d.genuine, d.simulated)
		simulated = strings.ReplaceAll(simulated, d.genuine, d.simulated)
	}
	return genuine == simulated
}
