package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/clawdbot/clawgate/environment"
	gateway "github.com/clawdbot/clawgate/gateway/config"
	sidecar "github.com/clawdbot/clawgate/sidecar/config"
)

const healthcheckDeadline = 3 * time.Second

// adminListen is where a role can be asked, and the variable that says so. No
// other variable is read: a mistake in one must not make a living process look
// dead.
func adminListen(role string) (variable, listen string) {
	switch role {
	case "gateway":
		variable, listen = "CLAWGATE_GATEWAY_ADMIN_LISTEN", gateway.Default().AdminListen
	case "sidecar":
		variable, listen = "CLAWGATE_ADMIN_LISTEN", sidecar.Default().AdminListen
	}
	if set, ok := os.LookupEnv(variable); ok {
		listen = environment.Text(set)
	}
	return variable, listen
}

func runHealthcheck(ctx context.Context, args []string) int {
	if len(args) != 1 {
		return misused("usage: clawgate healthcheck gateway|sidecar")
	}
	variable, listen := adminListen(args[0])
	if variable == "" {
		return misused("usage: clawgate healthcheck gateway|sidecar")
	}
	if err := checkHealth(ctx, variable, listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	return exitOK
}

// checkHealth asks the role that listens on the given address, over the
// loopback interface unless it listens on one address alone.
func checkHealth(ctx context.Context, variable, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("%s: %q is not an address such as :18790", variable, listen)
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
