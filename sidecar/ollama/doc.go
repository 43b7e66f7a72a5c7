// Package ollama knows Ollama's HTTP API as far as Clawgate needs it: which
// path is inference, what a request asks for, what a chunk carries, what an
// error means, and a client for the few calls that Clawgate makes itself.
//
// It knows how versions differ. It holds no policy: when to load, unload or
// pull is decided elsewhere.
package ollama
