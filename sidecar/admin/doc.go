// Package admin is the sidecar's face towards operators and Prometheus: the
// metrics, the status, the health endpoints and the calls by which a person
// intervenes, all on a listener of their own.
//
//	GET  /             a small status page
//	GET  /metrics      Prometheus
//	GET  /-/healthy    this process lives
//	GET  /-/ready      an inference request would be served now: 200 or 503
//	GET  /-/status     everything that is known, as JSON
//	POST /-/pause      judge and report, but let all traffic through and heal nothing
//	POST /-/resume     the end of that
//	POST /-/restart    restart the container of Ollama now
//
// Every path may be addressed only by a name that no stranger can make point here,
// and the calls by which a person intervenes need the token, see operatorCalls.
//
// It shows what it is given and passes on what is asked. It judges nothing, and
// it never talks to Ollama, to the container engine or to the GPU: a scrape or
// a look at the status costs the model nothing.
package admin
