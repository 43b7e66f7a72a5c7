package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/clawdbot/clawgate/dockerctl"
	gateway "github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/gpu"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/sidecar/preflight"
)

// runCheck is run where the sidecar runs, with its environment: in its
// container, for example.
func runCheck(ctx context.Context, _ []string) int {
	return check(ctx, os.Environ(), os.Stdout, os.Stderr)
}

func check(ctx context.Context, environ []string, stdout, stderr io.Writer) int {
	settings, err := config.Load(environ, gateway.Variables()...)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	// The findings say what the parts would log.
	engine, err := dockerctl.New("", settings.Container, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Fprintf(stderr, "cannot use the container engine (DOCKER_HOST, CLAWGATE_CONTAINER): %v\n", err)
		return exitUsage
	}
	defer func() { _ = engine.Close() }() // idle connections only
	helper, err := resetHelper(settings, engine)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	findings := preflight.Judge(look(ctx, settings, engine, helper))
	if err := preflight.Write(stdout, findings); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailure
	}
	if preflight.Failed(findings) {
		return exitFailure
	}
	return exitOK
}

// look joins the real parts and asks them.
func look(ctx context.Context, settings config.Config, engine *dockerctl.Container, helper *dockerctl.Helper) preflight.Facts {
	var view preflight.GPU = gpu.Off{}
	if settings.GPU != config.GPUOff {
		client := gpu.NewClient(gpu.Config{LibraryPath: settings.NVMLLibrary, Log: slog.New(slog.DiscardHandler)})
		running, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = client.Run(running) // nil, always
		}()
		defer func() {
			stop()
			<-ended
		}()
		view = client
	}
	transport := &http.Transport{DisableKeepAlives: true} // no proxy, as the sidecar has none
	parts := preflight.Parts{
		Config: settings, Engine: engine, GPU: view,
		Dial: new(net.Dialer).DialContext, Resolve: net.DefaultResolver.LookupNetIP, Transport: transport,
	}
	if helper != nil {
		parts.Helper = helper
	}
	return preflight.Look(ctx, parts)
}
