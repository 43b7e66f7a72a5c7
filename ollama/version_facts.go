package ollama

import (
	"fmt"
	"io"
)

// PsDuringLoad is what GET /api/ps does while a model loads or is unloaded.
type PsDuringLoad int

const (
	// PsCrashes: the server may die of it ("concurrent map iteration and map
	// write"), seldom, and the more often it is asked the likelier.
	PsCrashes PsDuringLoad = iota
	// PsBlocks: the answer comes when the load is over.
	PsBlocks
)

// Facts are how one release of Ollama differs from others, as far as it matters
// to whoever watches over it.
type Facts struct {
	PsDuringLoad PsDuringLoad
	// ListsLoading says that /api/ps lists a model that is still loading.
	ListsLoading bool
	// ContextLength says that /api/ps tells what context length a model was
	// loaded with.
	ContextLength bool
	// Runner is what the process that serves a model is called: the first words
	// of its command line, without the folder.
	Runner string
	// Failure is what error texts call the runner ("… process has terminated").
	Failure string
}

// Facts of a version that is not known are those of the newest release, except
// where being wrong does harm: such a server counts as one that may crash.
func (v Version) Facts() Facts {
	return Facts{
		PsDuringLoad:  psDuringLoad.at(v),
		ListsLoading:  listsLoading.at(v),
		ContextLength: contextLength.at(v),
		Runner:        runnerName.at(v),
		Failure:       failureName.at(v),
	}
}

// The one table of differences. The evidence says how far each line is to be
// trusted: what was read in the source of one release or seen on a running one
// holds there, and the release from which it holds may lie between two of those.
var (
	psDuringLoad = history[PsDuringLoad]{
		subject: "`GET /api/ps` while a model loads or is unloaded", unknown: PsCrashes,
		changes: []change[PsDuringLoad]{
			{"0.9", PsCrashes, "may crash the server, seldom: it walks a map without its lock", "read in 0.9.6; ollama#15528"},
			{"0.32.4", PsBlocks, "answers when that is over", "ollama#17376; read in 0.33.0-rc2"},
		},
	}
	listsLoading = history[bool]{
		subject: "A model that still loads, in `/api/ps`", unknown: false,
		changes: []change[bool]{
			{"0.9", true, "listed", "read in 0.9.6; seen on 0.9.6 and 0.17.4"},
			{"0.31", false, "not listed", "read in 0.33.0-rc2; since when is uncertain"},
		},
	}
	contextLength = history[bool]{
		subject: "`context_length` in `/api/ps`", unknown: true,
		changes: []change[bool]{
			{"0.9", false, "absent", "seen on 0.9.6"},
			{"0.11", true, "what the model was loaded with", "seen on 0.17.4; since when is uncertain"},
		},
	}
	runnerName = history[string]{
		subject: "The runner's process", unknown: "llama-server",
		changes: []change[string]{
			{"0.9", "ollama runner", "`ollama runner --model …`", "seen on 0.9.6 and 0.17.4"},
			{"0.30", "llama-server", "`llama-server --model …`", "ollama#16031, a log of 0.30.0-rc22; read in 0.33.0-rc2"},
		},
	}
	failureName = history[string]{
		subject: "Errors of a load", unknown: "llama-server",
		changes: []change[string]{
			{"0.9", "llama runner", "`llama runner process has terminated: …`, `timed out waiting for llama runner to start`", "read in 0.9.6"},
			{"0.30", "llama-server", "`llama-server process has terminated: …`, `timed out waiting for llama-server to start`", "read in 0.33.0-rc2; since when is uncertain"},
		},
	}
)

// history is one thing that differs between releases.
type history[T any] struct {
	subject string
	changes []change[T] // the oldest first
	unknown T           // of a release that is not known
}

type change[T any] struct {
	since    string // the first release that is so
	fact     T
	words    string
	evidence string
}

func (h history[T]) at(v Version) T {
	if !v.Known() {
		return h.unknown
	}
	fact := h.changes[0].fact
	for _, c := range h.changes {
		if v.Compare(ParseVersion(c.since)) >= 0 {
			fact = c.fact
		}
	}
	return fact
}

func (h history[T]) rows() (rows []string) {
	subject := h.subject
	for _, c := range h.changes {
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s |\n", subject, c.since, c.words, c.evidence))
		subject = ""
	}
	return rows
}

// WriteReleases writes the table of differences as Markdown. The error is w's.
func WriteReleases(w io.Writer) error {
	text := "| What | From release | What it is there | Known from |\n|---|---|---|---|\n"
	for _, history := range []interface{ rows() []string }{psDuringLoad, listsLoading, contextLength, runnerName, failureName} {
		for _, row := range history.rows() {
			text += row
		}
	}
	_, err := io.WriteString(w, text)
	return err
}
