package crowd

import (
	"bytes"
	"net/http"
)

const (
	// headerBytes is the longest header of a request where nothing else is said.
	// net/http's own limit is 4 KiB over what it is told, and 8 KiB where a connection
	// is used again.
	headerBytes = 16 << 10
	// leastHeaderBytes and mostHeaderBytes are between what it may be set to: browsers
	// send a kilobyte or two, and what a client sends is kept for each connection.
	leastHeaderBytes = 4 << 10
	mostHeaderBytes  = 1 << 20
	// maxFields is how many fields a header may have: Apache's default. By
	// bytes alone it could have 2,700, which take 250 kB once they are read; a
	// hundred of as many bytes take 25 (measured with http.ReadRequest of Go 1.26).
	maxFields = 100
)

// header follows a request's header as it comes.
type header struct {
	bytes  int
	lines  int // that are whole
	length int // of the line that is not
	first  byte
}

// follow says how much of a piece the server may have: as far as the header's end
// or, where it has got the header's beginning with the request before, what looks
// like one. It goes on asking then.
func (h *header) follow(piece []byte) (used int) {
	for {
		line, _, whole := bytes.Cut(piece[used:], []byte("\n"))
		if h.length == 0 && len(line) > 0 {
			h.first = line[0]
		}
		h.length += len(line)
		h.bytes += len(line)
		used += len(line)
		if !whole {
			return used
		}
		h.bytes++
		used++
		ended := h.length == 0 || h.length == 1 && h.first == '\r'
		h.length = 0
		if ended {
			return used
		}
		h.lines++
	}
}

// tooLong says that it has too many bytes or fields. The first line is no field.
func (h *header) tooLong(most int) bool { return h.bytes > most || h.lines > maxFields+1 }

// FitsHeader says that a header's limit may be so many bytes.
func FitsHeader(n int64) bool { return n >= leastHeaderBytes && n <= mostHeaderBytes }

func fields(header http.Header) (n int) {
	for _, values := range header {
		n += len(values)
	}
	return n
}
