package policy

import (
	"fmt"

	"github.com/clawdbot/clawgate/members"
)

// passing are the options that no runner is chosen by: Ollama's api.Options
// outside of its Runner (0.9.6 and 0.32.14). The last five are of older releases,
// which use them for sampling, too. Every other option may make Ollama unload
// everybody's model and load it again, in this release or the next.
var passing = map[string]bool{
	"num_keep": true, "seed": true, "num_predict": true, "stop": true,
	"top_k": true, "top_p": true, "min_p": true, "typical_p": true, "temperature": true,
	"repeat_last_n": true, "repeat_penalty": true, "presence_penalty": true, "frequency_penalty": true,
	"tfs_z": true, "mirostat": true, "mirostat_tau": true, "mirostat_eta": true, "penalize_newline": true,
}

// Removal is what is taken out of the body of a native inference request.
type Removal struct {
	// KeepAlive takes out every keep_alive.
	KeepAlive bool
	// Runner takes out what chooses the runner: all options but those that are known
	// to choose none, and "shift", which 0.32 starts another runner for.
	Runner bool
}

// From takes it out, in whatever case its names are, in place: see [members.Cut]. An
// error means that the body must not be sent on.
func (r Removal) From(body []byte) ([]byte, error) {
	cut, err := members.Cut(body, r.choose)
	if err != nil {
		return nil, fmt.Errorf("cannot pin the request's options: %w", err)
	}
	return cut, nil
}

func (r Removal) choose(m members.Member) (drop bool, inside members.Choice) {
	if r.Runner && m.Is("options") {
		return false, choosesRunner
	}
	return r.KeepAlive && m.Is("keep_alive") || r.Runner && m.Is("shift"), nil
}

func choosesRunner(option members.Member) (bool, members.Choice) {
	return !passing[string(option.Name())], nil
}
