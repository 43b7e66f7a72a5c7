package main

import (
	"context"
	"fmt"
	"os"

	"github.com/clawdbot/clawgate/sidecar/config"
)

func runEnv(context.Context, []string) int {
	if err := config.WriteTable(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}
