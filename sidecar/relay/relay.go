package relay

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
	"github.com/clawdbot/clawgate/sidecar/runners"
)

// Config is what a relay needs. Zero durations and sizes mean what they say:
// no waiting, no keeping.
type Config struct {
	Upstream *url.URL
	Model    string // the one that the sidecar looks after; told at /-/ready
	// KeepAlive is how long Model is to stay loaded after a request, negative for
	// ever; told at /-/ready.
	KeepAlive time.Duration
	// Transport carries requests to Upstream; nil for the relay's own, which
	// takes less memory and time than http.Transport.
	Transport http.RoundTripper
	// Dial is how the relay's own transport connects; nil for a plain dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	QueueLength int // requests that wait, of all models together
	// MaxInFlight is how many requests of one model are sent at a time; 0 for
	// the server's slots and one more, which keeps the server busy between two.
	MaxInFlight int

	QueueTimeout time.Duration // wait for a slot
	Hold         time.Duration // wait at the closed gate, for requests that do not say themselves
	// HoldMax bounds what a client may ask for, and is what a request may wait
	// that was kept for sending again.
	HoldMax    time.Duration
	RetryAfter time.Duration

	FirstChunkTimeout time.Duration // after it a SignWaitedLong is posted
	StallTimeout      time.Duration // silence between chunks, unless Working

	// MaxTokens caps what one answer may have, in tokens; 0 for no cap. A request
	// whose body cannot be held in memory, or read, is refused then.
	MaxTokens int

	UploadRate     int64 // bytes a second that a body has to come with, see proxy.Body; 0 for any
	ReplayMaxBytes int64 // a larger body is not held in memory
	BufferMaxBytes int64 // all bodies together; an eighth of it is for small ones
	MaxRequests    int   // in hand at once, of all kinds; 0 for any number

	// Runners is told what was asked of Ollama that may end a runner; nil for one
	// of the relay's own.
	Runners *runners.Ledger
	// Signs is told what traffic shows, as it happens. It must not block.
	Signs func(evidence.Sign)
	// Working says whether the container was seen working lately.
	Working func() bool
	// Relist asks for what SetModels tells to be read anew: a model has answered that is
	// not among them, or a call may have changed what a name stands for. It must not
	// block. Nil for nobody who does.
	Relist  func()
	Metrics Metrics
	Log     *slog.Logger
}

// Relay forwards requests to one Ollama. It is an http.Handler, safe for use
// by any number of goroutines. It starts none of its own.
type Relay struct {
	config      Config
	admission   *admission
	room        crowd.Room
	options     loadedOptions
	models      atomic.Pointer[listed]
	pieces      proxy.Pieces
	passThrough *httputil.ReverseProxy
	served      atomic.Uint64 // requests so far
	instance    string        // told at /-/ready
}

// New makes a relay whose gate is closed until SetGate is called: nothing is
// known of Ollama yet.
func New(config Config) *Relay {
	if config.Transport == nil {
		config.Transport = proxy.NewTransport(config.Dial)
	}
	if config.Runners == nil {
		config.Runners = runners.NewLedger()
	}
	if config.Signs == nil {
		config.Signs = func(evidence.Sign) {}
	}
	if config.Relist == nil {
		config.Relist = func() {}
	}
	if config.Working == nil {
		config.Working = func() bool { return false }
	}
	if config.Metrics == nil {
		config.Metrics = noMetrics{}
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	r := &Relay{config: config, admission: newAdmission(config), instance: rand.Text()}
	r.room.Requests, r.room.Bytes, r.room.Reserve = config.MaxRequests, config.BufferMaxBytes, config.BufferMaxBytes/8
	r.passThrough = r.newPassThrough()
	r.SetModels(ollama.Catalogue{})
	return r
}

// ServeHTTP answers one request. It panics with http.ErrAbortHandler to abort
// the connection of an answer that was cut, so that it never looks complete.
func (r *Relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if clean := path.Clean("/" + request.URL.Path); clean == "/-" || strings.HasPrefix(clean, "/-/") {
		r.serveOwn(w, request, clean)
		return
	}
	x := newExchange(r, w, request)
	defer x.finish()
	x.serve(request)
	x.readOn()
}

func (x *exchange) serve(request *http.Request) {
	if !x.enter(request) {
		return
	}
	if !x.route.Inference {
		x.pass()
		return
	}
	if !x.readBody() {
		return
	}
	if x.peek.Purpose == ollama.Unload {
		x.pass()
		return
	}
	for x.attempt() {
	}
}

// SetSlots says how many requests Ollama serves at once (OLLAMA_NUM_PARALLEL).
func (r *Relay) SetSlots(n int) { r.admission.setSlots(n) }
