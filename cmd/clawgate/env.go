package main

import (
	"context"
	"fmt"
	"io"
	"os"

	gateway "github.com/clawdbot/clawgate/gateway/config"
	sidecar "github.com/clawdbot/clawgate/sidecar/config"
)

func runEnv(context.Context, []string) int {
	if err := writeEnv(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}

// writeEnv writes both roles' tables. The variables of the log stand in both.
func writeEnv(w io.Writer) error {
	for _, part := range []struct {
		title string
		table func(io.Writer) error
	}{
		{"The sidecar's:\n\n", sidecar.WriteTable},
		{"\nThe gateway's:\n\n", gateway.WriteTable},
	} {
		if _, err := io.WriteString(w, part.title); err != nil {
			return fmt.Errorf("cannot write the title of a table: %w", err)
		}
		if err := part.table(w); err != nil {
			return err
		}
	}
	return nil
}
