//go:build !race

package sidecar_test

// raced says that the race detector looks on.
const raced = false
