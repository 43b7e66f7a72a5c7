package proxy

import "sync"

const (
	// SmallPiece is what is read of an answer at a time, and held for as long as
	// a stream is open. A chunk of Ollama's is some 125 bytes. With its framing a
	// full piece still fits the server's 4096 bytes, and is one write.
	SmallPiece = 4080
	// largePiece is for answers that come faster than they are passed on, and
	// for large ones: fewer and Larger reads and writes.
	largePiece = 32 << 10
)

// Pieces lends the memory that answers are copied through.
type Pieces struct{ small, large sync.Pool }

// Borrow lends a small piece.
func (p *Pieces) Borrow() []byte {
	if piece, kept := p.small.Get().(*[SmallPiece]byte); kept {
		return piece[:]
	}
	return make([]byte, SmallPiece)
}

// Larger takes a small piece back for a large one.
func (p *Pieces) Larger(small []byte) []byte {
	p.GiveBack(small)
	return LargePieces{p}.Get()
}

// GiveBack takes a piece of either size back.
func (p *Pieces) GiveBack(piece []byte) {
	if len(piece) == largePiece {
		p.large.Put((*[largePiece]byte)(piece))
		return
	}
	p.small.Put((*[SmallPiece]byte)(piece))
}

// LargePieces lends the large ones to the pass-through, which carries models
// that are pushed and pulled.
type LargePieces struct{ *Pieces }

// Get implements httputil.BufferPool.
func (p LargePieces) Get() []byte {
	if piece, kept := p.large.Get().(*[largePiece]byte); kept {
		return piece[:]
	}
	return make([]byte, largePiece)
}

// Put implements httputil.BufferPool.
func (p LargePieces) Put(piece []byte) { p.GiveBack(piece) }
