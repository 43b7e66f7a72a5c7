package balance

import (
	"time"

	"github.com/clawdbot/clawgate/ollama"
)

// KeepAlive says whether a model, by its normalised name, is one that a sidecar
// looks after, and how long that keeps it loaded after a request: the longest of
// several, negative for ever. As long as no sidecar has told which one it looks
// after, it might be any.
func (p *Pool) KeepAlive(model string) (main bool, least time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := false
	for _, s := range p.sidecars {
		standing := &s.standing
		told = told || standing.model != ""
		switch {
		case standing.model == "" || !ollama.MayMean(model, standing.model):
		case !main:
			main, least = true, standing.keepAlive
		case least >= 0 && (standing.keepAlive < 0 || standing.keepAlive > least):
			least = standing.keepAlive
		}
	}
	if !told {
		return true, -1
	}
	return main, least
}
