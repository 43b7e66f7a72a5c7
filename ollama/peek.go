package ollama

import (
	"net/http"
	"strings"

	"github.com/clawdbot/clawgate/members"
)

// Purpose is what an inference request is for.
type Purpose int

const (
	Generate Purpose = iota
	// Load is a request without a prompt: it loads the model and answers
	// without having worked.
	Load
	// Unload is a load request with a keep_alive of zero: it reaches no runner.
	Unload
)

// Peek is what a request's body asks for, as far as Clawgate must know.
type Peek struct {
	// Model is normalised; empty when the body names none.
	Model string
	// Opaque says that the model could not be found out although Ollama might
	// find one: the body was not read whole, is none of JSON on a route that may
	// take others, or its name was too long to be read.
	Opaque bool
	// Remote says that a model is named that Ollama may have another machine run,
	// see [Remote]. The releases differ in which of several names counts, so one is
	// enough, and so is one that was too long to be read.
	Remote    bool
	Streaming bool
	Purpose   Purpose
	// KeepAlive is that of a native request.
	KeepAlive KeepAlive
	Options   RunnerOptions
	// Setup stands for what the request wants the model's runner to be started
	// with: the runner options and, where it says so, shift, which counts since 0.30
	// (`needsReload`; read in 0.32.14). It is a hash, the same in one process only.
	Setup uint64
	// MustSpeak says that an answer without a word is no answer: a model is asked
	// for text, of more than one token. It is false for embeddings, loads, a raw
	// prompt or one with a template of its own, a gap to be filled in (which may
	// need nothing), and where the body was not read whole.
	MustSpeak bool

	json    bool    // it is JSON, or begins as an object does, or there is nothing in it
	bounds  []bound // what bounds the answer's tokens, for Cap
	closing int     // where the body's closing brace is; 0 where it is not known
}

// IsObject says that a JSON object was read whole: what is known of it is what
// Ollama makes of it.
func (p Peek) IsObject() bool { return p.closing > 0 }

// Encoded says that only an encoding that the request's header names could make the
// body one that Ollama reads. The body decides: what is JSON is JSON to Ollama,
// whatever the header says ("identity", or a word that nobody knows), and no frame of
// gzip or zstd ever is.
func (p Peek) Encoded(header http.Header) bool {
	return !p.json && strings.Join(header["Content-Encoding"], "") != ""
}

// Append adds members to the body's object so that they win over those of their
// names before them. It adds none where there is no object, or nothing in it that
// anybody asked for.
func (p Peek) Append(added ...string) members.Insertion {
	if p.closing == 0 || p.Model == "" && !p.Opaque {
		return members.Insertion{}
	}
	return members.AtEnd(p.closing, added...)
}

// PeekBody reads what a whole request body asks for. A body that is not JSON
// gives a Peek without a model, and Ollama is the one to say what is wrong with
// it. It never fails, keeps nothing of body, and takes as much memory for a large
// one as for a small: what it took would be in no budget.
func PeekBody(route Route, body []byte) Peek {
	read := reading{route: route}
	closing := 0
	// Ollama decodes the first JSON value and ignores what follows.
	end, whole := members.First(body)
	if whole {
		closing, _ = members.Walk(body[:end], read.visit)
	}
	peek := read.peek()
	peek.json = whole || firstOf(body) == 0
	peek.closing = closing
	peek.MustSpeak = read.mustSpeak(peek)
	if closing == 0 && route.Name == otherOpenAI {
		peek.Opaque = true // a form, perhaps, as /v1/audio/transcriptions takes
	}
	return peek
}

// PeekPrefix reads what it can from the beginning of a body that is too large
// to be held. A model that is named only after the prefix is not found, and
// the Peek is Opaque. Such a body is taken to hold a prompt.
func PeekPrefix(route Route, prefix []byte) Peek {
	read := reading{route: route}
	_, _ = members.Walk(prefix, func(m members.Member) {
		if m.End < len(prefix) { // else it may be cut off
			read.visit(m)
		}
	})
	read.prompt, read.messages = true, true
	peek := read.peek()
	peek.Opaque = peek.Model == ""
	peek.json = firstOf(prefix) == '{'
	return peek
}

// firstOf is the first byte that is not blank; 0 where there is none.
func firstOf(body []byte) byte {
	for _, b := range body {
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b
		}
	}
	return 0
}
