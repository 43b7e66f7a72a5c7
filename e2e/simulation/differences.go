//go:build e2e

package simulation

import "strings"

// difference is a text of the real server's for which the simulation may have
// another, and why nobody minds.
type difference struct{ genuine, simulated, reason string }

// everywhere are the differences that may be in any answer.
var everywhere = []difference{
	{" application/json\n", " application/json; charset=utf-8\n", "JSON has one character set, and Ollama says so in some places only"},
	{" text/plain\n", " text/plain; charset=utf-8\n", "likewise"},
}

// differences are those of one behaviour, by its name.
var differences = map[string][]difference{
	"a model that is not there": {
		{`"model 'nope' not found"`, `"model \"nope\" not found, try pulling it first"`, "clients and Clawgate go by the status"},
		{`"api_error"`, `"not_found_error"`, "likewise"},
	},
	"a call without a body": {
		{`"EOF"`, `"missing request body"`, "under /v1 only; clients go by the status"},
	},
	"thoughts that the model does not have": {
		{
			`"registry.ollama.ai/library/` + model + ` does not support thinking. Pull the model again to get the latest version with full thinking support"`,
			`"\"` + model + `\" does not support thinking"`,
			"a text for people; clients go by the status",
		},
	},
	"a runner killed while a request waits for its slot": {
		{`"connection refused"`, `"llama runner process no longer running: -1 "`, "the real server says either, as it has noticed the death or not"},
	},
	"a runner killed under a stream in OpenAI's form": {
		{`model:""`, `model:"` + model + `"`, "of the last, empty chunk of a cut stream; Clawgate goes by the missing end"},
	},
}

// alike says whether two portraits of a behaviour are the same but for the
// known differences.
func alike(behaviour, genuine, simulated string) bool {
	for _, d := range append(differences[behaviour], everywhere...) {
		genuine = strings.ReplaceAll(genuine, d.genuine, d.simulated)
		simulated = strings.ReplaceAll(simulated, d.genuine, d.simulated)
	}
	return genuine == simulated
}
