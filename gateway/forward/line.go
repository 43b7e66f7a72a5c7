package forward

import "bytes"

// lineStartBytes is enough of a line to know an error by.
const lineStartBytes = 32

// lineStart is how the last line of an answer begins that is not empty. A line
// may come in several pieces.
type lineStart struct {
	text  []byte
	ended bool
}

func (l *lineStart) follow(piece []byte) {
	line := bytes.TrimRight(piece, "\r\n")
	ended := len(line) < len(piece)
	if len(line) == 0 {
		l.ended = l.ended || ended
		return
	}
	at := bytes.LastIndexByte(line, '\n')
	if at >= 0 || l.ended {
		l.text = l.text[:0]
	}
	line = line[at+1:]
	l.text = append(l.text, line[:min(len(line), lineStartBytes-len(l.text))]...)
	l.ended = ended
}

// saysError tells whether it is an error line, which the relay has written
// then.
func (l *lineStart) saysError() bool {
	line := bytes.TrimSpace(bytes.TrimPrefix(l.text, []byte("data:")))
	return bytes.HasPrefix(line, []byte(`{"error"`)) || bytes.HasPrefix(line, []byte(`{"type":"error"`))
}
