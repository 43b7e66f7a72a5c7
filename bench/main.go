// Command bench measures what stands between a client and Ollama, side by side
// in one run on loopback: nothing, the relay, the gateway, both, a plain
// httputil.ReverseProxy, and nginx where it is installed, each in a process of
// its own, in front of an upstream that streams as Ollama does. It prints a
// Markdown table.
//
//	go run ./bench [-short 10000] [-streams 1000] [-only relay,plain]
//
// It judges nothing: figures depend on the machine, and only those of one run
// compare. It ends with status 1 when an answer through one of ours was broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "role" {
		if err := serveRole(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	plan := plan{blocks: 5, fastClients: 16, fastChunks: 200, pacedChunks: 100, pace: 50 * time.Millisecond}
	flag.IntVar(&plan.short, "short", 10_000, "short streams through each")
	flag.IntVar(&plan.streams, "streams", 1000, "paced streams at once")
	flag.IntVar(&plan.fastRounds, "fast", 60, "rounds of fast streams")
	flag.DurationVar(&plan.pace, "pace", plan.pace, "time between two chunks of a paced stream")
	flag.IntVar(&plan.pacedChunks, "chunks", plan.pacedChunks, "chunks of a paced stream")
	only := flag.String("only", "direct,nginx,plain,relay,gateway,chain", "what to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, plan, strings.Split(*only, ","))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// plan is how much is measured.
type plan struct {
	short, blocks                       int
	fastClients, fastChunks, fastRounds int
	streams, pacedChunks                int
	pace                                time.Duration
}

func run(ctx context.Context, plan plan, names []string) error {
	upstream, err := startRole(ctx, "upstream", "")
	if err != nil {
		return err
	}
	defer upstream.stop()
	var targets []*target
	for _, name := range names {
		t, err := startTarget(ctx, name, upstream.address)
		if errors.Is(err, errNotInstalled) {
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", name, err)
			continue
		}
		if err != nil {
			return err
		}
		defer func() { t.process.stop() }()
		targets = append(targets, t)
	}
	if err := measure(ctx, plan, targets); err != nil {
		return err
	}
	printTable(plan, targets)
	for _, t := range targets {
		if slices.Contains([]string{"relay", "gateway", "chain"}, t.name) && t.broken > 0 {
			return fmt.Errorf("%d answers through the %s were broken", t.broken, t.name)
		}
	}
	return nil
}

func printTable(plan plan, targets []*target) {
	fmt.Printf("| | short: first chunk, p50 | p99 | short: CPU a request | broken of %d | fast: CPU a chunk | paced: CPU a chunk | paced: memory a stream | paced: took |\n", plan.short)
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, t := range targets {
		fmt.Printf("| %s | %.3f ms | %.3f ms | %s | %d | %s | %s | %s | %.1f s |\n", t.name,
			ms(t.quantile(0.50)), ms(t.quantile(0.99)), t.perUnit(t.shortCPU, plan.short, "%.0f µs"), t.broken,
			t.perUnit(t.fastCPU, plan.fastClients*plan.fastChunks*plan.fastRounds, "%.2f µs"),
			t.perUnit(t.pacedCPU, plan.streams*plan.pacedChunks, "%.1f µs"), t.memory(plan.streams), t.pacedTook.Seconds())
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
