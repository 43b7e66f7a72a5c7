// Package balance knows the sidecars behind the gateway: where they are, what
// each says of itself at /-/ready, and which of them a request goes to.
//
// Names are resolved again and again, and a name with several addresses counts
// as several sidecars, but for those that tell that they are one. Each is asked
// once a second, and four times a second while it is not ready. Between two looks
// it is what requests saw: a refused connection puts it aside at once, its own 503
// closes it for that model.
//
// It sends no request of a client's. What a failure means for one is forward's
// to decide; the pool tells it when an unanswered one had better move.
package balance
