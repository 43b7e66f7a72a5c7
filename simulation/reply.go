package simulation

import (
	"encoding/json"
	"net/http"
)

// reply writes one answer. A frozen process writes nothing, and one that ended
// leaves the connection cut.
type reply struct {
	server *server
	rw     http.ResponseWriter
	openAI bool // in OpenAI's form
	status int
}

// moving waits while the process is frozen and aborts the answer when it ended.
func (r *reply) moving() {
	if r.server.gate.pass(r.server.ctx) != nil {
		panic(http.ErrAbortHandler)
	}
}

func (r *reply) write(status int, kind string, body []byte) error {
	r.moving()
	if r.status == 0 {
		r.status = status
		r.rw.Header().Set("Content-Type", kind)
		r.rw.Header().Set("Date", r.server.world.date())
		r.rw.WriteHeader(status)
	}
	w := r.server.world
	w.mu.Lock()
	w.meter.tx += uint64(len(body)) + 100
	w.mu.Unlock()
	if _, err := r.rw.Write(body); err != nil {
		return err
	}
	return http.NewResponseController(r.rw).Flush()
}

// empty is an answer without a body, and without a word of what it would be.
func (r *reply) empty() { r.bare(http.StatusOK) }

func (r *reply) bare(status int) {
	r.moving()
	r.status = status
	r.rw.Header()["Content-Type"] = nil
	r.rw.Header().Set("Date", r.server.world.date())
	r.rw.WriteHeader(r.status)
}

func (r *reply) text(status int, kind, text string) {
	_ = r.write(status, kind, []byte(text))
}

// Ollama names the character set, except where it writes an answer past its
// framework: what it turns into OpenAI's form, and how a pull ended.
const (
	kindJSON     = "application/json; charset=utf-8"
	kindBareJSON = "application/json"
)

func (r *reply) json(status int, value any) {
	kind := kindJSON
	if r.openAI {
		kind = kindBareJSON
	}
	_ = r.write(status, kind, encode(value))
}

// error is what a handler answers. In OpenAI's form it is of one type, whatever
// the status.
func (r *reply) error(status int, message string) {
	r.json(status, r.errorShape("api_error", message))
}

// refuse answers a body that no handler has seen, because it is not understood.
func (r *reply) refuse(message string) {
	_ = r.write(http.StatusBadRequest, kindJSON, encode(r.errorShape("invalid_request_error", message)))
}

// line writes one line of a stream.
func (r *reply) line(value any) error {
	return r.write(http.StatusOK, "application/x-ndjson", append(encode(value), '\n'))
}

// event writes one server-sent event.
func (r *reply) event(data []byte) error {
	return r.write(http.StatusOK, "text/event-stream", append(append([]byte("data: "), data...), '\n', '\n'))
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic("simulation: cannot encode an answer: " + err.Error()) // only own types are encoded
	}
	return text
}
