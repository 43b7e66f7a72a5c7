// Package origins tells which web pages and desktop apps may call, by the Origin
// that their browser sends.
//
// A pattern has at most one *, which stands for no more than is safe to mean:
//
//	https://*.example.com   whole labels in front of a host
//	http://192.168.1.*      the numbers of an IP address
//	http://localhost:*      a port
//	app://*                 anything
//
// Ollama compares what stands before its * and what stands behind it, so that its
// http://localhost* lets http://localhost.evil.example in. Such a pattern is taken
// for what it was meant to be, and says so.
package origins
