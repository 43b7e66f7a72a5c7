//go:build race

package sidecar_test

// raced says that the race detector looks on, which makes everything five times
// slower: the long tables are played in part, and in full by make scenarios.
const raced = true
