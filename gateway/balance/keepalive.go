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
		told = told || standing.Model != ""
		switch {
		case standing.Model == "" || !ollama.MayMean(model, standing.Model):
		case !main:
			main, least = true, standing.KeepAlive
		case least >= 0 && (standing.KeepAlive < 0 || standing.KeepAlive > least):
			least = standing.KeepAlive
		}
	}
	if !told {
		return true, -1
	}
	return main, least
}
