// Package preflight looks whether everything is there that the sidecar needs,
// before it is needed: the engine, the container, its settings, Ollama, the
// model, the GPUs and the folders.
//
// [Look] gathers facts, each within a deadline; [Judge] says what they mean and
// what a person can do; it is pure. The package changes nothing anywhere: it
// loads no model, pulls nothing, and does not try whether the engine would let
// the container be stopped. That the model answers is for the readiness probe.
package preflight

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Level says how bad a finding is.
type Level string

const (
	// OK: nothing to do.
	OK Level = "ok"
	// Warn: the sidecar works, and something will not be as one expects.
	Warn Level = "warn"
	// Fail: the sidecar cannot do its work.
	Fail Level = "fail"
)

// Finding is what was found about one subject.
type Finding struct {
	Level   Level
	Subject string
	// Found is what was seen, Do what a person can do about it. Do is empty
	// where there is nothing to do.
	Found, Do string
}

// Judge says what the facts mean, in the order in which the parts depend on
// each other: the first failure is the one to mend first.
func Judge(f Facts) []Finding {
	return slices.Concat(
		engine(f), container(f), ollamaSettings(f), server(f), model(f), gpus(f), gpuReset(f), folders(f), token(f),
	)
}

// Failed says that the sidecar would not do its work.
func Failed(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == Fail })
}

// Write writes one line for each finding, in columns.
func Write(w io.Writer, findings []Finding) error {
	width := 0
	for _, f := range findings {
		width = max(width, len(f.Subject))
	}
	var lines strings.Builder
	for _, f := range findings {
		text := f.Found
		if f.Do != "" {
			text += ". To do: " + f.Do
		}
		// Others' error texts may have line breaks in them.
		fmt.Fprintf(&lines, "%-4s  %-*s  %s\n", f.Level, width, f.Subject, strings.Join(strings.Fields(text), " "))
	}
	if _, err := io.WriteString(w, lines.String()); err != nil {
		return fmt.Errorf("cannot write the findings: %w", err)
	}
	return nil
}

func ok(subject, format string, values ...any) Finding {
	return Finding{Level: OK, Subject: subject, Found: fmt.Sprintf(format, values...)}
}

func warn(subject, found, do string) Finding {
	return Finding{Level: Warn, Subject: subject, Found: found, Do: do}
}

func fail(subject, found, do string) Finding {
	return Finding{Level: Fail, Subject: subject, Found: found, Do: do}
}
