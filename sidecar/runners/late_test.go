package runners

import (
	"testing"

	"github.com/clawdbot/clawgate/evidence"
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
	l.Unloading(main, at(10))(at(10), true)
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
	l.Unloading(other, at(11))(at(11), true)
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

// Ollama can lose a probe, which never ends then. What came before is not awaited
// behind it for ever.
func TestAProbeThatIsLostExplainsNothingForEver(t *testing.T) {
	l, _ := loaded()
	l.Begin(Ask{Model: main, Own: true}, at(4)).Served()
	l.Begin(Ask{Model: "third"}, at(5)).End(at(6)) // its client left in the middle of the load
	if look := see(l, 1000); !l.Explains(main, look, at(1010), nil) {
		t.Error("an eviction that has to wait for the probe is not explained")
	}
	ask(l, Ask{Model: main}, 5000)
	if look := see(l, 5010); l.Explains(main, look, at(5020), nil) {
		t.Error("it explains for ever")
	}
}
