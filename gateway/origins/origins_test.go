package origins

import (
	"errors"
	"strings"
	"testing"
)

func TestAPatternLetsInWhatItSays(t *testing.T) {
	for pattern, cases := range map[string]struct{ in, out string }{
		"https://chat.example.com": {
			"https://chat.example.com HTTPS://Chat.Example.com",
			"http://chat.example.com https://chat.example.com:8443 https://chat.example.com.evil.example https://evil.chat.example.com null",
		},
		"http://localhost:3000":      {"http://localhost:3000", "http://localhost http://localhost:30000 http://localhost:300 https://localhost:3000"},
		"https://chat.example:443":   {"https://chat.example", "https://chat.example:443 https://chat.example:444"},
		"http://localhost:*":         {"http://localhost http://localhost:1 http://localhost:65535", "http://localhost.evil.example http://localhost.evil.example:80 http://localhost: https://localhost:3000 http://evil.example:localhost"},
		"https://*.example.com":      {"https://a.example.com https://a.b.example.com", "https://example.com https://.example.com https://evilexample.com https://a.example.com:8443 https://a.example.com.evil.example https://a..example.com https://evil.example/a.example.com https://u@a.example.com"},
		"https://*.example.com:8443": {"https://a.example.com:8443", "https://a.example.com https://a.example.com:84430"},
		"http://192.168.1.*":         {"http://192.168.1.7 http://192.168.1.255", "http://192.168.1.256 http://192.168.1.evil.example http://192.168.1. http://192.168.10.7 http://192.168.1.7:3000 http://192.168.1.7.evil.example"},
		"http://192.168.*:3000":      {"http://192.168.1.7:3000 http://192.168.255.1:3000", "http://192.168.1.7 http://192.168.7:3000 http://192.168.evil.example:3000"},
		"http://10.*.0.5":            {"http://10.1.0.5", "http://10.evil.0.5 http://10.1.1.5 http://10.1.0.55"},
		"http://[::1]:8080":          {"http://[::1]:8080", "http://[::1] http://[::2]:8080"},
		"http://[::1]:*":             {"http://[::1]:8080 http://[::1]", "http://[::1"},
		"http://*:3000":              {"http://any.example:3000 http://[::1]:3000", "http://any.example http://:3000 https://any.example:3000"},
		"https://*":                  {"https://any.example https://any.example:8443", "http://any.example null"},
		"chrome-extension://*":       {"chrome-extension://abcdef", "moz-extension://abcdef chrome-extension"},
		"moz-extension://ab-cd":      {"moz-extension://ab-cd", "moz-extension://ab-ce"},
		"capacitor://localhost":      {"capacitor://localhost", "capacitor://localhost.evil capacitor://"},
		"*":                          {"null https://any.example chrome-extension://abcdef", ""},

		// as OLLAMA_ORIGINS has them
		"http://localhost*":      {"http://localhost http://localhost:3000", "http://localhost.evil.example http://localhostevil.example http://localhost:evil@evil.example"},
		"http://127.0.0.1*":      {"http://127.0.0.1 http://127.0.0.1:3000", "http://127.0.0.10 http://127.0.0.1.evil.example"},
		"http://localhost*:3000": {"http://localhost:3000", "http://localhost http://localhost.evil.example:3000"},
		"https://*example.com":   {"https://example.com https://a.example.com", "https://evilexample.com"},
	} {
		read, err := Parse(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for _, origin := range strings.Fields(cases.in) {
			if !(List{read}).Lets(origin) {
				t.Errorf("%s keeps %s out", pattern, origin)
			}
		}
		for _, origin := range strings.Fields(cases.out) {
			if (List{read}).Lets(origin) {
				t.Errorf("%s lets %s in", pattern, origin)
			}
		}
	}
}

func TestDesktopAppsAreLetIn(t *testing.T) {
	var list List
	for _, origin := range []string{"app://obsidian.md", "app://.", "file://", "tauri://localhost", "vscode-webview://0abc-def", "vscode-file://vscode-app"} {
		if !list.Lets(origin) || !list.Names(origin) {
			t.Errorf("%s is kept out", origin)
		}
	}
	for _, origin := range []string{
		"", "null", "app", "app:", "http://app://", "http://tauri.localhost", "http://localhost", "http://localhost:3000", "https://app", "xapp://a",
		"chrome-extension://abc", "moz-extension://abc", "capacitor://localhost", "http://file://",
	} {
		if list.Lets(origin) {
			t.Errorf("%s is let in", origin)
		}
	}
}

func TestWhoIsLetInByTheStarAloneIsNotNamed(t *testing.T) {
	app, err := Parse("https://chat.example")
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{"https://chat.example": true, "app://a": true, "https://evil.example": false, "null": false} {
		list := List{All, app}
		if !list.Lets(origin) || list.Names(origin) != want {
			t.Errorf("%s: named %v", origin, !want)
		}
	}
}

func TestAPatternForEveryHostOfTheWebNamesNone(t *testing.T) {
	for _, c := range []struct {
		pattern, origin string
		named           bool
	}{
		{"https://*", "https://evil.example", false},
		{"https://*", "https://evil.example:8443", false},
		{"http://*:8080", "http://evil.example:8080", false},
		{"chrome-extension://*", "chrome-extension://abcdef", true},
		{"https://*.example.com", "https://a.example.com", true},
	} {
		read, err := Parse(c.pattern)
		if list := (List{read}); err != nil || !list.Lets(c.origin) || list.Names(c.origin) != c.named {
			t.Errorf("%s, %s: let in %t, named %t, %v", c.pattern, c.origin, list.Lets(c.origin), list.Names(c.origin), err)
		}
	}
}

func TestAReadingThatIsNotOllamasIsToldWithASentence(t *testing.T) {
	for pattern, want := range map[string]string{
		"http://localhost*":     "http://localhost* is read as http://localhost:*: read as a beginning, as Ollama does, it would let http://localhost.evil.example in",
		"http://127.0.0.1*:80":  "http://127.0.0.1*:80 is read as http://127.0.0.1: read as a beginning, as Ollama does, it would let http://127.0.0.1.evil.example in",
		"https://*example.com":  "https://*example.com is read as https://[*.]example.com: read as an end, as Ollama does, it would let https://evil-example.com in",
		"https://*.example.com": "", "http://localhost:*": "", "http://192.168.1.*": "", "app://*": "", "*": "",
	} {
		read, err := Parse(pattern)
		if got := strings.Join(List{read}.Notes(), "; "); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", pattern, err, got, want)
		}
	}
}

func TestWhatIsNoPatternIsRefused(t *testing.T) {
	for text, want := range map[string]error{
		"": errForm, "chat.example.com": errForm, "https://": errForm, "https://a/": errForm, "https://a/*": errForm, "https://a:": errForm, "https://a?": errForm,
		"https://u:hunter2@a": errForm, "https://a:b": errForm, "https://a:70000": errForm, "https://a b": errForm, "https://é.example": errForm, "://a": errForm,
		"http*://a": errForm, "*://a": errForm, "*.example.com": errForm, "localhost*": errForm, "https://[::1": errForm, "http://::1": errForm,
		"null": errNull, "NULL": errNull,
		"https://*.a.*": errStar, "https://*.a:*": errStar, "https://a.*.b": errStar, "https://a*.b": errStar, "https://pre-*.b": errStar, "http://a:3*": errStar,
		"http://10*": errStar, "http://192.168.1*": errStar, "http://my-*": errStar, "https://**": errStar,
	} {
		if _, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}
