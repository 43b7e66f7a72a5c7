//go:build e2e

// Command prepare makes what the end-to-end tests need: see parts.Prepare.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/clawdbot/clawgate/e2e/parts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := parts.Prepare(ctx, log); err != nil {
		log.Error("cannot prepare the end-to-end tests", "err", err)
		stop()
		os.Exit(1)
	}
}
