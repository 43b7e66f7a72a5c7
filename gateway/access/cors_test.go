package access

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/gateway/origins"
)

func pages(t *testing.T, patterns ...string) CORS {
	t.Helper()
	var allowed origins.List
	for _, text := range patterns {
		pattern, err := origins.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		allowed = append(allowed, pattern)
	}
	return NewCORS(allowed)
}

func ask(c CORS, method string, header http.Header) (*httptest.ResponseRecorder, bool) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "/api/chat", nil)
	r.Header = header
	return w, c.Handle(w, r)
}

func TestOnlyConfiguredOriginsAreAllowed(t *testing.T) {
	listed := pages(t, "https://Chat.example", "http://localhost:3000")
	for _, c := range []struct {
		cors    CORS
		origin  string
		allowed bool
	}{
		{listed, "https://chat.example", true},
		{listed, "http://localhost:3000", true},
		{listed, "http://localhost", false},
		{listed, "https://chat.example.evil", false},
		{listed, "null", false},
		{listed, "*", false},
		{listed, "", false},
		{pages(t, "*"), "https://any.example", true},
		{pages(t, "*"), "null", true},
		{pages(t, "*"), "", false},
		{CORS{}, "https://chat.example", false},
		{CORS{}, "http://localhost:3000", false},
		{CORS{}, "app://obsidian.md", true},
		{CORS{}, "file://", true},
	} {
		for _, method := range []string{http.MethodPost, http.MethodOptions} {
			header := http.Header{"Origin": {c.origin}}
			if method == http.MethodOptions {
				header.Set("Access-Control-Request-Method", http.MethodPost)
			}
			w, done := ask(c.cors, method, header)
			want := ""
			if c.allowed {
				want = c.origin
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s from %q: allowed %q", method, c.origin, got)
			}
			if want := c.allowed && method == http.MethodOptions; done != want {
				t.Errorf("%s from %q: done %v", method, c.origin, done)
			}
			if w.Header().Get("Vary") != "Origin" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%v", w.Header())
			}
		}
	}
}

func TestAPreflightIsAnswered(t *testing.T) {
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprint("x-", i))
	}
	for asked, want := range map[string]string{
		"":                           "",
		"authorization,content-type": "",
		"X-Stainless-OS, prefer":     ", X-Stainless-OS",
		"anthropic-version,x-stainless-retry-count": ", anthropic-version, x-stainless-retry-count",
		"x-a,x-a,X-A":                   ", x-a",
		"*, a b, a\"b, <x>, a:b, é, ok": ", ok",
		strings.Join(many, ","):         ", " + strings.Join(many[:59], ", "),
	} {
		w, done := ask(pages(t, "*"), http.MethodOptions, http.Header{
			"Origin": {"https://chat.example"}, "Access-Control-Request-Method": {"DELETE"},
			"Access-Control-Request-Headers": {asked},
		})
		if !done || w.Code != http.StatusNoContent || w.Body.Len() != 0 {
			t.Errorf("%q: %v %d", asked, done, w.Code)
		}
		own := "Authorization, Content-Type, X-API-Key, Prefer, X-Request-Id"
		if got := w.Header().Get("Access-Control-Allow-Headers"); got != own+want {
			t.Errorf("%q: %q", asked, got)
		}
		if got := w.Header().Get("Access-Control-Allow-Methods"); got != "GET, HEAD, POST, DELETE" {
			t.Error(got)
		}
	}
}

func TestAPageMayReadOurHeaders(t *testing.T) {
	w, done := ask(pages(t, "*"), http.MethodOptions, http.Header{"Origin": {"https://chat.example"}})
	if got := w.Header().Get("Access-Control-Expose-Headers"); done || got != "Retry-After, Retry-After-Ms, Clawgate-State, X-Request-Id" {
		t.Errorf("%v %q", done, got)
	}
}

func TestForeignPagesAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		allowed []string
		origin  string
		foreign bool
	}{
		"no page":                        {nil, "", false},
		"the gateway's own page":         {nil, "http://box:8080", false},
		"the same, behind TLS":           {nil, "https://BOX:8080", false},
		"another host":                   {nil, "http://evil.example", true},
		"another port":                   {nil, "http://box:3000", true},
		"a sandboxed page":               {nil, "null", true},
		"an allowed page":                {[]string{"https://chat.example"}, "https://chat.example", false},
		"another, while one is allowed":  {[]string{"https://chat.example"}, "https://chat.example.evil", true},
		"any, while all are allowed":     {[]string{"*"}, "https://evil.example", false},
		"a desktop app":                  {nil, "vscode-webview://0abc", false},
		"a host in the path of an other": {nil, "http://evil.example/box:8080", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "http://box:8080/api/chat", nil)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if got := pages(t, c.allowed...).Foreign(r); got != c.foreign {
				t.Errorf("foreign %t, want %t", got, c.foreign)
			}
		})
	}
}

func TestAPageThatNobodyHasNamedIsStray(t *testing.T) {
	for origin, want := range map[string]bool{
		"": false, "http://box:8080": false, "app://a": false, "https://evil.example": true, "null": true, "https://box:8081": true,
	} {
		r := httptest.NewRequest(http.MethodPost, "http://box:8080/api/chat", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if got := pages(t, "*").Stray(r); got != want {
			t.Errorf("%q: stray %t", origin, got)
		}
	}
}
