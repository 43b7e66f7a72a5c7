//go:build e2e

package simulation

import (
	"maps"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/e2e/parts"
)

// behaviour is something that a client can see of an Ollama.
type behaviour struct {
	name string
	// want has to be in what the real server shows, so that two servers that both
	// fail do not pass for alike.
	want string
	// watch brings it about and tells what was seen. It leaves a server that
	// answers.
	watch func(v *visit) string
}

// TestTheSimulationBehavesAsTheRealOllama: what is tested against the simulation
// alone is worth as much as the simulation is like the real one.
func TestTheSimulationBehavesAsTheRealOllama(t *testing.T) {
	hold(t, append(answers(), faults()...), map[string]func(*testing.T) server{"genuine": startGenuine, "simulated": startSimulated})
}

// TestTheSimulationTellsModelsApartAsTheRealOllama: on both generations, by names,
// weights, what is put on them, and what has become of their files.
func TestTheSimulationTellsModelsApartAsTheRealOllama(t *testing.T) {
	for _, release := range parts.Releases() {
		t.Run(release.Version, func(t *testing.T) {
			hold(t, append(names(), files()...), map[string]func(*testing.T) server{
				"genuine": func(t *testing.T) server { t.Helper(); return startSeveral(t, release.Image) }, "simulated": func(t *testing.T) server { t.Helper(); return simulateSeveral(t, release.Version) },
			})
		})
	}
}

// hold has both servers show the behaviours and compares what was seen.
func hold(t *testing.T, behaviours []behaviour, starts map[string]func(*testing.T) server) {
	t.Helper()
	seen := map[string]map[string]string{"genuine": {}, "simulated": {}}
	t.Run("watch", func(t *testing.T) {
		for kind, start := range starts {
			notes := seen[kind]
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				maps.Copy(notes, watchAll(t, start(t), behaviours))
			})
		}
	})
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			genuine, simulated := seen["genuine"][b.name], seen["simulated"][b.name]
			if !strings.Contains(genuine, b.want) {
				t.Errorf("the real server does not show %s:\n%s", b.want, genuine)
			}
			if !alike(b.name, genuine, simulated) {
				t.Errorf("the simulation differs. The real server:\n%s\nThe simulation:\n%s", genuine, simulated)
			}
		})
	}
}

func watchAll(t *testing.T, s server, behaviours []behaviour) map[string]string {
	t.Helper()
	notes := map[string]string{}
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) { notes[b.name] = b.watch(&visit{t, s}) })
	}
	return notes
}
