// Package evidence holds what Clawgate has seen of an Ollama server: its
// container, its GPU, its models, its probes and its live traffic, each with
// the time at which it was seen.
//
// All of it can be written down as JSON and read back, so that a record of what was
// seen shows again what was made of it. Times come back as the same moments, without
// the monotonic reading of the process that took them.
//
// It is vocabulary only. It does no I/O, and it draws no conclusion: package
// verdict does that. The adapters (dockerctl, gpu, the simulation) produce
// these values and the supervisor consumes them, so that neither side imports
// the other.
package evidence
