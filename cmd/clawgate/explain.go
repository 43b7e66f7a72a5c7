package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// runExplain prints what this build knows about each verdict, or about one.
func runExplain(_ context.Context, args []string) int {
	entries := verdict.Table
	if len(args) > 1 {
		return misused("clawgate explain takes the name of one verdict at most")
	}
	if len(args) == 1 {
		if entries = entriesNamed(args[0]); len(entries) == 0 {
			return misused("no verdict is called %q; clawgate explain lists them", args[0])
		}
	}
	err := writeEntries(os.Stdout, entries)
	if err == nil && len(args) == 0 {
		err = writeReleases(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}

// writeReleases adds what differs between releases of Ollama.
func writeReleases(w io.Writer) error {
	if _, err := io.WriteString(w, "\nReleases of Ollama:\n\n"); err != nil {
		return fmt.Errorf("cannot write the table of releases: %w", err)
	}
	return ollama.WriteReleases(w)
}

func entriesNamed(name string) []verdict.Entry {
	for _, entry := range verdict.Table {
		if string(entry.Verdict) == strings.ToLower(name) {
			return []verdict.Entry{entry}
		}
	}
	return nil
}

func writeEntries(w io.Writer, entries []verdict.Entry) error {
	for i, entry := range entries {
		text := string(entry.Verdict)
		if entry.Faults != "" {
			text += " (" + entry.Faults + ")"
		}
		text += "\n  signs:   " + entry.Signs + "\n  remedy:  " + entry.Remedy + "\n"
		if entry.Never != "" {
			text += "  never:   " + entry.Never + "\n"
		}
		if i > 0 {
			text = "\n" + text
		}
		if _, err := io.WriteString(w, text); err != nil {
			return fmt.Errorf("cannot write the table of verdicts: %w", err)
		}
	}
	return nil
}
