// Package policy says where Clawgate stands, and what is to be done.
//
// Package verdict says what the world calls for. Here it is weighed against what Clawgate
// has done about it and may still do: Settle turns from what was tried in vain to what
// is left (Attempts), and holds back a remedy that cannot help or would make things
// worse, with a reason (Restraint). What comes of that is the judgement that is acted on.
//
// Keeper keeps one server answering. It is told what was seen, one observation a turn,
// has package watch remember it and package verdict judge it, and answers with acts: what
// is to be done, and what is to be told. It does nothing itself, and reads no clock:
// whoever asks it carries the acts out, and tells what came of them as observations. Two
// keepers that are told the same decide the same.
//
// Step says what one event makes of a machine. It knows nothing of servers, containers or
// requests but what a judgement tells.
//
// # Where which decision stands
//
//	who may pass the gate                      gate.go
//	when a probe is sent, and what it means    probes.go, holdprobe.go
//	which model is looked at                   focus.go
//	what follows where names change            names.go
//	when a model is loaded, pulled, restored   load.go, loads.go, lasting.go, pull.go
//	when the processes are looked at           looks.go
//	whether a refusal is believed              refusals.go
//	which remedy, and when                     step.go, climb.go, remedy.go, quiet.go, quietwait.go
//	what was tried, and what is held back      settle.go, attempts.go, tried.go, restraint.go
//	how many restarts are left                 budget.go
//	what a stop of ours still asks for         pending.go
//	which model is kept out                    quarantine.go
//	whether the container is the server        role.go
//	what a person asks for                     person.go
//	how often, at most                         allowance.go
//
// A load that does not last is followed by a growing pause, and after the second one
// the model is asked for a token in its place.
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
// Paused (by a person) and CLAWGATE_MODE=observe are a flag beside the state: the same
// steps are taken, the gate stays open, and a drain does not end in a remedy. A pause, its
// end, a restart that is withdrawn (both call a drain off) and a model that has stayed
// ready for long enough (what was tried is forgotten) change no state.
package policy
