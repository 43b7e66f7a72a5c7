package runners

import (
	"testing"

	"github.com/clawdbot/clawgate/sidecar/evidence"
)

// What a name stands for may have changed: the next request for it may load it, so
// that its runner has to be looked up.
func TestALookIsWantedAfterNamesHaveChanged(t *testing.T) {
	l, _ := loaded()
	l.Changed(at(11))
	if !ask(l, Ask{Model: main}, 12) {
		t.Error("the runner that may have been loaded for other weights is never looked up")
	}
}

// A look that began before an unload says nothing of what came after it.
func TestALookThatIsOlderThanAnUnloadDoesNotUndoIt(t *testing.T) {
	l, _ := loaded()
	look := Look{At: at(10), Mark: l.Mark(), Processes: []evidence.Process{{PID: 7, Command: "ollama runner --model /blobs/a"}}}
	l.Unloaded(main, at(10))
	l.Saw(look, weights)
	if !ask(l, Ask{Model: main}, 12) {
		t.Error("the runner that was loaded after the unload is never looked up")
	}
}
