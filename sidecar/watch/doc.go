// Package watch is Clawgate's memory of what was seen: of the container and the engine,
// of the server, of the GPUs, and of each model. It takes what workers and the relay
// observed, as values (Observation), and keeps what still holds.
//
// What is told one by one is folded as it comes: results in a row (Streak), readings of
// the container's counters (Pulse), the speed of answers (Pace), memory that no model
// accounts for (Leak), failures of a model (Failures).
//
// It looks at nothing itself, draws no conclusion and takes no decision: package verdict
// reads it and says what all of it means, package policy what follows. It knows neither. It has no clock, no log and no
// goroutine: the time of an observation is told with it. What is in here is written by one
// goroutine, the one that runs policy.Keeper.
//
// # What outlives what
//
// The generation counts the runs of the server, and remedies. With each new one the
// server's own part is forgotten (RunEnded, LookAnew); the container, the engine and the
// devices outlive it, and of each model what model.go says in its table. Failures carry
// the run of the model that they belong to, so that those of a run that is over are never
// taken for trouble of the present one, and still count for how often it failed.
package watch
