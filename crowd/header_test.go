package crowd

import (
	"strings"
	"testing"
)

func TestTheEndOfAHeaderIsFoundHoweverItComes(t *testing.T) {
	for text, want := range map[string]struct {
		lines int
		ended bool
	}{
		"GET / HTTP/1.1\r\nA: b\r\n\r\nbody\n\n\n": {2, true},
		"GET / HTTP/1.1\nA: b\n\nbody\n":           {2, true},
		"GET / HTTP/1.1\r\nA: b\r\n":               {2, false},
		"GET / HTTP/1.1\r\nA: b\r\n\r":             {2, false},
		"\r\n":                                     {0, true},
		"\n":                                       {0, true},
		"a\r\r\n\r\r\nb":                           {2, false}, // net/http takes one CR off
		"":                                         {0, false},
	} {
		for size := 1; size <= len(text)+1; size++ {
			var h header
			ended := false
			for rest := text; rest != "" && !ended; {
				n := min(size, len(rest))
				ended, rest = h.follow([]byte(rest[:n])), rest[n:]
			}
			if h.lines != want.lines || ended != want.ended {
				t.Errorf("%q in pieces of %d: %d lines, ended %v", text, size, h.lines, ended)
			}
		}
	}
}

func TestALineIsNoFieldAndAHundredAreAllowed(t *testing.T) {
	for n, tooLong := range map[int]bool{0: false, maxFields: false, maxFields + 1: true} {
		var h header
		h.follow([]byte("GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", n)))
		if h.tooLong() != tooLong {
			t.Errorf("%d fields: %v", n, !tooLong)
		}
	}
}
