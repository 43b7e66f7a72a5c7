package verdict

import "slices"

// Record is what there is to know about one verdict. Everything that differs from one
// verdict to another stands here: metrics, the status, clawgate explain, README.md and
// docs/faults.md derive from it. Who adds a verdict writes a file with its record and
// its rule, and names both in this one.
type Record struct {
	Verdict  Verdict
	Standing Standing
	// Need is what it calls for where its rule finds nothing else, Unproved the same
	// while the model has not proved itself (empty: no difference), and Finds what else
	// its rule may find.
	Need, Unproved Need
	Finds          []Need
	// Meanwhile is what is still done where its remedy cannot be had.
	Meanwhile Need

	// Means and Does say in a few words what it is and what follows.
	Means, Does string
	// Signs are what it is concluded from.
	Signs string
	// Remedy is what is done about it, the least disruptive first.
	Remedy string
	// Never is what is not done, tempting as it may be.
	Never string
	// Faults are the rows of docs/faults.md that it covers.
	Faults string
}

// Standing is what a verdict says of those who want to be answered; empty where it
// says nothing.
type Standing string

const (
	// Well: the model was well when it was last asked.
	Well Standing = "well"
	// Serving: something is not as it should be, and the model may answer all the same.
	Serving Standing = "serving"
	// Beyond: the same, of what only a person can mend.
	Beyond Standing = "beyond"
	// Failing: nobody is answered until it is mended.
	Failing Standing = "failing"
)

// Records are all verdicts, in the order in which they are told of.
var Records = []Record{
	unprovenRecord, healthyRecord, busyRecord, slowRecord, unloadedRecord, loadingRecord, wedgedRecord, crashedRecord,
	downRecord, stoppedRecord, modelMissingRecord, engineAwayRecord, overloadedRecord, outOfMemoryRecord, garbageRecord,
	gpuLostRecord, cpuFallbackRecord, vramLeakRecord, throttledRecord, hostActionRecord,
}

// rule is one way to find something.
type rule struct {
	// find says what is found. What it leaves to the rules behind it only until
	// something was tried stands in Then of a judgement that does not apply.
	find func(Picture) (Judgement, bool)
	// unless are conditions under which it leaves the finding to the rules behind it.
	unless []func(Picture) bool
}

// order is the order of the rules: the first that applies wins. An operator's act
// stands over everything, the container's state over the network, the server over the
// model.
var order = []rule{
	{find: operatorActed},
	{find: containerGone},
	{find: deviceFailed, unless: []func(Picture) bool{Picture.focusOnOther, runnerDied, foundNoRoom}},
	{find: serverSilent},
	{find: modelMissing},
	{find: ourLoad},
	{find: outOfMemory},
	{find: runnerCrashed},
	{find: deadlocked},
	{find: neverScheduled},
	{find: neverUnloaded},
	{find: garbage},
	{find: modelWedged},
	{find: overloaded},
	{find: modelUnloaded},
	{find: modelAnswers},
}

// behindAnswers are the rules that look behind a model that answers, and withoutModel those
// that see something without a model in memory. What needs a remedy is told before
// what needs none.
var (
	behindAnswers = []rule{
		{find: fallback},
		{find: leaking},
		{find: throttled},
		{find: slower, unless: []func(Picture) bool{heldDown}},
	}
	withoutModel = []rule{{find: leaking}}
)

// applies asks the rule.
func (r rule) applies(p Picture) (Judgement, bool) {
	if slices.ContainsFunc(r.unless, func(condition func(Picture) bool) bool { return condition(p) }) {
		return Judgement{}, false
	}
	return r.find(p)
}

// All lists every verdict, for metrics.
var All = names(Records)

func names(records []Record) (all []Verdict) {
	for _, r := range records {
		all = append(all, r.Verdict)
	}
	return all
}

// Of is what there is to know about a verdict; nothing for one that does not exist.
func Of(v Verdict) Record {
	if i := slices.IndexFunc(Records, func(r Record) bool { return r.Verdict == v }); i >= 0 {
		return Records[i]
	}
	return Record{}
}

// Fault says that the verdict is a fault's, for which counts how soon it was found.
func (r Record) Fault() bool { return r.Standing == Failing || r.Standing == Beyond }

// Mends says that the verdict is one for which Clawgate has a remedy.
func (r Record) Mends() bool {
	return slices.ContainsFunc(r.Finds, func(n Need) bool { return n.Remedy() && n != MendWithBudget }) // which is another verdict's
}

// Usually is what the verdict needs where no rule has found anything else.
func (r Record) Usually(answers bool) Need {
	if !answers && r.Unproved != "" {
		return r.Unproved
	}
	return r.Need
}
