package relay

import (
	"io"
	"net/http"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/proxy"
)

// maxErrorBytes is how much of an error answer is read to find out what it
// says. Ollama's are a sentence.
const maxErrorBytes = 16 << 10

// passError passes an answer that is not a 200 on, after having looked at what
// it says of the server.
func (f *flight) passError(answer *http.Response) (again bool) {
	start, err := io.ReadAll(io.LimitReader(answer.Body, maxErrorBytes))
	if err != nil {
		return f.diedUnanswered(err)
	}
	f.visit.Answered()
	failure := ollama.Classify(answer.StatusCode, ollama.ErrorText(start))
	if failure.NotFound() {
		f.visit.Refused()
	}
	f.hint(failure)
	if failure.Kind == evidence.SignRunnerDied && f.replayable() {
		return f.keep("")
	}
	if f.kept {
		f.relay.config.Metrics.Replayed("failed")
	}
	f.body.Release()
	f.guest.Settle()
	f.status = answer.StatusCode
	copyAnswerHeader(f.writer.Header(), answer.Header)
	ended := proxy.ResetUntil(f.request, f.writer.Header())
	f.body.EndConnection(f.writer.Header())
	f.writer.WriteHeader(f.status)
	if _, err := f.writer.Write(start); err != nil {
		return false
	}
	if _, err := io.Copy(f.writer, answer.Body); err != nil && !f.gone() {
		f.endCut(nil)
		panic(http.ErrAbortHandler)
	}
	ended()
	return false
}
