package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestVersion(t *testing.T) {
	s := one(t, "GET /api/version", 200, `{"version":"0.9.6"}`)
	if version, err := s.client.Version(t.Context()); err != nil || version != "0.9.6" {
		t.Errorf("%q, %v", version, err)
	}
}

func TestRunningListsWhatIsInMemory(t *testing.T) {
	s := one(t, "GET /api/ps", 200, `{"models":[
		{"name":"Qwen3","model":"qwen3:latest","digest":"953c","size":9,"size_vram":7,"expires_at":"2318-09-13T10:23:54.5Z","context_length":4096},
		{"name":"hf.co/some/model:Q4","size":-1,"size_vram":-1}]}`)
	got, err := s.client.Running(t.Context())
	want := []evidence.LoadedModel{
		{Name: "qwen3:latest", Digest: "953c", Size: 9, SizeVRAM: 7, ExpiresAt: time.Date(2318, 9, 13, 10, 23, 54, 5e8, time.UTC), ContextLength: 4096},
		{Name: "hf.co/some/model:q4"},
	}
	for i := range got {
		if off := time.Since(got[i].SeenAt); off < 0 || off > time.Minute {
			t.Errorf("seen %s ago", off)
		}
		got[i].SeenAt = time.Time{}
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
}

// answering is a transport that answers everything alike.
type answering func() *http.Response

func (a answering) RoundTrip(*http.Request) (*http.Response, error) { return a(), nil }

func TestTheListIsDatedByTheServersClock(t *testing.T) {
	theirs := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for date, want := range map[string]time.Time{theirs.Format(http.TimeFormat): theirs, "yesterday": time.Now(), "": time.Now()} {
		client := NewClient(&url.URL{Scheme: "http", Host: "ollama"}, answering(func() *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{"Date": {date}}, Body: io.NopCloser(strings.NewReader(`{"models":[{"name":"m"}]}`))}
		}))
		got, err := client.Running(t.Context())
		if err != nil || len(got) != 1 || got[0].SeenAt.Sub(want).Abs() > time.Minute {
			t.Errorf("Date %q: %+v, %v", date, got, err)
		}
	}
}

func TestWhatACallFailsBy(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"Ollama's own words": {500, `{"error":"model requires more system memory (2 GiB) than is available (1 GiB)"}`, "GET /api/ps: HTTP status 500: the model requires more system memory (2 GiB) than is available (1 GiB)"},
		"another's words":    {502, "<html>bad gateway</html>", "GET /api/ps: HTTP status 502"},
		"no words":           {404, "", "GET /api/ps: HTTP status 404"},
		"too many words":     {500, long, "GET /api/ps: HTTP status 500"},
		"a redirect":         {302, "", "GET /api/ps: HTTP status 302"},
		"no JSON":            {200, "<html>", "cannot understand the answer to GET /api/ps: invalid character '<' looking for beginning of value"},
		"half of it":         {200, `{"models":[`, "cannot understand the answer to GET /api/ps: unexpected end of JSON input"},
		"no time":            {200, `{"models":[{"expires_at":7}]}`, "cannot understand the answer to GET /api/ps: Time.UnmarshalJSON: input is not a JSON string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := one(t, "GET /api/ps", c.status, c.body).client.Running(t.Context())
			expectError(t, err, c.want)
			if !IsAnswer(err) {
				t.Error("it was an answer")
			}
			var status *StatusError
			if errors.As(err, &status) != (c.status != 200) || status != nil && status.Status != c.status {
				t.Errorf("status %+v", status)
			}
		})
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"models":`))
	}))
	defer cut.Close()
	base, err := url.Parse(cut.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	client := NewClient(base, transport)
	_, err = client.Running(t.Context())
	expectError(t, err, "cannot read the answer to GET /api/ps: unexpected EOF")
	if IsAnswer(err) {
		t.Error("a cut answer is none")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Running(ended); !errors.Is(err, context.Canceled) || IsAnswer(err) {
		t.Error(err)
	}
}

func TestAnAnswerIsReadUpToALimit(t *testing.T) {
	s := one(t, "GET /api/tags", 200, strings.Repeat("x", maxReply+1))
	status, body, err := s.client.Get(t.Context(), "/api/tags")
	if status != 200 || len(body) != maxReply || err != nil {
		t.Errorf("%d, %d bytes, %v", status, len(body), err)
	}
}

func TestWhatCannotBeEncodedIsNotSent(t *testing.T) {
	s := serve(t, nil)
	_, err := s.client.Stream(t.Context(), "/api/chat", func() {})
	expectError(t, err, "cannot encode the request for /api/chat: json: unsupported type: func()")
	err = s.client.Load(t.Context(), "m", nil, RunnerOptions{"num_ctx": json.RawMessage("{")})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot encode the request for /api/generate: ") {
		t.Error(err)
	}
	s.expectCalls()
}
