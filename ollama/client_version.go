package ollama

import (
	"context"
	"sync"
)

// learned is the version of the server that runs now, once it was asked for.
type learned struct {
	mu      sync.Mutex
	version Version
	known   bool
	runs    int // of the server; an answer from an earlier one is not kept
}

func (l *learned) recall() (version Version, known bool, runs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version, l.known, l.runs
}

func (l *learned) keep(version Version, runs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if runs == l.runs {
		l.version, l.known = version, true
	}
}

// Release is the version of the server that runs now. The server is asked once;
// after that the answer is remembered until Forget. With an error the version
// is one that is not known, which counts as one to be careful with.
func (c *Client) Release(ctx context.Context) (Version, error) {
	version, known, runs := c.release.recall()
	if known {
		return version, nil
	}
	text, err := c.Version(ctx)
	if err != nil {
		return Version{}, err
	}
	version = ParseVersion(text)
	c.release.keep(version, runs)
	return version, nil
}

// Forget is called at each start of the server: another image may be running.
func (c *Client) Forget() {
	c.release.mu.Lock()
	defer c.release.mu.Unlock()
	c.release.known = false
	c.release.runs++
}
