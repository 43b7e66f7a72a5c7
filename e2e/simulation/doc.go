// Package simulation holds the simulation against a real Ollama: the same
// calls and the same faults on both, and what a client sees has to be the same.
//
// It compares status codes, content types, the fields of answers, error texts,
// and what becomes of requests and runners. It does not compare how fast they
// are or what a model says, and judges nothing of Clawgate.
package simulation
