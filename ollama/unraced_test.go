//go:build !race

package ollama

// largestBody is nearly the largest that the gateway takes, in bytes.
const largestBody = 60 << 20
