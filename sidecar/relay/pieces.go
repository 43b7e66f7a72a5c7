package relay

import "sync"

const (
	// smallPiece is what is read of an answer at a time, and held for as long as
	// a stream is open. A chunk of Ollama's is some 125 bytes. With its framing a
	// full piece still fits the server's 4096 bytes, and is one write.
	smallPiece = 4080
	// largePiece is for answers that come faster than they are passed on, and
	// for large ones: fewer and larger reads and writes.
	largePiece = 32 << 10
)

// pieces lends the memory that answers are copied through.
type pieces struct{ small, large sync.Pool }

func (p *pieces) borrow() []byte {
	if piece, kept := p.small.Get().(*[smallPiece]byte); kept {
		return piece[:]
	}
	return make([]byte, smallPiece)
}

// larger takes a small piece back for a large one.
func (p *pieces) larger(small []byte) []byte {
	p.giveBack(small)
	return largePieces{p}.Get()
}

func (p *pieces) giveBack(piece []byte) {
	if len(piece) == largePiece {
		p.large.Put((*[largePiece]byte)(piece))
		return
	}
	p.small.Put((*[smallPiece]byte)(piece))
}

// largePieces lends the large ones to the pass-through, which carries models
// that are pushed and pulled.
type largePieces struct{ *pieces }

func (p largePieces) Get() []byte {
	if piece, kept := p.large.Get().(*[largePiece]byte); kept {
		return piece[:]
	}
	return make([]byte, largePiece)
}

func (p largePieces) Put(piece []byte) { p.giveBack(piece) }
