package gateway

import (
	"strings"
	"testing"
	"time"
)

func TestWhoHasNoKeyIsNotLetIn(t *testing.T) {
	for name, headers := range map[string][]string{
		"none":           nil,
		"an unknown one": {"Authorization", "Bearer cccccccccccccccc"},
		"half of one":    {"Authorization", "Bearer aaaaaaaa"},
		"an empty one":   {"Authorization", "Bearer ", "X-API-Key", ""},
		"no password":    {"Authorization", "Basic aaaaaaaaaaaaaaaa"},
		"a name":         {"X-API-Key", "alice"},
		"in a cookie":    {"Cookie", "key=aaaaaaaaaaaaaaaa"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, []string{keys}, func(w *world) {
				got := w.chat(headers...)
				if got.status != 401 || got.header.Get("WWW-Authenticate") != `Bearer realm="clawgate"` || len(w.paths()) != 0 {
					t.Errorf("%+v, reached %v", got, w.paths())
				}
			})
		})
	}
}

func TestAKeyOpensTheDoorAndStaysOutside(t *testing.T) {
	for name, headers := range map[string][]string{
		"bearer":                   {"Authorization", alice},
		"X-API-Key":                {"X-API-Key", "aaaaaaaaaaaaaaaa"},
		"api-key":                  {"api-key", "aaaaaaaaaaaaaaaa"},
		"alone":                    {"Authorization", "aaaaaaaaaaaaaaaa"},
		"a password":               {"Authorization", "Basic YW55OmFhYWFhYWFhYWFhYWFhYWE="}, // any:aaaaaaaaaaaaaaaa
		"a password, and the name": {"Authorization", "Basic YWxpY2U6YWFhYWFhYWFhYWFhYWFhYQ=="},
		"beside a dummy":           {"Authorization", "Bearer ollama", "api-key", "aaaaaaaaaaaaaaaa"},
		"beside another's":         {"Authorization", alice, "X-API-Key", "bbbbbbbbbbbbbbbb"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, []string{keys}, func(w *world) {
				headers = append(headers, "Cookie", "session=secret", "Clawgate-Key", "bob", "clawgate-state", "x", "X-Forwarded-For", "198.51.100.1",
					"X-Real-IP", "198.51.100.1", "Forwarded", "for=198.51.100.1", "X-Forwarded-Host", "evil", "Origin", "http://gateway", "X-Request-Id", "mine-1", "X-Own", "kept")
				got := w.chat(headers...)
				if got.status != 200 || got.header.Get("X-Request-Id") != "mine-1" {
					t.Errorf("%+v", got)
				}
				sent, body := w.last()
				for _, name := range []string{"Authorization", "X-Api-Key", "Api-Key", "Cookie", "Clawgate-State", "X-Real-Ip", "Forwarded", "X-Forwarded-Host", "Origin"} {
					if sent.Header.Get(name) != "" {
						t.Errorf("%s: %s was passed on", name, sent.Header.Get(name))
					}
				}
				for name, want := range map[string]string{"Clawgate-Key": "alice", "X-Forwarded-For": "192.0.2.7", "X-Request-Id": "mine-1", "X-Own": "kept"} {
					if got := sent.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if body != chatBody || sent.Host != "10.0.0.1:18789" {
					t.Errorf("%s was sent %s", sent.Host, body)
				}
			})
		})
	}
}

func TestOnlyATrustedProxySaysWhoTheClientIs(t *testing.T) {
	for trusted, want := range map[string]string{"192.0.2.0/24": "198.51.100.1", "192.0.2.8": "192.0.2.7"} {
		inWorld(t, []string{"CLAWGATE_GATEWAY_TRUSTED_PROXIES=" + trusted}, func(w *world) {
			w.chat("X-Forwarded-For", "203.0.113.9, 198.51.100.1")
			if sent, _ := w.last(); sent.Header.Get("X-Forwarded-For") != want || sent.Header.Get("Clawgate-Key") != want {
				t.Errorf("%s: %v", trusted, sent.Header)
			}
		})
	}
}

func TestWhatIsNotAllowedIsRefusedWithWhatWouldAllowIt(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		for path, method := range map[string]string{"/api/pull": "POST", "/api/delete": "DELETE", "/api/create": "POST", "/api/copy": "POST", "/api/push": "POST", "/api/blobs/sha256:0": "POST"} {
			if got := w.do(method, path, "{}"); got.status != 403 || !strings.Contains(got.body, "add it to CLAWGATE_GATEWAY_ALLOW") {
				t.Errorf("%s: %+v", path, got)
			}
		}
		if len(w.paths()) != 0 {
			t.Errorf("reached %v", w.paths())
		}
	})
	inWorld(t, []string{"CLAWGATE_GATEWAY_ALLOW=inference,inspect,manage"}, func(w *world) {
		if got := w.do("POST", "/api/pull", `{"model":"m"}`); got.status != 200 {
			t.Errorf("%+v", got)
		}
	})
}

func TestUnloadingIsManaging(t *testing.T) {
	const unload = `{"model":"m","keep_alive":0}`
	inWorld(t, nil, func(w *world) {
		for _, path := range []string{"/api/chat", "/api/generate", "/api/embed", "//api/chat"} {
			if got := w.do("POST", path, unload); got.status != 403 || !strings.Contains(got.body, "CLAWGATE_GATEWAY_ALLOW") {
				t.Errorf("%s: %+v", path, got)
			}
		}
		if got := w.do("POST", "/api/generate", unload, "Content-Encoding", "gzip"); got.status != 403 {
			t.Errorf("called encoded: %+v", got)
		}
		if got := w.do("POST", "/api/generate", "\x1f\x8b"+unload, "Content-Encoding", "gzip"); got.status != 415 {
			t.Errorf("encoded: %+v", got)
		}
		if len(w.paths()) != 0 {
			t.Errorf("reached %v", w.paths())
		}
	})
	inWorld(t, []string{"CLAWGATE_GATEWAY_ALLOW=inference,manage"}, func(w *world) {
		close(w.hold)
		if got := w.do("POST", "/api/generate", unload); got.status != 200 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheRateOfEachKeyIsLimited(t *testing.T) {
	inWorld(t, []string{keys, "CLAWGATE_GATEWAY_RATE_LIMIT=6"}, func(w *world) {
		if got := w.chat("Authorization", alice); got.status != 200 {
			t.Errorf("%+v", got)
		}
		got := w.chat("Authorization", alice)
		if got.status != 429 || got.header.Get("Retry-After") != "10" || got.header.Get("Retry-After-Ms") != "10000" {
			t.Errorf("%+v", got)
		}
		if got := w.chat("X-API-Key", "bbbbbbbbbbbbbbbb"); got.status != 200 {
			t.Errorf("another key: %+v", got)
		}
		time.Sleep(10 * time.Second)
		if got := w.chat("Authorization", alice); got.status != 200 {
			t.Errorf("after Retry-After: %+v", got)
		}
	})
}

func TestNoOtherPageMayReadAnswersUnlessItIsAllowed(t *testing.T) {
	const page = "https://chat.example.com"
	inWorld(t, nil, func(w *world) {
		for _, origin := range []string{page, "http://localhost:3000"} {
			if got := w.do("GET", "/api/tags", "", "Origin", origin); got.status != 403 || got.header.Get("Access-Control-Allow-Origin") != "" || len(w.paths()) != 0 {
				t.Errorf("%+v", got)
			}
			if got := w.do("OPTIONS", "/api/chat", "", "Origin", origin, "Access-Control-Request-Method", "POST"); got.status < 400 {
				t.Errorf("%+v", got)
			}
		}
	})
	inWorld(t, []string{keys, "CLAWGATE_GATEWAY_CORS_ORIGINS=" + page}, func(w *world) {
		asked := w.do("OPTIONS", "/api/chat", "", "Origin", page, "Access-Control-Request-Method", "POST")
		got := w.chat("Origin", page, "Authorization", alice)
		for _, got := range []reply{asked, got} {
			if h := got.header; got.status/100 != 2 || strings.Join(h["Access-Control-Allow-Origin"], " ") != page || !strings.HasPrefix(h.Get("Vary"), "Origin") {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestItsOwnPathsAreNeverForwarded(t *testing.T) {
	inWorld(t, []string{keys}, func(w *world) {
		for path, want := range map[string]int{
			"/-/ready": 200, "//-/ready": 200, "/-/ready?model=m": 200, "/-/status": 404, "/-/": 404, "/-": 404, "/x/../-/metrics": 404, "/%2d/restart": 404, "/-%2fready": 200,
		} {
			if got := w.do("GET", path, ""); got.status != want {
				t.Errorf("%s: %+v", path, got)
			}
		}
		if got := w.do("POST", "/-/ready", "", "Authorization", alice); got.status != 405 || got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%+v", got)
		}
		if len(w.paths()) != 0 {
			t.Errorf("reached %v", w.paths())
		}
	})
}
