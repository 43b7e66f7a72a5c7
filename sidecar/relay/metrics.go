package relay

import "time"

// Metrics is told what happens to requests. Its methods must not block. The
// gauges (in flight, queued, held, buffered bytes) are read with Relay.Load.
type Metrics interface {
	// Request is called once at the end of every request. The code is 499 when
	// the client went away first.
	Request(route string, code int, took time.Duration)
	// FirstChunk is called for streamed answers, when the first real content came.
	FirstChunk(model string, took time.Duration)
	// Tokens is called at the end of an answer that says its counts.
	// The rate is 0 where Ollama gave no duration.
	Tokens(model string, prompt, generated int, perSecond float64)
	// Replayed is called for every request that was kept: "answered", "failed".
	Replayed(result string)
	// Refused is called for every 503 of the relay's own: "gate", "queue_full",
	// "queue_timeout", "draining", "upstream", "memory", "crowded".
	Refused(reason string)
	// Cut is called for every answer that ended early: "upstream", "recovery",
	// "stalled", "incomplete".
	Cut(reason string)
}

// noMetrics stands in where nobody counts.
type noMetrics struct{}

func (noMetrics) Request(string, int, time.Duration) {}
func (noMetrics) FirstChunk(string, time.Duration)   {}
func (noMetrics) Tokens(string, int, int, float64)   {}
func (noMetrics) Replayed(string)                    {}
func (noMetrics) Refused(string)                     {}
func (noMetrics) Cut(string)                         {}
