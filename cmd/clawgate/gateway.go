package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway"
	"github.com/clawdbot/clawgate/gateway/config"
	sidecar "github.com/clawdbot/clawgate/sidecar/config"
)

// runGateway runs the door. It needs nothing but the network.
func runGateway(ctx context.Context, _ []string) int {
	settings, err := config.Load(os.Environ(), sidecar.Variables()...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	log := newLog(settings.LogLevel, settings.LogFormat)
	listeners, err := gateway.Listen(ctx, settings)
	if err != nil {
		log.Error("the gateway ended", "err", err)
		return exitFailure
	}
	door := gateway.New(gateway.Parts{Config: settings, Registry: prometheus.NewRegistry(), Log: log, Version: version()})
	if err := door.Run(ctx, listeners); err != nil {
		log.Error("the gateway ended", "err", err)
		return exitFailure
	}
	return exitOK
}
