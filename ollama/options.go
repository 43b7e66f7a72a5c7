package ollama

import (
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/clawdbot/clawgate/members"
)

// RunnerOptions are the options of a request that decide which runner serves
// it, as the client wrote them. A request whose options differ from those that
// the loaded runner was started with makes Ollama kill that runner and load the
// model again (`needsReload`; seen on 0.9.6 and 0.17.4).
type RunnerOptions map[string]json.RawMessage

// runnerOptionNames are the fields of Ollama's api.Runner (0.9.6 and 0.32.14; the
// last one is the newer's).
var runnerOptionNames = map[string]bool{
	"num_ctx": true, "num_batch": true, "num_gpu": true,
	"main_gpu": true, "use_mmap": true, "num_thread": true, "draft_num_predict": true,
}

// runnerOptionsOf keeps the runner options of all the options of a request.
// Ollama looks options up by their exact name, and a null is as good as absent.
func runnerOptionsOf(options map[string]json.RawMessage) RunnerOptions {
	kept := RunnerOptions{}
	for name, value := range options {
		if runnerOptionNames[name] && string(value) != "null" {
			kept[name] = value
		}
	}
	return kept
}

const numPredict = "num_predict"

// lookedFor are the names of the options that are kept of a request.
var lookedFor = append(slices.Collect(maps.Keys(runnerOptionNames)), numPredict)

// options are those of a request that are looked for, whatever else is among them.
type options map[string]json.RawMessage

// longestOption is far over what anybody writes for a number or a truth value, in
// bytes. A longer one counts as absent.
const longestOption = 64

// long stands before the name of an option whose value was too long to be kept, and
// of which the hash was.
const long = "long "

// add takes a value of "options" as Ollama's decoder does, which reads it into a
// map: a second object adds to the first, and a null takes all away. It tolerates
// one that is no object, for Ollama refuses that itself.
func (o *options) add(value []byte) {
	if value[0] != '{' {
		*o = nil
		return
	}
	if *o == nil {
		*o = options{}
	}
	_, _ = members.Walk(value, o.visit)
}

func (o *options) visit(m members.Member) {
	for _, name := range lookedFor {
		switch value := m.Value(); {
		case !m.Named(name):
		case len(value) > longestOption:
			delete(*o, name)
			(*o)[long+name] = binary.NativeEndian.AppendUint64(nil, maphash.Bytes(setupSeed, value))
		default:
			delete(*o, long+name)
			(*o)[name] = append((*o)[name][:0], value...) // the last of many takes no more than the first
		}
	}
}

var setupSeed = maphash.MakeSeed()

// setupOf is one number for one set of runner options and shift, whatever their order.
func setupOf(asked options, shift []byte) uint64 {
	var hash maphash.Hash
	hash.SetSeed(setupSeed)
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if runnerOptionNames[strings.TrimPrefix(name, long)] && string(asked[name]) != "null" {
			_, _ = hash.WriteString(name + "=" + string(asked[name]) + ";") // a hash takes everything
		}
	}
	_, _ = hash.Write(shift)
	return hash.Sum64()
}
