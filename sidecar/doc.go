// Package sidecar keeps one Ollama server answering: it watches the server,
// decides what its state means, opens and closes the gate for requests, and has
// the server mended when it will not mend itself.
//
// The package joins the parts below it (probe, watch, verdict, policy, relay, recovery,
// admin) and owns the interfaces through which it sees the container and the GPU. It
// knows neither Docker nor NVML: package main hands it their adapters. It decides nothing.
//
// # How it is built
//
// One goroutine, the supervisor's loop, owns the policy.Keeper, which remembers what was
// seen and decides what is to be done. Workers look at the server and post what they saw
// (look.go); each message carries the generation in which the look began. The generation
// grows with each start of the container and with each remedy, and messages of an earlier
// one are dropped: they speak of a server that is no more.
//
// After every message the loop takes a turn: it tells the keeper what was seen, and
// carries out what the keeper decides (act.go), in its order. What takes time is left to
// a worker, which posts what came of it. The reporter tells the log, the health log, the
// metrics and the status. What goes into a turn and what comes out of it can be recorded,
// and decided again (package replay).
//
// # The container and the server
//
// The server is what answers at CLAWGATE_OLLAMA_URL, the container what is called
// CLAWGATE_CONTAINER. They are taken for one until something shows that they are not
// (watch.Role):
//
//   - While there is no such container, or it does not run: an answer to a request that
//     began after an inspection had shown that, and an inspection begun after the
//     answer that shows the same start of the container. What was in flight when the
//     container ended proves nothing.
//   - While it runs: three answers in a row beside which its counters stood still
//     (bond.go of package watch). Counters that cannot be read, that are always zero, or that move
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
package sidecar
