package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/clawdbot/clawgate/sidecar/replay"
)

// runReplay decides again what a record holds, and prints it. It fails where this build
// decides otherwise than the one that made the record.
func runReplay(_ context.Context, args []string) int {
	if len(args) != 1 {
		return misused("clawgate replay takes the name of one file, a record of what a sidecar saw and decided")
	}
	if err := replayFile(args[0], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}

func replayFile(name string, out io.Writer) (err error) {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("cannot read the record: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	result, err := replay.Replay(file, out)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(out, "%d turns, in %d of them something was decided, in %d otherwise than the record says\n", result.Turns, result.Decided, result.Differ)
	if result.Differ > 0 {
		return errors.New("this build decides otherwise than the one that made the record")
	}
	return nil
}
