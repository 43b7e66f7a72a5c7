package ollama

import (
	"fmt"
	"io"
)

// psBlocks is the first release that does, see [Version.PsBlocks].
const psBlocks = "0.32.4"

// PsBlocks says that GET /api/ps answers when a load or an unload that goes on is
// over. In releases before, the server may die of the question ("concurrent map
// iteration and map write"), seldom, and the more often it is asked the likelier. A
// version that is not known counts as one of those, since to be wrong about it does
// harm.
func (v Version) PsBlocks() bool { return v.Compare(ParseVersion(psBlocks)) >= 0 }

// differences is the one table of how releases differ, as far as it matters to
// whoever watches over them. All but PsBlocks is there to be read: the rest of
// Clawgate does alike with every release. The evidence says how far each line is to
// be trusted: what was read in the source of one release or seen on a running one
// holds there, and the release from which it holds may lie between two of those.
var differences = []struct {
	subject string
	changes []change
}{
	{"`GET /api/ps` while a model loads or is unloaded", []change{
		{"0.9", "may crash the server, seldom: it walks a map without its lock", "read in 0.9.6; ollama#15528"},
		{psBlocks, "answers when that is over", "ollama#17376; read in 0.33.0-rc2"},
	}},
	{"A model that still loads, in `/api/ps`", []change{
		{"0.9", "listed", "read in 0.9.6; seen on 0.9.6 and 0.17.4"},
		{"0.31", "not listed", "read in 0.33.0-rc2; since when is uncertain"},
	}},
	{"`context_length` in `/api/ps`", []change{
		{"0.9", "absent", "seen on 0.9.6"},
		{"0.11", "what the model was loaded with", "seen on 0.17.4; since when is uncertain"},
	}},
	{"The runner's process", []change{
		{"0.9", "`ollama runner --model …`", "seen on 0.9.6 and 0.17.4"},
		{"0.30", "`llama-server --model …`", "ollama#16031, a log of 0.30.0-rc22; read in 0.33.0-rc2"},
	}},
	{"Errors of a load", []change{
		{"0.9", "`llama runner process has terminated: …`, `timed out waiting for llama runner to start`", "read in 0.9.6"},
		{"0.30", "`llama-server process has terminated: …`, `timed out waiting for llama-server to start`", "read in 0.33.0-rc2; since when is uncertain"},
	}},
}

// change is what is so from one release on. The oldest comes first.
type change struct{ since, words, evidence string }

// WriteReleases writes the table of differences as Markdown. The error is w's.
func WriteReleases(w io.Writer) error {
	text := "| What | From release | What it is there | Known from |\n|---|---|---|---|\n"
	for _, difference := range differences {
		subject := difference.subject
		for _, c := range difference.changes {
			text += fmt.Sprintf("| %s | %s | %s | %s |\n", subject, c.since, c.words, c.evidence)
			subject = ""
		}
	}
	_, err := io.WriteString(w, text)
	return err
}
