package ollama

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/clawdbot/clawgate/evidence"
)

// maxErrorText bounds an error text of Ollama's that is looked at, in bytes: the
// runner's last words take up to 8 KiB of it (0.32.14, llm/status.go).
const maxErrorText = 12 << 10

// Failure is an error answer of Ollama's in Clawgate's own words. Ollama quotes its
// clients in its errors ("invalid format: …"), so that the text itself goes to the
// client that asked and to nobody else: not into a log, a status, a metric or
// another client's answer.
type Failure struct {
	// Kind is what the answer hints at; empty when it shows nothing about the
	// server. It is a hint and no proof: what a client writes can look like it.
	Kind evidence.SignKind
	// Says is the answer in Clawgate's words; empty for a text that it does not know.
	Says string
	// Load is what a load failed of by this answer; empty where it does not tell.
	Load LoadFailure
	// Status is the HTTP status; 200 for an error line inside a stream.
	Status int
	// Bytes is the length of Ollama's own text, as far as it was read.
	Bytes int

	refuses Question // what the model cannot be asked; empty for none
}

// NotFound says that Ollama does not have the model, and so has loaded nothing.
func (f Failure) NotFound() bool { return f.Status == http.StatusNotFound && f.Says == notFound }

// Words are what the answer says, without its status.
func (f Failure) Words() string {
	switch {
	case f.Says != "":
		return f.Says
	case f.Bytes == 0:
		return "no error of Ollama's"
	}
	return fmt.Sprintf("an error of %d bytes that Clawgate does not know", f.Bytes)
}

func (f Failure) String() string {
	switch {
	case f.Status == http.StatusOK:
		return f.Words()
	case f.Says == "" && f.Bytes == 0:
		return fmt.Sprintf("HTTP status %d", f.Status)
	}
	return fmt.Sprintf("HTTP status %d: %s", f.Status, f.Words())
}

// Classify tells what an error of Ollama's says, by its status and its text. Only
// whole sentences count that Ollama itself writes: a sentence that is quoted inside
// another one, or that stands behind other words, is somebody else's, but for the
// sentences of Ollama's that tell another one as their cause. What Ollama calls the
// client's mistake (4xx) hints at nothing; that an embedding's runner broke off, it
// calls that by oversight.
func Classify(status int, text string) Failure {
	failure := Failure{Status: status, Bytes: len(text)}
	failure.read(text, maxCauses)
	return failure
}

// maxCauses bounds how many sentences that tell a cause are read one inside the other.
// Ollama writes one: it starts a runner a second time, and no third time.
const maxCauses = 1

// read finds the sentence that text is, and reads at most causes sentences inside it.
func (f *Failure) read(text string, causes int) {
	for _, s := range sentences {
		match := s.form.FindStringSubmatch(text)
		if match == nil || s.status != 0 && s.status != f.Status {
			continue
		}
		f.Kind, f.Says, f.Load, f.refuses = s.kind, s.says, s.load, s.refuses
		if s.rest != nil {
			s.rest(f, match[1:])
		}
		if s.wraps && causes > 0 {
			f.because(match[1], causes-1)
		}
		if f.Status >= 400 && f.Status < 500 && !(s.embeds && f.Status == http.StatusBadRequest) {
			f.Kind = ""
		}
		return
	}
}

// because reads the cause that a sentence tells.
func (f *Failure) because(text string, causes int) {
	cause := Failure{Status: f.Status}
	cause.read(text, causes)
	f.Kind, f.Load = cause.Kind, cause.Load
	if cause.Says != "" {
		f.Says += ": " + cause.Says
	}
}

// ErrorText finds the text of an error answer in any of the formats, at most 12 KiB
// of it. It is empty for what is none of them: Ollama's errors are JSON, and
// anything else is a proxy's.
func ErrorText(body []byte) string {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(bytes.TrimSpace(body), &answer) != nil || len(answer.Error) == 0 {
		return ""
	}
	text := errorMember(answer.Error)
	return text[:min(len(text), maxErrorText)]
}

// errorMember reads {"error":"…"} or {"error":{"message":"…"}}.
func errorMember(member json.RawMessage) string {
	var plain string
	if json.Unmarshal(member, &plain) == nil {
		return plain
	}
	var object struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(member, &object) // another shape has no text that is known here
	return object.Message
}
