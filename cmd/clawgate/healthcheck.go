package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/clawdbot/clawgate/sidecar/config"
)

const healthcheckDeadline = 3 * time.Second

func runHealthcheck(ctx context.Context, args []string) int {
	if len(args) != 1 || args[0] != "sidecar" {
		return misused("usage: clawgate healthcheck sidecar")
	}
	// No other variable is read: a mistake in one must not make a living
	// process look dead.
	listen, ok := os.LookupEnv("CLAWGATE_ADMIN_LISTEN")
	if !ok {
		listen = config.Default().AdminListen
	}
	if err := checkHealth(ctx, listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}

// checkHealth asks the role that listens on the given address, over the
// loopback interface unless it listens on one address alone.
func checkHealth(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("CLAWGATE_ADMIN_LISTEN: %q is not an address such as :18790", listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/-/healthy", nil)
	if err != nil {
		return fmt.Errorf("cannot ask for health: %w", err)
	}
	// No proxy from the environment between a process and itself.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("cannot ask for health: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not healthy: status %s", response.Status)
	}
	return nil
}
