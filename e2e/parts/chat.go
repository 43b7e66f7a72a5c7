package parts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Chat is one question to /api/chat of an Ollama, or of a relay before it.
type Chat struct {
	URL    string // of the server, without a path
	Model  string
	Prompt string // "hello" when empty
	Tokens int    // length of the answer; 0 leaves it to the model
	Whole  bool   // "stream": false
	// Options are further options of the request. A runner option such as
	// num_ctx makes Ollama load the model again.
	Options map[string]any
	Header  http.Header
	// OnChunk is called after each chunk with their number so far, on the
	// goroutine that reads the answer: while it runs, nothing is read.
	OnChunk func(chunks int)
}

// Answer is what came back, as the client saw it.
type Answer struct {
	Status     int
	Header     http.Header
	FirstChunk time.Duration // from the request to the first chunk; 0 without one
	Total      time.Duration // from the request to the end
	Chunks     int           // lines without an error
	Content    string        // contents and thoughts of all chunks, joined
	Done       bool          // a chunk said "done": true
	ErrorLine  string        // text of the error that the body carried
	Clean      bool          // the body ended as its framing promised
	Body       []byte        // the first 64 KiB as they came
}

// Complete says that the answer can be taken for a whole one.
func (a Answer) Complete() bool {
	return a.Status == http.StatusOK && a.Done && a.Clean && a.ErrorLine == ""
}

// String puts an answer in one line, for the messages of failing tests.
func (a Answer) String() string {
	return fmt.Sprintf("status %d, %d chunks, first after %s, end after %s, done %t, clean %t, error %q",
		a.Status, a.Chunks, a.FirstChunk.Round(time.Millisecond), a.Total.Round(time.Millisecond), a.Done, a.Clean, a.ErrorLine)
}

// chatClient opens a connection for each question: a connection that a broken
// server left behind must not decide what the next question sees.
var chatClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Do asks and reads to the end. The error says that no response came at all; a
// response that broke off is an answer that is not Clean. It may be called
// from any goroutine.
func (c Chat) Do(ctx context.Context) (Answer, error) {
	request, err := c.request(ctx)
	if err != nil {
		return Answer{}, err
	}
	asked := time.Now()
	response, err := chatClient.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("cannot chat with %q: %w", c.Model, err)
	}
	defer func() { _ = response.Body.Close() }()

	answer := Answer{Status: response.StatusCode, Header: response.Header}
	answer.Clean = errors.Is(c.read(response.Body, asked, &answer), io.EOF)
	answer.Total = time.Since(asked)
	return answer, nil
}

func (c Chat) request(ctx context.Context) (*http.Request, error) {
	prompt := c.Prompt
	if prompt == "" {
		prompt = "hello"
	}
	options := map[string]any{}
	for name, value := range c.Options {
		options[name] = value
	}
	if c.Tokens > 0 {
		options["num_predict"] = c.Tokens
	}
	body, err := json.Marshal(map[string]any{
		"model":    c.Model,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
		"stream":   !c.Whole,
		"options":  options,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot encode the question: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/api/chat", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("cannot make the request: %w", err)
	}
	for name, values := range c.Header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// read takes the body line by line and returns what ended it: io.EOF for a
// clean end.
func (c Chat) read(body io.Reader, asked time.Time, answer *Answer) error {
	const bodyKept = 64 << 10
	reader := bufio.NewReader(body)
	var content strings.Builder
	defer func() { answer.Content = content.String() }()
	for {
		line, err := reader.ReadBytes('\n')
		answer.Body = append(answer.Body, line[:min(len(line), bodyKept-len(answer.Body))]...)
		if len(bytes.TrimSpace(line)) > 0 && answer.take(line, &content) {
			if answer.Chunks == 1 {
				answer.FirstChunk = time.Since(asked)
			}
			if c.OnChunk != nil {
				c.OnChunk(answer.Chunks)
			}
		}
		if err != nil {
			return err
		}
	}
}

// take notes one line of the body and says whether it was a chunk.
func (a *Answer) take(line []byte, content *strings.Builder) bool {
	var chunk struct {
		Message struct{ Content, Thinking string }
		Done    bool
		Error   any
	}
	if err := json.Unmarshal(line, &chunk); err != nil {
		return false
	}
	if chunk.Error != nil {
		a.ErrorLine = fmt.Sprint(chunk.Error)
		return false
	}
	a.Chunks++
	a.Done = a.Done || chunk.Done
	content.WriteString(chunk.Message.Thinking)
	content.WriteString(chunk.Message.Content)
	return true
}
