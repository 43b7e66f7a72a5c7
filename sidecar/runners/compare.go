package runners

import (
	"slices"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// Look is one look at the container's processes.
type Look struct {
	// At is when it began, by the clock and in the ledger; zero for none.
	At        time.Time
	Mark      Mark
	Processes []evidence.Process
}

// Serving are the processes that have a model's weights on their command line.
func (l Look) Serving(weights string) []int {
	var found []int
	if weights == "" {
		return nil
	}
	for _, p := range l.Processes {
		if strings.Contains(p.Command, weights) {
			found = append(found, p.PID)
		}
	}
	return found
}

// Finding is what two looks show of one model's runner.
type Finding string

const (
	// Unclear: it was not seen before, or something that was asked of Ollama
	// explains its end.
	Unclear Finding = "unclear"
	// Lives: every runner that the model had is still there.
	Lives Finding = "lives"
	// Ended: one is gone, and nothing explains it.
	Ended Finding = "ended"
)

// Compare says what became of the runner of a model with these weights between two
// looks. Explained says whether something since the first may have ended it.
func Compare(before, now Look, weights string, explained bool) Finding {
	had := before.Serving(weights)
	if before.At.IsZero() || len(had) == 0 {
		return Unclear
	}
	has := now.Serving(weights)
	gone := slices.ContainsFunc(had, func(pid int) bool { return !slices.Contains(has, pid) })
	switch {
	case !gone:
		return Lives
	case explained:
		return Unclear
	}
	return Ended
}

// Unchanged are the models that had a runner at the first look and have the same one
// at the second, by their weights.
func Unchanged(before, now Look, weights map[string]string) []string {
	var models []string
	for model, path := range weights {
		if had := before.Serving(path); len(had) > 0 && slices.Equal(had, now.Serving(path)) {
			models = append(models, model)
		}
	}
	return models
}
