// Package probe looks at an Ollama server from outside, in three tiers: can a
// connection be made (TCP), does the API answer and list the model (API), and
// does the model produce a token (Ready).
//
// A probe reports what it saw, once. When to probe, and what three failures in
// a row mean, is decided by the supervisor.
package probe
