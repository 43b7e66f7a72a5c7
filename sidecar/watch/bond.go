package watch

import (
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// bond tells by the container's own counters whether it is the server that answers.
// No process answers without a little CPU time, and what it says leaves through the
// network of its container. So an answer of the server, seen between two readings in
// which the container did less than that, came from somewhere else.
//
// Only what is certain counts against a container: a reading that was begun after
// the answer's end and one that was taken before the request began, and several such
// answers in a row. A container that is busy with something else cannot be told from
// the server in this way, nor one whose counters cannot be read or stay at zero; it is
// taken for the server then. The zero value knows nothing.
type bond struct {
	readings []evidence.Activity // the newest last
	// before is the reading before the answer that waits for the next reading, and
	// ended the answer's end; zero while none waits.
	before evidence.Activity
	ended  time.Time
	// still and moved count answers in a row beside which the container did nothing,
	// or enough.
	still, moved int
	apart        bool
	// found is how often it was found that the container is not the server.
	found int
}

// knownApart is what is known of a container that did not run while the server
// answered: it has to show that it is the server now.
func knownApart() bond { return bond{apart: true, found: 1} }

const (
	// answerCPU is less than any answer costs: an empty list of models cost a real
	// Ollama 0.5 ms of CPU time and 408 bytes, and at rest it used none.
	answerCPU = 50 * time.Microsecond
	// answerBytes is less than the header of any answer, with the packets around it.
	answerBytes = 100
	// bondAnswers in a row decide. To take a finding back it has to be twice as many
	// after each one, up to mostDoubled times: a container that wakes up now and then
	// does so beside answers, too.
	bondAnswers = 3
	mostDoubled = 6
	// keptReadings reach back for half a minute.
	keptReadings = 16
)

// Answered takes an answer of the server's, from the request to its end or to any
// piece of it. While one waits for its reading, others are passed over.
func (b bond) Answered(began, ended time.Time) bond {
	if !b.ended.IsZero() {
		return b
	}
	for _, reading := range slices.Backward(b.readings) {
		if reading.SeenAt.Before(began) {
			b.before, b.ended = reading, ended
			break
		}
	}
	return b
}

// Read takes a reading that was asked for at that time. Counters that run backwards
// belong to a new run of the container.
func (b bond) Read(asked time.Time, reading evidence.Activity) bond {
	if n := len(b.readings); n > 0 && reading.CPU < b.readings[n-1].CPU {
		b = b.NewRun()
	}
	b.readings = append(slices.Clone(b.readings[max(0, len(b.readings)+1-keptReadings):]), reading)
	if b.ended.IsZero() || !asked.After(b.ended) {
		return b
	}
	before := b.before
	b.before, b.ended = evidence.Activity{}, time.Time{}
	return b.weigh(before, reading)
}

// weigh says what the container did while an answer came. A counter that has never
// moved tells nothing: there is none for the host's network, for example.
func (b bond) weigh(before, after evidence.Activity) bond {
	cpu, network := after.CPU > 0, after.NetRx+after.NetTx > 0
	switch {
	case !cpu && !network:
		return b
	case cpu && after.CPU-before.CPU < answerCPU, network && grown(before.NetTx, after.NetTx) < answerBytes:
		b.still, b.moved = b.still+1, 0
	default:
		b.still, b.moved = 0, b.moved+1
	}
	switch {
	case b.still >= bondAnswers && !b.apart:
		b.apart, b.found = true, b.found+1
	case b.apart && b.moved >= bondAnswers<<min(b.found-1, mostDoubled):
		b.apart = false
	}
	return b
}

// NewRun forgets what was counted in a run of the container that is over. One that
// was not the server has to show that it is now.
func (b bond) NewRun() bond { return bond{apart: b.apart, found: b.found} }

// Apart says that the container is not the server that answers.
func (b bond) Apart() bool { return b.apart }

// Wanting says that another answer would decide something: none has been weighed yet
// against two readings, or the last of them spoke against what is held.
func (b bond) Wanting() bool {
	if !b.ended.IsZero() || len(b.readings) == 0 {
		return false
	}
	return b.still+b.moved == 0 && len(b.readings) < keptReadings || b.still > 0 && !b.apart || b.moved > 0 && b.apart
}
