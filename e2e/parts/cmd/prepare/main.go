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
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := parts.Prepare(ctx, log)
	stop()
	if err != nil {
		log.Error("cannot prepare the end-to-end tests", "err", err)
		os.Exit(1)
	}
}
