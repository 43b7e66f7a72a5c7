// Package crowd keeps what clients share from being taken by one of them: the
// connections of a listener, the requests in hand and the memory of their
// bodies. All three are bounded by the memory that there is, and divided by one
// rule: a share binds only while others wait. Whoever comes may have all that is
// free; when nothing is, whoever has most gives way to whoever has less.
//
//	accepted ──→ header read ──→ in hand ──→ body read ──→ answered
//	   by address, crowd            by key, or the client's address, Room
//
// A connection counts to its peer's address, because nothing else is known of it
// yet; those of trusted proxies are held by the total alone. One with a request
// in hand is never closed for another's: there are more connections than requests.
//
// The package judges nothing else of a request, and knows nothing of keys.
package crowd
