// Package sidecar keeps one Ollama server answering: it watches the server,
// decides what its state means, opens and closes the gate for requests, and has
// the server mended when it will not mend itself.
//
// The package joins the parts below it (probe, verdict, relay, recovery, admin)
// and owns the interfaces through which it sees the container and the GPU. It
// knows neither Docker nor NVML: package main hands it their adapters.
//
// # How it is built
//
// One goroutine, the supervisor's loop, owns all mutable state. Workers look at
// the server and post what they saw; each message carries the generation in
// which the look began. The generation grows with each start of the container
// and with each remedy, and messages of an earlier one are dropped: they speak
// of a server that is no more.
//
// What is known of a model stands in one record (model.go), to which its name leads; the
// probe looks at one model at a time, the main one as a rule. Failures carry the run of
// the model that they belong to, so that those of a run that is over are never taken for
// trouble of the present one, and still count for how often it failed.
//
// After every message the loop puts all that is known into a verdict.Picture,
// has verdict.Judge say what it means, and passes the judgement to step. Judge
// and step are pure; they are the whole policy.
//
// # The state machine
//
//	                load                 answering
//	 starting ─────────────▶ loading ─────────────────▶ ready ◀───────────┐
//	    ▲  │                                             │                │
//	    │  │ due, silent                     due, silent │      answering │
//	    │  ▼                                             ▼                │
//	    │ isolated ◀─────────────────────────────── (from any gate) ──────┤
//	    │  │ drained                                                      │
//	    │  ▼            remedy done              answering                │
//	    │ recovering ───────────────▶ verifying ──────────────────────────┤
//	    │  ▲  │                         │ due: the next rung, or backoff  │
//	    │  └──┼─────────────────────────┤                                 │
//	    │     │ failed, no rung left    │                                 │
//	    │     ▼                         ▼                                 │
//	    └─ backoff ◀────────────────────┘     exhausted ──────────────────┘
//	       (elapsed)                          (no restart left in the budget)
//
//	stopped: entered from anywhere when a person stops, kills, pauses or
//	removes the container; left for starting when that is undone, or when
//	another server answers.
//
// A judgement acts by what it needs (verdict.Need), and by nothing else. "Answering"
// is a judgement that needs nothing, "silent" one that waits, "due" one that needs to
// be mended now: with room made first, or with budget, it does the same.
//
// What an event makes of each state (– means that nothing happens):
//
//	                   starting    loading     ready       isolated    recovering  verifying   backoff     exhausted   stopped
//	proof              –           –           –           –           –           –           –           –           starting
//	nothing            ready       ready       –           ready       –           ready       ready       ready       starting
//	patience           –           –           –           call off    –           –           –           –           starting
//	arrival            loading     –           –           call off    –           –           –           –           starting
//	load               loading,L   L           L           loading,L   –           L           –           L           starting
//	reload             loading,L   L           loading,L   loading,L   –           L           –           L           starting
//	mend_when_quiet    ready       ready       –           ready       –           ready       ready       ready       starting
//	quiet_moment       –           –           isolated,D  –           –           –           –           –           –
//	disturbed          –           –           –           call off*   –           –           –           –           –
//	set_aside          –           –           –           –           –           –           –           starting    –
//	wait               isolated    isolated    isolated    call off    –           –           –           –           starting
//	person             exhausted   exhausted   exhausted   exhausted   –           exhausted   exhausted   –           starting
//	mend               isolated,D  isolated,D  isolated,D  D           –           next rung   –           isolated,D  starting
//	hands_off          stopped     stopped     stopped     stopped     –           stopped     stopped     stopped     –
//	pull               loading,P   P           loading,P   loading,P   –           loading,P   –           loading,P   starting
//	drained            –           –           –           recovering  –           –           –           –           –
//	remedy_done        –           –           –           –           verifying   –           –           –           –
//	remedy_failed      –           –           –           –           next rung   –           –           –           –
//	load_failed        backoff     backoff     –           –           –           backoff     –           –           –
//	backoff_elapsed    –           –           –           –           –           –           starting    –           –
//	replaced           starting    starting    starting    starting    starting    starting    starting    starting    starting
//	restart_requested  isolated,D  isolated,D  isolated,D  isolated,D  –           isolated,D  isolated,D  isolated,D  isolated,D
//
// L loads the model, P pulls it, D drains the streams that move and then takes
// the remedy; "call off" ends a drain without a remedy. "Next rung" is after an
// unload a restart, by way of isolated and its drain, if the budget allows it
// (else exhausted); after a restart or a start it is backoff. From exhausted a
// remedy that is due needs budget again; until then a model whose runner died is
// loaded now and then, to see it live. A drain that began at a quiet moment goes on
// while the remedy is wanted, and is called off when it is well, or (*) when the
// server does not come to rest. Its remedy leads to verifying however it ends: the
// model answered before it, so that there is nothing to climb for. Stopped states that
// see any other verdict look anew from starting.
//
// A load that does not last is followed by a growing pause, and after the second one
// the model is asked for a token in its place (lasting.go). Whatever the world answers,
// nothing is done more often than its allowance (pace.go).
//
// # The container and the server
//
// The server is what answers at CLAWGATE_OLLAMA_URL, the container what is called
// CLAWGATE_CONTAINER. They are taken for one until something shows that they are not
// (role.go):
//
//   - While there is no such container, or it does not run: an answer to a request that
//     began after an inspection had shown that, and an inspection begun after the
//     answer that shows the same start of the container. What was in flight when the
//     container ended proves nothing.
//   - While it runs: three answers in a row beside which its counters stood still
//     (verdict.Bond). Counters that cannot be read, that are always zero, or that move
//     for whatever reason, show nothing. Three answers beside which they move take it
//     back, twice as many after each time that it was found again. A container that
//     was seen not to run beside the server begins with the finding.
//
// Then the picture has no container and none of its counters, nothing that was proven
// before counts, and the state machine begins anew: tokens open the gate, silence shuts
// it, and every remedy becomes host_action with the variable's name in its sentence. A
// restart by hand is refused. The container is looked at all the while; when one appears
// under its name, or shows that it is the server, healing begins. Nobody tells of a new
// run of such a server: a connection after one that was refused is taken for one, and
// proven anew. While nobody listens at the address, a container that a person stopped
// is stopped, as ever, and a restart by hand starts it.
//
// Paused (by a person) and MODE=observe are a flag beside the state: the same
// steps are taken, the gate stays open, and a drain does not end in a remedy.
package sidecar
