package ollama

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// maxReply bounds what is read of an answer that is parsed whole. A list of
// some thousand models is well below it.
const maxReply = 8 << 20

// Client makes Clawgate's own calls to one Ollama server. It sets no deadline
// of its own: every call takes one from its context. Safe for concurrent use.
type Client struct {
	base    *url.URL
	http    *http.Client
	release learned
}

// NewClient returns a client for the server at base. It follows no redirect:
// Ollama sends none, so one comes from something else that answers in its place.
func NewClient(base *url.URL, transport http.RoundTripper) *Client {
	return &Client{base: base, http: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// StatusError is an answer with a status that the call did not expect, or with
// an error line after a status of 200 in a stream. Its words are Clawgate's own.
type StatusError struct{ Failure }

func (e *StatusError) Error() string { return e.String() }

// malformedError is an answer with the expected status that is not what Ollama
// would send.
type malformedError struct {
	Call string // "GET /api/ps"
	Err  error
}

func (e *malformedError) Error() string {
	return fmt.Sprintf("cannot understand the answer to %s: %s", e.Call, e.Err)
}

func (e *malformedError) Unwrap() error { return e.Err }

// IsAnswer says that a call failed by the answer that it got. With any other
// error no complete answer came.
func IsAnswer(err error) bool {
	var status *StatusError
	var malformed *malformedError
	return errors.As(err, &status) || errors.As(err, &malformed)
}

// Version asks for the server's version, for example "0.9.6".
func (c *Client) Version(ctx context.Context) (string, error) {
	var reply struct {
		Version string `json:"version"`
	}
	if err := c.getJSON(ctx, "/api/version", &reply); err != nil {
		return "", err
	}
	return reply.Version, nil
}

// Running lists the models in memory. What it does to the server while a model
// loads differs between releases (Version.PsBlocks), so it is asked sparingly.
func (c *Client) Running(ctx context.Context) ([]evidence.LoadedModel, error) {
	var reply struct {
		Models []struct {
			Name          string    `json:"name"`
			Digest        string    `json:"digest"`
			Size          int64     `json:"size"`
			SizeVRAM      int64     `json:"size_vram"`
			ExpiresAt     time.Time `json:"expires_at"`
			ContextLength int       `json:"context_length"`
		} `json:"models"`
	}
	status, header, body, err := c.get(ctx, "/api/ps")
	if err != nil {
		return nil, err
	}
	if err := decodeReply("GET /api/ps", status, body, &reply); err != nil {
		return nil, err
	}
	seenAt := serversClock(header)
	models := make([]evidence.LoadedModel, 0, len(reply.Models))
	for _, m := range reply.Models {
		models = append(models, evidence.LoadedModel{
			Name: NormalizeModel(m.Name), Digest: m.Digest, Size: uint64(max(m.Size, 0)), SizeVRAM: uint64(max(m.SizeVRAM, 0)),
			ExpiresAt: m.ExpiresAt, ContextLength: m.ContextLength, SeenAt: seenAt,
		})
	}
	return models, nil
}

// serversClock is the time by the clock of the server that answered, or by our
// own where it did not say.
func serversClock(header http.Header) time.Time {
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}

// Get performs one GET of path and returns the status and the body, cut at 8 MiB.
func (c *Client) Get(ctx context.Context, path string) (status int, body []byte, err error) {
	status, _, body, err = c.get(ctx, path)
	return status, body, err
}

func (c *Client) get(ctx context.Context, path string) (status int, header http.Header, body []byte, err error) {
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("cannot read the answer to GET %s: %w", path, err)
	}
	return resp.StatusCode, resp.Header, body, nil
}

// Stream posts body and returns the open answer, whatever its status. The
// caller closes it.
func (c *Client) Stream(ctx context.Context, path string, body any) (*http.Response, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the request for %s: %w", path, err)
	}
	return c.do(ctx, http.MethodPost, path, encoded)
}

func (c *Client) getJSON(ctx context.Context, path string, into any) error {
	status, body, err := c.Get(ctx, path)
	if err != nil {
		return err
	}
	return decodeReply("GET "+path, status, body, into)
}

func (c *Client) postJSON(ctx context.Context, path string, body, into any) error {
	resp, err := c.Stream(ctx, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return fmt.Errorf("cannot read the answer to POST %s: %w", path, err)
	}
	if len(reply) > maxReply {
		return &malformedError{Call: "POST " + path, Err: errors.New("it is longer than 8 MiB")}
	}
	return decodeReply("POST "+path, resp.StatusCode, reply, into)
}

func decodeReply(call string, status int, body []byte, into any) error {
	if status != http.StatusOK {
		return fmt.Errorf("%s: %w", call, &StatusError{Classify(status, ErrorText(body))})
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &malformedError{Call: call, Err: err}
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), reader)
	if err != nil {
		return nil, fmt.Errorf("cannot build the request for %s: %w", path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "clawgate")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err // *url.Error names the method and the address
	}
	return resp, nil
}
