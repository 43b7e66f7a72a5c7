// Package evidence holds what Clawgate has seen of an Ollama server: its
// container, its GPU, its models, its probes and its live traffic, each with
// the time at which it was seen.
//
// It is vocabulary only. It does no I/O, and it draws no conclusion: package
// verdict does that. The adapters (dockerctl, gpu, the simulation) produce
// these values and the supervisor consumes them, so that neither side imports
// the other.
package evidence
