// Package verdict says what the evidence about an Ollama server means.
//
// Judge is a pure function: the same picture always gives the same judgement,
// and no clock is read. It takes no action and remembers nothing: package watch does,
// on which this one is built. It is told the judgement before, and keeps it while the
// evidence decides nothing new.
//
// Silence alone is no finding. A server that works is never called wedged:
// silence counts only together with stillness, seen by a second view (the
// container's own use of CPU and disk). A model is called healthy only for a token
// that it produced. What is wrong with a model that answers (a GPU that it does not
// use, memory that is not given back) is concluded from two views that agree and
// none that speaks against them, and waits for a quiet moment. A view that cannot
// be had says nothing.
//
// The package sees the world, and never what Clawgate did about it or may still do: no
// remedy that was tried, no restart budget. It says whether a remedy is due, and where
// that depends on what was tried, what the judgement comes to then (Judgement.Then).
// Package policy knows, chooses, and holds back what must not be. Each verdict has a
// file, with its record and its rule; the order of the rules stands in record.go, and
// nowhere else.
package verdict

// Verdict is the name of a finding. The names are public: they are metric
// labels and appear in logs and in the status.
type Verdict string

// Judgement is a verdict with what follows from it.
type Judgement struct {
	Verdict Verdict
	// Sentence says in plain words what was seen.
	Sentence string
	// Model is the model that the verdict is about, normalised; empty when it is
	// about the whole server.
	Model string
	// Answers says that the model proved itself in this run of the server and
	// that nothing speaks against it since.
	Answers bool
	// Need is what it calls for. A rule leaves it empty where that is what its verdict
	// usually needs.
	Need Need
	// Behind is what HostAction keeps a remedy from: the verdict without the
	// restraint. Empty where the host itself is what was judged, and so from Judge.
	Behind Verdict
	// ServerGone says that the container does not run, so that it has to be
	// started instead of restarted.
	ServerGone bool
	// Then is what it comes to where something was tried for it: the first that was.
	Then []Then
}

// SpeaksWell says that the model was well by this judgement, or that nothing is known
// to the contrary. What was found without the engine is no word on the server.
func (j Judgement) SpeaksWell() bool {
	return j.Answers || Of(j.Verdict).Standing == Well || j.Verdict == EngineAway
}
