// Package ollama knows Ollama's HTTP API as far as Clawgate needs it: which
// path is inference, what a request asks for, what a chunk carries, what an
// error means, and a client for the few calls that Clawgate makes itself. A model is
// its weights: their place in memory, and not the names that people give it, says
// which models are one (Place, Variant, Directory).
//
// What differs between releases is written in one table (WriteReleases). It
// holds no policy: when to load, unload or pull is decided elsewhere.
package ollama
