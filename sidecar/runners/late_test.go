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

// An unload of one model waits for that one's requests, and ends no other's runner.
func TestAnUnloadConcernsOneModel(t *testing.T) {
	l, _ := loaded()
	long := l.Begin(Ask{Model: main}, at(10))
	long.Served()
	nameless := l.Begin(Ask{Model: "alias"}, at(10))
	nameless.Served()
	l.Unloaded(other, at(11))
	look := see(l, 40)
	if l.Explains(main, look, at(50), nil) {
		t.Error("the unload of another model explains the end of a runner that is in use")
	}
	if !l.Explains(other, look, at(50), nil) {
		t.Error("a name that nobody knows may keep the other one in use, whose end is not explained then")
	}
	nameless.End(at(51))
	if !l.Explains(other, look, at(55), nil) || !l.Outdated(look, at(70)) {
		t.Error("it may have come when that was over")
	}
	l.Changed(at(80))
	if look := see(l, 85); l.Explains(main, look, at(90), nil) {
		t.Error("it explains for ever")
	}
}
