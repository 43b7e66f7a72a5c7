//go:build e2e

package crowd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood opens so many connections from one address, and sends the same on each.
// They are kept open until the test ends or the other side closes them.
type flood struct {
	name        string
	from        string
	connections int
	sent        string
	then        func(net.Conn) // in a goroutine of its own; nil for nothing
}

// open returns when all connections were opened, as far as they could be.
func (f flood) open(t *testing.T, address string) (opened int) {
	t.Helper()
	dialer := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(f.from)}}
	var next, done atomic.Int64
	ctx := t.Context() // which ends before the clean-ups
	var kept, group sync.WaitGroup
	t.Cleanup(kept.Wait)
	for range 32 {
		group.Go(func() {
			for next.Add(1) <= int64(f.connections) {
				c, err := dialer.DialContext(ctx, "tcp", address)
				if err != nil {
					continue // a server that is full may do that
				}
				done.Add(1)
				kept.Go(func() {
					stop := context.AfterFunc(ctx, func() { _ = c.Close() })
					defer stop()
					_, _ = io.Copy(io.Discard, c) // until either side closes it
					_ = c.Close()
				})
				_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
				_, _ = io.WriteString(c, f.sent) // it may be closed already
				if f.then != nil {
					_ = c.SetWriteDeadline(time.Time{})
					kept.Go(func() { f.then(c) })
				}
			}
		})
	}
	group.Wait()
	return int(done.Load())
}

// innocent is a client that does nothing wrong.
type innocent struct {
	name    string
	from    string
	header  http.Header
	persist bool // its connections are used again, as a proxy's are
}

// tally is what became of an innocent's requests.
type tally struct {
	asked, answered int
	failed          string // one that was not answered
	slowest         time.Duration
}

// ask asks one question after the other until the flood is over, and 100 at least.
func (i innocent) ask(t *testing.T, flooded func() bool, address string) (result tally) {
	transport := &http.Transport{
		DialContext:       (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(i.from)}}).DialContext,
		DisableKeepAlives: !i.persist,
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 10 * time.Second}
	for flooded() || result.asked < 100 {
		result.asked++
		start := time.Now()
		if problem := i.once(t, &client, address); problem != "" {
			result.failed = problem
		} else {
			result.answered++
		}
		result.slowest = max(result.slowest, time.Since(start))
		time.Sleep(10 * time.Millisecond) // the pace of the load, not a wait for anything
	}
	return result
}

func (i innocent) once(t *testing.T, client *http.Client, address string) (problem string) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/api/show", strings.NewReader(`{"model":"qwen3:32b"}`))
	if err != nil {
		return err.Error()
	}
	request.Header = i.header.Clone()
	answer, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Sprintf("%d %.200s %v", answer.StatusCode, text, err)
	}
	return ""
}
