//go:build race

package ollama

// largestBody is scanned in half a minute under the race detector if it is of 60
// MiB, which is the size of the attack.
const largestBody = 4 << 20
