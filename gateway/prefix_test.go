package gateway

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	inPath   = "CLAWGATE_GATEWAY_KEY_IN_PATH=true"
	basePath = "CLAWGATE_GATEWAY_BASE_PATH=/ollama"
	aliceKey = "aaaaaaaaaaaaaaaa"
	bobKey   = "bbbbbbbbbbbbbbbb"
)

func TestAKeyInThePath(t *testing.T) {
	inWorld(t, []string{
		"CLAWGATE_GATEWAY_API_KEYS=alice:" + aliceKey + ",bob:" + bobKey + ",odd:%41?b#c+d=e:f~g!h", inPath, basePath,
	}, func(w *world) {
		for _, c := range []struct {
			target string
			header string // the key in Authorization
			status int
			sent   string
			user   string
		}{
			{"/key/" + aliceKey + "/api/tags", "", 200, "/api/tags", "alice"},
			{"/key/" + aliceKey, "", 200, "/", "alice"},
			{"/key/" + aliceKey + "/", "", 200, "/", "alice"},
			{"/key/" + aliceKey + "//v1/models", "", 200, "/v1/models", "alice"},
			{"/key/" + aliceKey + "/x/../api/./tags/", "", 200, "/api/tags", "alice"},
			{"/key/" + aliceKey + "/api%2Ftags", "", 200, "/api/tags", "alice"},
			{"/key/" + aliceKey + "/api/tags?a=%2F", "", 200, "/api/tags?a=%2F", "alice"},
			{"/key/%61aaaaaaaaaaaaaaa/api/tags", "", 200, "/api/tags", "alice"},
			{"/key/%2541%3Fb%23c+d=e:f~g!h/api/tags", "", 200, "/api/tags", "odd"},
			{"/ollama/key/" + aliceKey + "/api/tags", "", 200, "/api/tags", "alice"},
			{"/ollama/key/" + aliceKey + "/", "", 200, "/", "alice"},
			{"http://gateway/key/" + aliceKey + "/api/tags", "", 200, "/api/tags", "alice"},

			{"/key/" + aliceKey + "/api/tags", "dummydummydummy1", 200, "/api/tags", "alice"},
			{"/key/wrongwrongwrongw/api/tags", bobKey, 200, "/api/tags", "bob"},
			{"/key//api/tags", bobKey, 200, "/api/tags", "bob"},
			{"/key/" + aliceKey + "/api/tags", bobKey, 200, "/api/tags", "bob"}, // the header names the user

			{"/key/" + aliceKey + "/nothing", "", 404, "", "alice"},
			{"/key/" + aliceKey + "/ui/", "", 404, "", "alice"},
			{"/key/" + aliceKey + "/ui", "", 404, "", "alice"},
			{"/key/" + aliceKey + "/ui/page.js", "", 404, "", "alice"},
			{"/key/" + aliceKey + "/ollama/api/tags", "", 404, "", "alice"}, // the base comes first
			{"/key/" + aliceKey + "/key/" + aliceKey + "/api/tags", "", 404, "", "alice"},
			{"/key/" + aliceKey + "/api/chat", "", 405, "", "alice"},
			{"/key/" + aliceKey + "/-/ready", "", 200, "", ""},
			{"/key/" + aliceKey + "/-/status", "", 404, "", ""},

			{"/key/%2561aaaaaaaaaaaaaaa/api/tags", "", 401, "", "none"}, // decoded once
			{"/key/wrongwrongwrongw/api/tags", "", 401, "", "none"},
			{"/key/" + aliceKey + "%2F/api/tags", "", 401, "", "none"},
			{"/key//api/tags", "", 401, "", "none"},
			{"/key", "", 401, "", "none"},
			{"/key/", "", 401, "", "none"},
			{"//key/" + aliceKey + "/api/tags", "", 401, "", "none"},
			{"/x/../key/" + aliceKey + "/api/tags", "", 401, "", "none"},
			{"/./key/" + aliceKey + "/api/tags", "", 401, "", "none"},
			{"/%6bey/" + aliceKey + "/api/tags", "", 401, "", "none"},
			{"/key%2F" + aliceKey + "/api/tags", "", 401, "", "none"},
			{"/Key/" + aliceKey + "/api/tags", "", 401, "", "none"},
			{"/ollama//key/" + aliceKey + "/api/tags", "", 401, "", "none"},
			{"/api/tags?key=" + aliceKey, "", 401, "", "none"},
			{"//key/" + aliceKey + "/api/tags", bobKey, 404, "", "bob"},
			{"/%6bey/" + aliceKey + "/api/tags", bobKey, 404, "", "bob"},
		} {
			t.Run(c.target+" "+c.header, func(*testing.T) {
				time.Sleep(2 * time.Second) // what a wrong guess costs
				before := len(w.paths())
				request := "GET " + c.target + " HTTP/1.1\r\nHost: gateway\r\nAccept: text/html\r\n"
				if c.header != "" {
					request += "Authorization: Bearer " + c.header + "\r\n"
				}
				answer := w.raw(request + "\r\n")
				if want := "HTTP/1.1 " + map[int]string{200: "200", 401: "401", 404: "404", 405: "405"}[c.status]; !strings.HasPrefix(answer, want) {
					t.Errorf("%s", answer)
				}
				taken := strings.Contains(c.target, "/key/") && !strings.Contains(c.target, "//key") && !strings.Contains(c.target, "./key")
				if got := strings.Contains(answer, "Referrer-Policy: no-referrer"); got != taken {
					t.Errorf("Referrer-Policy: %v", got)
				}
				if c.status == 200 && strings.HasSuffix(c.target, "/api/tags") && !strings.Contains(answer, "\r\nLocation: ../") {
					t.Errorf("a redirect loses what stands before the path: %s", answer)
				}
				if strings.Contains(answer, aliceKey) || strings.Contains(strings.ToLower(answer), "basic") {
					t.Errorf("the answer shows the key, or offers Basic: %s", answer)
				}
				if sent := ""; len(w.paths()) > before {
					last, _ := w.last()
					if sent = last.RequestURI; sent != c.sent {
						t.Errorf("sent %s", sent)
					}
				} else if c.sent != "" {
					t.Error("nothing was sent on")
				}
				if logged := w.requests(); c.user != "" && logged[len(logged)-1]["key"] != c.user {
					t.Errorf("logged %v", logged[len(logged)-1])
				}
			})
		}
		if log := w.log.String(); strings.Contains(log, aliceKey) || strings.Contains(log, "wrongwrong") || strings.Contains(log, "/key") {
			t.Errorf("the log shows a key: %s", log)
		}
	})
}

// Proxies in front repeat the path as they got it, for what stands behind them.
func TestAKeyInAPathThatAProxyRepeatsStaysOutside(t *testing.T) {
	repeating := []string{"X-Forwarded-Uri", "X-Forwarded-Prefix", "X-Original-Uri", "X-Original-Url", "X-Rewrite-Url", "X-Envoy-Original-Path", "Referer"}
	inWorld(t, []string{keys, inPath}, func(w *world) {
		path := "/key/" + aliceKey + "/api/tags"
		var headers []string
		for _, name := range repeating {
			headers = append(headers, name, path)
		}
		if got := w.do("GET", path, "", headers...); got.status != 200 {
			t.Fatalf("%+v", got)
		}
		sent, _ := w.last()
		for name, values := range sent.Header {
			if strings.Contains(strings.Join(values, " "), aliceKey) {
				t.Errorf("%s: %s was passed on", name, values)
			}
		}
	})
}

func TestHEADAndPOSTWithAKeyInThePath(t *testing.T) {
	inWorld(t, []string{keys, inPath}, func(w *world) {
		for request, want := range map[string]string{
			"HEAD /key/" + aliceKey + "/":         "/",
			"HEAD /key/" + aliceKey + "/api/tags": "/api/tags",
			"POST /key/" + aliceKey + "/api/chat": "/api/chat",
		} {
			method, path, _ := strings.Cut(request, " ")
			if got := w.do(method, path, ""); got.status != 200 {
				t.Errorf("%s: %+v", request, got)
			}
			if sent, _ := w.last(); sent.URL.Path != want || sent.Method != method {
				t.Errorf("%s became %s %s", request, sent.Method, sent.URL.Path)
			}
		}
		page := []string{"Origin", "https://evil.example"}
		if got := w.do("GET", "/key/"+aliceKey+"/api/tags", "", page...); got.status != 403 {
			t.Errorf("a page of another origin: %+v", got)
		}
		if got := w.do("OPTIONS", "/key/"+aliceKey+"/api/chat", "", "Origin", "app://a", "Access-Control-Request-Method", "POST"); got.status != 204 {
			t.Errorf("the question before a call: %+v", got)
		}
		if got := w.do("OPTIONS", "/-/ready", "", "Origin", "app://a", "Access-Control-Request-Method", "GET"); got.status != 204 {
			t.Errorf("the same, of /-/ready: %+v", got)
		}
	})
}

// Nothing that is logged, answered or counted names a path that is not known: it
// may hold a key.
func TestNoKeyInAPathIsShown(t *testing.T) {
	const secret = "s3cret-s3cret-s3cret"
	for name, environ := range map[string][]string{
		"the setting is off":  {keys},
		"the key is wrong":    {keys, inPath},
		"the key is right":    {"CLAWGATE_GATEWAY_API_KEYS=alice:" + secret, inPath},
		"there are no keys":   {},
		"there is a base":     {"CLAWGATE_GATEWAY_API_KEYS=alice:" + secret, inPath, basePath},
		"the host is unknown": {keys, "CLAWGATE_GATEWAY_HOSTS=chat.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, environ, func(w *world) {
				var shown strings.Builder
				for _, target := range []string{
					"/key/" + secret, "/key/" + secret + "/api/tags", "/key/" + secret + "/nothing", "//key/" + secret + "/api/tags", "/x/../key/" + secret + "/",
					"/%6bey/" + secret + "/api/tags", "/key%2F" + secret, "/KEY/" + secret, "/ollama/key/" + secret + "/x", "/-/key/" + secret, "/ui/key/" + secret,
					"/v1/key/" + secret, "/api/key/" + secret, "/v1/models/a/b/" + secret, "/api/tags/" + secret + "%00", "/key/" + secret + "/ui/", "/key/%zz" + secret,
					"http://evil.example/key/" + secret + "/api/tags", "key/" + secret,
				} {
					for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS", "BREW"} {
						time.Sleep(2 * time.Second) // what a wrong guess costs
						shown.WriteString(w.raw(method + " " + target + " HTTP/1.1\r\nHost: gateway\r\nAccept: text/html\r\nOrigin: app://a\r\nContent-Length: 0\r\n\r\n"))
					}
				}
				for _, path := range []string{"/metrics", "/-/status", "/-/ready"} {
					shown.WriteString(w.do("GET", "http://admin"+path, "").body)
				}
				if all := shown.String() + w.log.String(); strings.Contains(all, "s3cret") {
					at := strings.Index(all, "s3cret")
					t.Errorf("…%s…", all[max(0, at-300):at+50])
				}
				for _, sent := range w.paths() {
					if strings.Contains(sent, "s3cret") {
						t.Errorf("reached the sidecar: %s", sent)
					}
				}
			})
		})
	}
}

func TestTheBasePathIsTakenOff(t *testing.T) {
	inWorld(t, []string{basePath}, func(w *world) {
		for target, want := range map[string]string{
			"/ollama": "/", "/ollama/": "/", "/ollama/api/tags": "/api/tags", "/ollama//v1/models": "/v1/models", "/ollama/x/../api/tags": "/api/tags",
			"/": "/", "/api/tags": "/api/tags", "//api/tags": "/api/tags",
		} {
			if answer := w.raw("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 200") {
				t.Errorf("%s: %s", target, answer)
			} else if sent, _ := w.last(); sent.RequestURI != want {
				t.Errorf("%s was sent as %s", target, sent.RequestURI)
			}
		}
		for target, want := range map[string]int{
			"/-/ready": 200, "/ollama/-/ready": 200, "/ollama/ui/": 200, "/ollama/ui/page.js": 200, "/ui/": 200,
			"/ollamas/api/tags": 404, "/ollamaapi/tags": 404, "/Ollama/api/tags": 404, "/ollama/ollama/api/tags": 404, "/x/ollama/api/tags": 404, "/ollama/-/status": 404, "/ollama/key/x/api/tags": 404,
		} {
			if got := w.do("GET", target, ""); got.status != want {
				t.Errorf("%s: %d", target, got.status)
			}
		}
	})
}

func TestABrowserIsSentToThePage(t *testing.T) {
	inWorld(t, []string{basePath}, func(w *world) {
		// What a browser opens, what reaches the gateway of it, and where it is led.
		for _, c := range []struct{ opened, asked, led string }{
			{"https://gateway/", "/", "https://gateway/ui/"},
			{"https://proxy/ollama/", "/", "https://proxy/ollama/ui/"},        // a proxy that takes the prefix off
			{"https://proxy/ollama/", "/ollama/", "https://proxy/ollama/ui/"}, // one that does not
			{"https://proxy/ollama", "/ollama", "https://proxy/ollama/ui/"},
			{"https://proxy/a/ollama/", "/ollama/", "https://proxy/a/ollama/ui/"},
			{"https://gateway//", "//", "https://gateway/ui/"},
		} {
			answer := w.raw("GET " + c.asked + " HTTP/1.1\r\nHost: x\r\nAccept: text/html,*/*\r\n\r\n")
			opened, err := url.Parse(c.opened)
			if err != nil {
				t.Fatal(err)
			}
			_, after, _ := strings.Cut(answer, "\r\nLocation: ")
			location, _, _ := strings.Cut(after, "\r\n")
			if led, err := opened.Parse(location); !strings.HasPrefix(answer, "HTTP/1.1 302") || !strings.Contains(answer, "\r\nVary: Accept\r\n") || err != nil || led.String() != c.led {
				t.Errorf("%s leads by %q to %v, want %s", c.opened, location, led, c.led)
			}
		}
		if got := w.do("GET", "/ui/", ""); got.status != 200 || !strings.Contains(got.body, "<html") {
			t.Errorf("%d", got.status)
		}
		if got := w.do("GET", "/", "", "Accept", "*/*"); got.status != 200 || len(w.paths()) != 1 {
			t.Errorf("%+v, reached %v", got, w.paths())
		}
	})
}
