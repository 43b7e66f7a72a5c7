package forward

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/clawdbot/clawgate/crowd"
	"github.com/clawdbot/clawgate/gateway/balance"
	"github.com/clawdbot/clawgate/members"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
)

// Config is what a Forwarder needs.
type Config struct {
	Pool      *balance.Pool
	Transport http.RoundTripper // to the sidecars; nil for proxy's own
	Hold      time.Duration     // wait for a ready sidecar, for requests that do not say themselves
	HoldRelay time.Duration     // wait for a relay that is away or has just begun

	MaxBodyBytes   int64 // a larger body is refused
	UploadRate     int64 // bytes a second that a body has to come with, see proxy.Body; 0 for any
	BufferMaxBytes int64 // all bodies together; an eighth of it is for small ones
	MaxRequests    int   // in hand at once; 0 for any number
	// Body looks at a whole body of a request that Ask says to inspect, in which
	// peek is what was found. It returns what is to be sent instead, and what within
	// that, or why the request is refused.
	Body func(request *http.Request, route ollama.Route, peek ollama.Peek, body []byte) ([]byte, members.Insertion, *Refusal)
	Log  *slog.Logger
}

// Refusal is the gateway's own answer instead of Ollama's.
type Refusal struct {
	Status   int
	Reason   string // bounded, for metrics
	Sentence string
	// RetryAfter is when trying again may help; 0 when it will not.
	RetryAfter time.Duration
}

// Ask is what the door has found out about a request.
type Ask struct {
	Path      string // clean: what was decided about is what is sent
	Asked     string // as the client wrote it, without what stood before it
	Route     ollama.Route
	Inference bool
	Inspect   bool   // Config.Body is to see the body
	Streams   bool   // the body is a blob: passed through, without limit
	Fairness  string // whose turn it is in the relay's queue
	Client    string // the client's address
	ID        string // request ID, the same in both layers' logs
}

// Result is what became of a request, for the log and the metrics.
type Result struct {
	Status     int // 499 when the client went away unanswered
	Bytes      int64
	FirstChunk time.Duration // from arrival to the first byte of the answer; 0 without one
	Took       time.Duration // from arrival to the end of the answer; 0 where that is the end of the request
	Held       time.Duration
	Attempts   int
	Sidecar    string // the last one that was asked
	Model      string
	Refused    string // the Refusal's reason, if it was the gateway that refused
	Cut        string // why an answer ended early, or empty
}

// Forwarder passes requests on. It starts no goroutine that outlives a request.
type Forwarder struct {
	config Config
	room   crowd.Room
	pieces proxy.Pieces
}

// New makes a Forwarder.
func New(config Config) *Forwarder {
	if config.Transport == nil {
		config.Transport = proxy.NewTransport(nil)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	f := &Forwarder{config: config}
	f.room.Requests, f.room.Bytes, f.room.Reserve = config.MaxRequests, config.BufferMaxBytes, config.BufferMaxBytes/8
	return f
}

// Buffered is the memory that request bodies hold now, in bytes.
func (f *Forwarder) Buffered() int64 { return f.room.Used() }

// Serve answers one request and tells in result what became of it. It panics
// with http.ErrAbortHandler to abort the connection of an answer that was cut;
// result is filled in before.
func (f *Forwarder) Serve(w http.ResponseWriter, request *http.Request, ask Ask, result *Result) {
	x := &exchange{
		forwarder: f, writer: w, control: http.NewResponseController(w), request: request,
		ask: ask, result: result, arrived: time.Now(),
	}
	defer x.finish()
	wait, asked := proxy.WaitAsked(request.Header.Values("Prefer"), f.config.Hold)
	x.wait, x.waitGiven = wait, asked || f.config.Hold > 0
	cleanHeader(request, ask)
	if x.enter(request) && x.readBody() {
		for x.step() {
		}
	}
	x.readOn()
}
