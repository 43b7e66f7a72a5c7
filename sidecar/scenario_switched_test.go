package sidecar_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// switched is a fault of the server that the simulation does not know. It has to be
// there before the sidecar's first connection, and is off at first.
type switched struct{ on atomic.Bool }

// swallow makes the server take some requests and answer none of them.
func (f *switched) swallow(which func(r *http.Request, body string) bool) func(*scenario) {
	return func(s *scenario) {
		s.odd.inPlace(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if f.on.Load() && which(r, string(body)) {
				<-r.Context().Done()
				return
			}
			s.ServeHTTP(w, r)
		})
	}
}

// generationOf picks the requests that have a model say something.
func generationOf(name string) func(*http.Request, string) bool {
	return func(r *http.Request, body string) bool {
		return r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "show") &&
			strings.Contains(body, `"`+name+`"`) && !strings.Contains(body, "keep_alive")
	}
}

// share is how much of the time something was so, looked at every second.
func share(d time.Duration, so func() bool) float64 {
	n, all := 0, 0
	for began := time.Now(); time.Since(began) < d; time.Sleep(time.Second) {
		if all++; so() {
			n++
		}
	}
	return float64(n) / float64(all)
}

// anyGeneration picks those of both models.
func anyGeneration(r *http.Request, body string) bool {
	return generationOf(model)(r, body) || generationOf(other)(r, body)
}
