package admin

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/clawdbot/clawgate/guesses"
	"github.com/clawdbot/clawgate/hosts"
)

// Config is what New needs.
type Config struct {
	// Status and Ready tell how things are. They are called for each request,
	// from many goroutines, and must not block. Ready gives a reason when it is
	// false.
	Status func() Status
	Ready  func() (ready bool, reason string)
	// Control carries out what a person asks for.
	Control Control
	// Token is what a person must know for that. Empty: all such calls are refused.
	Token string
	// Listen is the listener's address as configured. A name in it is one by
	// which the listener may be addressed, as those in Hosts are.
	Listen   string
	Hosts    hosts.Names
	Gatherer prometheus.Gatherer
	Log      *slog.Logger
}

// New returns the handler of the admin listener, see the package comment.
// Answers to programs are JSON, errors as {"error":"…"}.
func New(config Config) http.Handler {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	calls := operatorCalls{config, new(guesses.Brake)}
	mux := http.NewServeMux()
	mux.Handle("/metrics", reading(promhttp.HandlerFor(config.Gatherer, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(config.Log.Handler(), slog.LevelWarn),
	})))
	mux.Handle("/-/healthy", reading(http.HandlerFunc(healthy)))
	mux.Handle("/-/ready", reading(ready(config.Ready)))
	mux.Handle("/-/status", reading(status(config.Status)))
	mux.Handle("/-/pause", calls.handler("pause", calls.pause))
	mux.Handle("/-/resume", calls.handler("resume", calls.resume))
	mux.Handle("/-/restart", calls.handler("restart", calls.restart))
	mux.Handle("/{$}", reading(page(config.Status)))
	mux.HandleFunc("/", unknown)
	return secured(limited(checkHost(config.Hosts.And(config.Listen), mux)))
}

// bodyTimeout bounds how long a client may send a body, which nobody reads.
const bodyTimeout = 10 * time.Second

// limited ends a request that announces a body and does not send it. The server
// would wait for it after the answer, for ever.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // or it would wait before the answer, too
			// The error: a connection without deadlines is a test's recorder.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// checkHost refuses names that a stranger's DNS may have pointed here: a page of
// that name could read everything, and make calls.
func checkHost(names hosts.Names, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !names.Trust(r) {
			fail(w, http.StatusForbidden, hosts.Refusal("CLAWGATE_ADMIN_HOSTS"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secured keeps browsers from guessing types, caching and framing.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// reading lets only the methods pass that change nothing.
func reading(next http.Handler) http.Handler {
	return methods(next, http.MethodGet, http.MethodHead)
}

func methods(next http.Handler, allowed ...string) http.Handler {
	allow := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(allowed, r.Method) {
			w.Header().Set("Allow", allow)
			fail(w, http.StatusMethodNotAllowed, "this path takes "+allow+" only")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"healthy": true})
}

func ready(ask func() (bool, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if ready, reason := ask(); !ready {
			answer(w, http.StatusServiceUnavailable, map[string]any{"ready": false, "reason": reason})
			return
		}
		answer(w, http.StatusOK, map[string]any{"ready": true})
	}
}

func status(ask func() Status) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, ask().AsOf(time.Now()))
	}
}

func unknown(w http.ResponseWriter, _ *http.Request) {
	fail(w, http.StatusNotFound, "there is nothing at this path; see /, /metrics, /-/healthy, /-/ready and /-/status")
}

func fail(w http.ResponseWriter, code int, sentence string) {
	answer(w, code, map[string]any{"error": sentence})
}

// answer writes value as indented JSON. It is encoded before the first byte is
// sent, so that a value that cannot be encoded is an error and not half an answer.
func answer(w http.ResponseWriter, code int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		code, body = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}
