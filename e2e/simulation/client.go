//go:build e2e

package simulation

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// patience is how long a client waits for the end of an answer.
const patience = 30 * time.Second

// call is one request of a client: a POST when it has a body, else a GET.
type call struct {
	path   string
	body   string
	empty  bool          // a POST without a body
	within time.Duration // how long the client waits for the answer's end; patience when 0
	// during is called after the first line of the answer, while no more of it is
	// read. The client leaves if it calls leave.
	during func(leave func())
}

// reply is what the client saw.
type reply struct {
	status  int // 0 without an answer
	kind    string
	lines   []string // those that are not empty
	clean   bool     // the body ended as its framing promised
	stirred bool     // something happened during it
	left    bool     // the client did not wait for the end
	trouble string   // why there was no answer
}

// client opens a connection for each call, as different clients would.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// to sends the call to a server and reads the answer to the end.
func (c call) to(ctx context.Context, url string) (r reply) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.within, patience))
	defer cancel()
	method := http.MethodGet
	if c.body != "" || c.empty {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, url+c.path, strings.NewReader(c.body))
	if err != nil {
		return reply{trouble: err.Error()}
	}
	response, err := client.Do(request)
	if err != nil {
		return reply{trouble: inWords(err)}
	}
	defer func() { _ = response.Body.Close() }()
	r = reply{status: response.StatusCode, kind: response.Header.Get("Content-Type"), stirred: c.during != nil}
	r.read(response.Body, func() {
		if c.during != nil {
			c.during(func() { r.left = true; cancel() })
		}
	})
	return r
}

func (r *reply) read(body io.Reader, first func()) {
	reader := bufio.NewReader(body)
	for {
		line, err := reader.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			if r.lines = append(r.lines, line); len(r.lines) == 1 {
				first()
			}
		}
		if err != nil {
			r.clean = err == io.EOF
			return
		}
	}
}

// inWords is why no answer came, in words that are the same on every way that
// leads to a server.
func inWords(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no byte in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "cut without an answer"
	}
	return err.Error()
}

// portrait describes all that can be compared. Lines of the same shape are told
// once; their number is told of an answer that came undisturbed to its end.
func (r reply) portrait() string {
	if r.status == 0 {
		return r.trouble
	}
	told := []string{fmt.Sprint(r.status, " ", r.kind)}
	for _, line := range r.lines {
		event, data := "", line
		if rest, found := strings.CutPrefix(line, "data: "); found {
			event, data = "data: ", rest
		}
		told = append(told, event+shape(data))
	}
	told = slices.Compact(told)
	switch {
	case r.left:
	case !r.clean:
		told = append(told, "and is cut")
	case r.failed(), r.stirred:
		told = append(told, "and ends")
	default:
		told = append(told, fmt.Sprintf("and ends after %d lines", len(r.lines)))
	}
	return strings.Join(told, "\n")
}

// failed says that the answer carries an error.
func (r reply) failed() bool {
	return slices.ContainsFunc(r.lines, func(line string) bool { return strings.Contains(line, `"error":`) })
}
