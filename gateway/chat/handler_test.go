package chat

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(t *testing.T, method, path string, header http.Header) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	for name, values := range header {
		request.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	Handler().ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestServesThePageWithStrictHeaders(t *testing.T) {
	kinds := map[string]string{
		"/ui/":         "text/html; charset=utf-8",
		"/ui/chat.css": "text/css; charset=utf-8",
		"/ui/page.js":  "text/javascript; charset=utf-8",
		"/ui/api.js":   "text/javascript; charset=utf-8",
	}
	for path, kind := range kinds {
		response := ask(t, http.MethodGet, path, nil)
		if response.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %s", path, response.Status)
		}
		for name, want := range map[string]string{
			"Content-Type":            kind,
			"Content-Security-Policy": policy,
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-cache",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestAnswersOnlyGetAndHeadOfItsOwnFiles(t *testing.T) {
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodHead, "/ui/", http.StatusOK},
		{http.MethodPost, "/ui/", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/ui/page.js", http.StatusMethodNotAllowed},
		{http.MethodOptions, "/ui", http.StatusMethodNotAllowed},
		{http.MethodGet, "/ui", http.StatusPermanentRedirect},
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodPost, "/ui/none.js", http.StatusNotFound},
		{http.MethodGet, "/ui/index.html", http.StatusNotFound},
		{http.MethodGet, "/ui/../handler.go", http.StatusNotFound},
	} {
		response := ask(t, c.method, c.path, nil)
		if response.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, response.StatusCode, c.want)
		}
		if c.want == http.StatusMethodNotAllowed && response.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s %s: Allow is %q", c.method, c.path, response.Header.Get("Allow"))
		}
		if response.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s %s: no content security policy", c.method, c.path)
		}
	}
	if got := ask(t, http.MethodGet, "/ui", nil).Header.Get("Location"); got != "ui/" {
		t.Errorf("/ui leads to %q", got)
	}
}

func TestHeadHasNoBody(t *testing.T) {
	body, err := io.ReadAll(ask(t, http.MethodHead, "/ui/", nil).Body)
	if err != nil || len(body) > 0 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	etag := ask(t, http.MethodGet, "/ui/page.js", nil).Header.Get("Etag")
	if etag == "" || etag == ask(t, http.MethodGet, "/ui/api.js", nil).Header.Get("Etag") {
		t.Fatalf("ETag %q does not name the content", etag)
	}
	again := ask(t, http.MethodGet, "/ui/page.js", http.Header{"If-None-Match": {etag}})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", again.StatusCode)
	}
	if again.Header.Get("Content-Security-Policy") != policy {
		t.Error("304 without the content security policy")
	}
	changed := ask(t, http.MethodGet, "/ui/page.js", http.Header{"If-None-Match": {`"old"`}})
	if changed.StatusCode != http.StatusOK {
		t.Errorf("status %d after a change, want 200", changed.StatusCode)
	}
}

// The policy would stop these in the browser; they should not be there at all.
func TestFilesNeedNothingThePolicyForbids(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"external address":   regexp.MustCompile(`(?i)\bhttps?://\w|["'(]//\w`),
		"markup from text":   regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc`),
		"code from text":     regexp.MustCompile(`\beval\b|new Function|setTimeout\(['"]`),
		"inline style":       regexp.MustCompile(`(?i)\sstyle\s*=\s*["']|<style|setAttribute\('style`),
		"inline handler":     regexp.MustCompile(`(?i)<[^>]*\son\w+\s*=`),
		"inline script":      regexp.MustCompile(`(?i)<script(>|\s(?:[^s>]|s[^r>])*>)|javascript:`),
		"resource elsewhere": regexp.MustCompile(`@import|\burl\(`),
	}
	for path, asset := range load() {
		for what, pattern := range forbidden {
			if found := pattern.Find(asset.content); found != nil {
				t.Errorf("%s has an %s: %q", path, what, found)
			}
		}
		if lines := strings.Count(string(asset.content), "\n"); lines >= 300 {
			t.Errorf("%s has %d lines: split it by idea", path, lines)
		}
	}
}
