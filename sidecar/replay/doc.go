// Package replay writes down what a keeper was told and what it decided, and has another
// one decide it again: the same input gives the same decisions, byte for byte, on anybody's
// machine. A record that decides otherwise with a later build shows what that build changes.
//
// A record is lines of JSON. The first has the settings, without secrets; each further one
// is a turn: when it was, what was seen, what has changed of the inputs, and what was
// decided. It holds names of models and containers, and no text of a client's or of a
// model's. Times are told by the monotonic clock: the wall clock may jump between two turns.
// Those of the engine and of Ollama are of their own clocks and stay as they are: where the
// wall clock was set, how long ago they were may come out otherwise.
//
// The package keeps no record of its own accord, bounds none, and explains nothing.
package replay
