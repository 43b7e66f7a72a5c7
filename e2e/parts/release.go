//go:build e2e

package parts

import "context"

// Release is a release of Ollama that people run, to test with.
type Release struct {
	Version string
	Image   string
	// Program builds its command line, once, and gives the path.
	Program func(context.Context) (string, error)
}

// Releases are one of each generation: the runner built in, and llama-server.
func Releases() []Release {
	return []Release{
		{olderOllama, OllamaImage, OllamaBinary},
		{newerOllama, NewerOllamaImage, NewerOllamaBinary},
	}
}
