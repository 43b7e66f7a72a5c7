package verdict

import (
	"fmt"
	"strings"
	"time"
)

// Throttled means that heat or power slows the GPU down.
const Throttled Verdict = "throttled"

var throttledRecord = Record{
	Verdict: Throttled, Standing: Serving,
	Need:   Nothing,
	Means:  "heat or power holds the clocks down",
	Does:   "nothing; deadlines are longer",
	Signs:  "the driver holds the clocks down for heat or power",
	Remedy: "none; deadlines are longer",
	Never:  "restart: a load makes it hotter; take the ordinary power cap for it",
	Faults: "F19",
}

// throttleLasts is how long clocks have to be held down to be worth a word.
const throttleLasts = 10 * time.Second

func heldDown(p Picture) bool {
	return !p.Devices.ThrottledSince.IsZero() && p.Now.Sub(p.Devices.ThrottledSince) >= throttleLasts
}

// throttled needs no remedy: a restart makes the card hotter and slower.
func throttled(p Picture) (Judgement, bool) {
	if !heldDown(p) {
		return Judgement{}, false
	}
	return Judgement{Verdict: Throttled, Sentence: fmt.Sprintf("the GPU's clocks have been held down for %s: %s",
		round(p.Now.Sub(p.Devices.ThrottledSince)), strings.Join(p.Devices.ThrottledBy, ", "))}, true
}
