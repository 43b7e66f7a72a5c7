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
	records := verdict.Records
	if len(args) > 1 {
		return misused("clawgate explain takes the name of one verdict at most")
	}
	if len(args) == 1 {
		if records = recordsNamed(args[0]); len(records) == 0 {
			return misused("no verdict is called %q; clawgate explain lists them", args[0])
		}
	}
	err := writeRecords(os.Stdout, records)
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

func recordsNamed(name string) []verdict.Record {
	for _, record := range verdict.Records {
		if string(record.Verdict) == strings.ToLower(name) {
			return []verdict.Record{record}
		}
	}
	return nil
}

func writeRecords(w io.Writer, records []verdict.Record) error {
	for i, record := range records {
		text := string(record.Verdict)
		if record.Faults != "" {
			text += " (" + record.Faults + ")"
		}
		text += "\n  signs:   " + record.Signs + "\n  remedy:  " + record.Remedy + "\n"
		if record.Never != "" {
			text += "  never:   " + record.Never + "\n"
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
