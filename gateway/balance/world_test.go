package balance

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const (
	ready    = `{"ready":true,"state":"ready","may_hold":true,"hold_max_ms":120000}`
	draining = `{"ready":false,"state":"ready","may_hold":true,"hold_max_ms":120000,"draining":true}`
	isolated = `{"ready":true,"state":"isolated","may_hold":true,"hold_max_ms":120000,"models":{"m":"its runner is frozen"}}`
	dead     = `{"ready":false,"state":"down","reason":"the restart budget is spent"}`
)

// world is a pool in front of relays that say of themselves what the test has
// them say, in virtual time.
type world struct {
	*testing.T
	pool *Pool

	mu     sync.Mutex
	says   map[string]string // by address; none: connections are refused
	mute   map[string]bool   // takes connections and answers nothing
	looks  map[string]int
	names  map[string][]string
	broken error // of the resolver
}

// inWorld runs a test with the pool started; it must end without goroutines.
func inWorld(t *testing.T, sidecars string, says map[string]string, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, says: says, mute: map[string]bool{}, looks: map[string]int{}, names: map[string][]string{}}
		for address := range says {
			host, _, _ := net.SplitHostPort(address)
			w.names["relays"] = append(w.names["relays"], host)
		}
		u, err := url.Parse(sidecars)
		if err != nil {
			t.Fatal(err)
		}
		w.pool = New(Config{Sidecars: []*url.URL{u}, Resolve: w.resolve, Dial: w.dial})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.pool.Run(ctx) }()
		synctest.Wait()
		run(w)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (w *world) resolve(_ context.Context, host string) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names[host], w.broken
}

func (w *world) dial(_ context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.says[address] == "" && !w.mute[address] {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	once := &oneConnection{far, make(chan struct{}, 1)}
	once.left <- struct{}{}
	server := &http.Server{Handler: http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) { w.relay(address, writer, request) })}
	go server.Serve(once)
	return near, nil
}

func (w *world) relay(address string, writer http.ResponseWriter, request *http.Request) {
	w.mu.Lock()
	text, mute := w.says[address], w.mute[address]
	w.looks[address]++
	w.mu.Unlock()
	if mute {
		<-request.Context().Done()
		return
	}
	if text == "" {
		panic(http.ErrAbortHandler)
	}
	_, _ = writer.Write([]byte(text))
}

// oneConnection is a listener that has a single connection.
type oneConnection struct {
	net.Conn
	left chan struct{}
}

func (l *oneConnection) Accept() (net.Conn, error) {
	select {
	case <-l.left:
		return l.Conn, nil
	default:
		return nil, errors.New("that was all")
	}
}

func (l *oneConnection) Close() error   { return nil }
func (l *oneConnection) Addr() net.Addr { return l.LocalAddr() }

// say has a relay say something else of itself from now on.
func (w *world) say(address, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.says[address] = text
}

func (w *world) name(addresses []string, broken error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names["relays"], w.broken = addresses, broken
}

// pass lets time go by and everything settle.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// chosen is the address that a request would go to, or empty.
func (w *world) chosen(model string) string {
	if s := w.pool.Choose(model, true, nil).Sidecar; s != nil {
		return s.Address
	}
	return ""
}

func (w *world) sidecar(address string) *Sidecar {
	w.Helper()
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	for _, s := range w.pool.sidecars {
		if s.Address == address {
			return s
		}
	}
	w.Fatalf("no sidecar %s", address)
	return nil
}

// begin sends a request to a sidecar; left has why it was told to leave.
func (w *world) begin(address, model string, movable bool) (a *Attempt, left chan error) {
	left = make(chan error, 2)
	return w.pool.Begin(w.sidecar(address), model, movable, func(cause error) { left <- cause }), left
}

// isTold gives what an attempt was told, nil when nothing.
func isTold(left chan error) error {
	synctest.Wait()
	select {
	case cause := <-left:
		return cause
	default:
		return nil
	}
}
