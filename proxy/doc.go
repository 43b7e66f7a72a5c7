// Package proxy is what both layers, the gateway and the relay, do alike when
// they pass a request on: carry it to the next server, hold its body in memory,
// copy its answer in pieces, read on after an answer that comes before the body's
// end, and drop the headers that mean one connection.
//
// It decides nothing: who is asked, when, and what a failure means is each
// layer's own.
package proxy
