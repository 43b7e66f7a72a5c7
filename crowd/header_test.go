package crowd

import (
	"strings"
	"testing"
)

func TestTheEndOfAHeaderIsFoundHoweverItComes(t *testing.T) {
	for text, want := range map[string]struct{ lines, bytes int }{
		"GET / HTTP/1.1\r\nA: b\r\n\r\nbody\n\n\n": {2, 24},
		"GET / HTTP/1.1\nA: b\n\nbody\n":           {2, 21},
		"GET / HTTP/1.1\r\nA: b\r\n":               {2, 22},
		"GET / HTTP/1.1\r\nA: b\r\n\r":             {2, 23},
		"\r\nx":                                    {0, 2},
		"\nx":                                      {0, 1},
		"a\r\r\n\r\r\nb":                           {2, 8}, // net/http takes one CR off
		"":                                         {0, 0},
	} {
		for size := 1; size <= len(text)+1; size++ {
			var h header
			used := 0
			for used < len(text) {
				piece := text[used:min(used+size, len(text))]
				n := h.follow([]byte(piece))
				used += n
				if n < len(piece) || strings.HasSuffix(piece, "\n") && used == want.bytes {
					break
				}
			}
			if h.lines != want.lines || used != want.bytes || h.bytes != used {
				t.Errorf("%q in pieces of %d: %d lines, %d bytes", text, size, h.lines, used)
			}
		}
	}
}

func TestALineIsNoFieldAndAHundredAreAllowed(t *testing.T) {
	for n, tooLong := range map[int]bool{0: false, maxFields: false, maxFields + 1: true} {
		var h header
		h.follow([]byte("GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", n)))
		if h.tooLong(headerBytes) != tooLong {
			t.Errorf("%d fields: %v", n, !tooLong)
		}
	}
}

func TestALongerHeaderCanBeAllowed(t *testing.T) {
	for most, want := range map[int]bool{headerBytes: true, 64 << 10: false} {
		var h header
		h.follow([]byte("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 40<<10)))
		if h.tooLong(most) != want {
			t.Errorf("40 KiB of %d are too long: %v", most, !want)
		}
	}
}
