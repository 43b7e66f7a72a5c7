// Command clawgate keeps an Ollama server answering. Each role is a subcommand;
// `clawgate help` lists them.
//
// This package only wires: it reads the environment, joins the parts and turns
// signals into the end of a context. Exit status 0 is success, 1 a failure at
// run time, 2 a mistake in the arguments or the environment.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// command is one subcommand. Its ctx ends at SIGINT or SIGTERM; args are what
// follows its name.
type command struct {
	name, arguments, meaning string
	run                      func(ctx context.Context, args []string) int
}

func commands() []command {
	return []command{
		{"gateway", "", "the door: keys, endpoint policy, balancing over sidecars, the chat page", runGateway},
		{"sidecar", "", "the relay beside one Ollama container: probes, verdict, recovery", runSidecar},
		{"demo", "", "gateway and sidecar against a simulated Ollama that breaks on command", runDemo},
		{"check", "", "preflight: is everything there that the sidecar needs?", runCheck},
		{"healthcheck", "gateway|sidecar", "exit 0 when that role answers; for HEALTHCHECK", runHealthcheck},
		{"explain", "[VERDICT]", "what each verdict is concluded from, and what is done about it", runExplain},
		{"replay", "FILE", "decide again what a sidecar saw, from a record of it", runReplay},
		{"env", "", "the table of environment variables", runEnv},
		{"version", "", "the build", runVersion},
		{"nvml", "", "started by the sidecar, never by a person", func(_ context.Context, args []string) int { return runNVML(args) }},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		usage(os.Stderr)
		return exitUsage
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		usage(os.Stdout)
		return exitOK
	}
	for _, command := range commands() {
		if command.name != args[0] {
			continue
		}
		if command.arguments == "" && len(args) > 1 && command.name != "nvml" {
			return misused("clawgate %s takes no arguments; environment variables configure it", command.name)
		}
		return command.run(ctx, args[1:])
	}
	return misused("no such command %q; clawgate help lists them", args[0])
}

func misused(format string, values ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Clawgate keeps an Ollama server answering. Usage: clawgate COMMAND")
	fmt.Fprintln(w)
	for _, command := range commands() {
		fmt.Fprintf(w, "  %-20s %s\n", command.name+" "+command.arguments, command.meaning)
	}
}
