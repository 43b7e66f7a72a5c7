// Package gateway is the door, :8080: the public side of Clawgate, in a process
// that holds no privilege, no Docker, no GPU and no state, and that never stops
// listening.
//
// One request's way through it:
//
//	base path, key in the path → own paths (/-/ready, /ui/) and preflight →
//	origin → key → path → method → class → rate → forward
//
// The packages below it do one thing each: config reads the settings, access
// knows who asks and how often, policy what may be asked, balance which sidecar
// is ready, forward the way to it and back, chat the page. This package joins
// them, logs every request in one line without anything of its content, and
// counts it.
//
// It draws no conclusion about Ollama: it believes what the sidecars say of
// themselves, and what a connection shows.
package gateway
