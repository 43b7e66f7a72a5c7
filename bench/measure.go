package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// target is one way to the upstream, and what was measured of it.
type target struct {
	name     string
	upstream string
	process  *process // nil process means that there is nothing in between
	client   *http.Client
	url      string

	firstChunks                 []time.Duration
	broken                      int
	shortCPU, fastCPU, pacedCPU time.Duration
	pacedTook                   time.Duration
	memoryBefore, memoryDuring  int64
}

func (t *target) quantile(q float64) time.Duration {
	slices.Sort(t.firstChunks)
	return t.firstChunks[int(q*float64(len(t.firstChunks)-1))]
}

func (t *target) perUnit(cpu time.Duration, units int, format string) string {
	if t.process.pids == nil {
		return "–"
	}
	return fmt.Sprintf(format, float64(cpu)/float64(units)/float64(time.Microsecond))
}

func (t *target) memory(streams int) string {
	if t.process.pids == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f KB", float64(t.memoryDuring-t.memoryBefore)/1000/float64(streams))
}

// measure goes through the workloads. The short one goes round the targets in
// blocks, so that what else the machine does falls on all of them.
func measure(ctx context.Context, plan plan, targets []*target) error {
	for _, t := range targets {
		if err := t.short(ctx, 200); err != nil { // warm
			return err
		}
		t.firstChunks, t.broken, t.shortCPU = nil, 0, 0
	}
	for range plan.blocks {
		for _, t := range targets {
			if err := t.short(ctx, plan.short/plan.blocks); err != nil {
				return err
			}
		}
	}
	for range plan.fastRounds {
		for _, t := range targets {
			t.fast(ctx, plan.fastClients, plan.fastChunks)
		}
	}
	for _, t := range targets {
		if err := t.restart(ctx); err != nil { // or its memory would be that of what went before
			return err
		}
		t.paced(ctx, plan)
	}
	return ctx.Err()
}

func (t *target) short(ctx context.Context, n int) error {
	before := t.process.cpu()
	for range n {
		took, err := t.ask(ctx, 1, 0)
		if err != nil {
			t.broken++
			continue
		}
		t.firstChunks = append(t.firstChunks, took)
	}
	t.shortCPU += t.process.cpu() - before
	return ctx.Err()
}

func (t *target) fast(ctx context.Context, clients, chunks int) {
	before := t.process.cpu()
	t.together(clients, func() error { _, err := t.ask(ctx, chunks, 0); return err })
	t.fastCPU += t.process.cpu() - before
}

func (t *target) restart(ctx context.Context) error {
	t.client.CloseIdleConnections()
	t.process.stop()
	fresh, err := startTarget(ctx, t.name, t.upstream)
	if err != nil {
		return err
	}
	t.process, t.url = fresh.process, fresh.url
	return t.short(ctx, 20)
}

func (t *target) paced(ctx context.Context, plan plan) {
	t.memoryBefore = t.process.memory()
	before, start := t.process.cpu(), time.Now()
	middle := time.AfterFunc(time.Duration(plan.pacedChunks)*plan.pace/2, func() { t.memoryDuring = t.process.memory() })
	defer middle.Stop()
	t.together(plan.streams, func() error { _, err := t.ask(ctx, plan.pacedChunks, plan.pace); return err })
	t.pacedTook, t.pacedCPU = time.Since(start), t.process.cpu()-before
}

func (t *target) together(n int, ask func() error) {
	var all sync.WaitGroup
	var broken atomic.Int64
	for range n {
		all.Go(func() {
			if ask() != nil {
				broken.Add(1)
			}
		})
	}
	all.Wait()
	t.broken += int(broken.Load())
}

// prompt is as long as a short question with its history.
var prompt = strings.Repeat("What is it that a watchman watches at night? ", 20)

// ask reads one answer and checks that it is whole. It tells how long the first
// chunk took.
func (t *target) ask(ctx context.Context, chunks int, pace time.Duration) (time.Duration, error) {
	body := fmt.Sprintf(`{"model":"qwen3:32b","chunks":%d,"pace":%d,"messages":[{"role":"user","content":%q}]}`, chunks, pace, prompt)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/api/chat", bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, err
	}
	start := time.Now()
	answer, err := t.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	lines := bufio.NewReaderSize(answer.Body, 1024)
	first, err := lines.ReadSlice('\n')
	took := time.Since(start)
	if err != nil || answer.StatusCode != http.StatusOK || !bytes.Contains(first, []byte(`"content"`)) {
		return 0, fmt.Errorf("no first chunk, status %d: %w", answer.StatusCode, err)
	}
	return took, rest(lines, chunks)
}

// rest checks that all chunks and the final one came.
func rest(lines *bufio.Reader, chunks int) error {
	count, final := 1, false
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			count++
			final = bytes.Contains(line, []byte(`"done":true`))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if count != chunks+1 || !final {
		return fmt.Errorf("%d lines of %d, final %v", count, chunks+1, final)
	}
	return nil
}
