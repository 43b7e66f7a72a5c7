package crowd

import (
	"bytes"
	"net/http"
)

const (
	// maxHeaderBytes is the longest header of a request. net/http's own limit is
	// 4 KiB over what it is told, and 8 KiB where a connection is used again.
	maxHeaderBytes = 16 << 10
	// maxFields is how many fields a header may have: Apache's default. By
	// bytes alone it could have 2,700, which take 250 kB once they are read; a
	// hundred of as many bytes take 25 (measured with http.ReadRequest of Go 1.26).
	maxFields = 100
	// shortestField is the least number of bytes of a field that has a name.
	shortestField = 4
)

// header follows a request's header as it comes.
type header struct {
	bytes  int
	lines  int // that are whole
	length int // of the line that is not
	first  byte
}

// follow is true at the header's end, behind which it does not look.
func (h *header) follow(piece []byte) (ended bool) {
	for {
		line, rest, whole := bytes.Cut(piece, []byte("\n"))
		if h.length == 0 && len(line) > 0 {
			h.first = line[0]
		}
		h.length += len(line)
		h.bytes += len(line)
		if !whole {
			return false
		}
		h.bytes++
		if h.length == 0 || h.length == 1 && h.first == '\r' {
			return true
		}
		h.lines++
		h.length, piece = 0, rest
	}
}

// tooLong says that it has too many bytes or fields. The first line is no field.
func (h *header) tooLong() bool { return h.bytes > maxHeaderBytes || h.lines > maxFields+1 }

func fields(header http.Header) (n int) {
	for _, values := range header {
		n += len(values)
	}
	return n
}
