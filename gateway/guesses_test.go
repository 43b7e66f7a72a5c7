package gateway

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const wrong = "Bearer wrong-wrong-wrong"

func TestGuessesAreSlowedAndTheKeyIsNot(t *testing.T) {
	inWorld(t, []string{keys, inPath}, func(w *world) {
		took := func(want int, target string, headers ...string) time.Duration {
			began := time.Now()
			if got := w.do("GET", target, "", headers...); got.status != want {
				t.Errorf("%s %v: %+v", target, headers, got)
			}
			return time.Since(began)
		}
		for i, guess := range []struct {
			target  string
			headers []string
			wait    time.Duration
		}{
			{"/api/tags", []string{"Authorization", wrong}, 0},
			{"/api/tags", []string{"X-API-Key", "wrong"}, 0},
			{"/key/wrong/api/tags", nil, 0},
			{"/nothing", []string{"api-key", "wrong"}, 2 * time.Second},
			{"/api/tags", []string{"Authorization", "Basic eDp3cm9uZw=="}, 2 * time.Second},
			{"/key/wrong/api/tags", []string{"Authorization", wrong}, 2 * time.Second}, // one guess, not two
			{"/key/wrong/", nil, 2 * time.Second},
		} {
			if got := took(401, guess.target, guess.headers...); got != guess.wait {
				t.Errorf("guess %d waited %v, want %v", i, got, guess.wait)
			}
			for _, right := range [][]string{
				{"/api/tags", "Authorization", alice},
				{"/api/tags", "Authorization", wrong, "X-API-Key", aliceKey}, // beside a dummy
				{"/key/" + aliceKey + "/api/tags", "Authorization", wrong},
				{"/key/wrong/api/tags", "Authorization", alice},
			} {
				if got := took(200, right[0], right[1:]...); got != 0 {
					t.Errorf("a right key waited %v: %v", got, right)
				}
			}
			for _, none := range [][]string{{"/api/tags"}, {"/"}, {"/nothing", "Authorization", "Bearer "}} {
				if got := took(401, none[0], none[1:]...); got != 0 {
					t.Errorf("who has no key at all waited %v: %v", got, none)
				}
			}
		}
	})
}

// guess has so many guess at the same time, and does not wait for the answers.
func (w *world) guess(times int) {
	w.Helper()
	for range times {
		connection, err := w.door.dial(w.Context(), "tcp", "")
		if err != nil {
			w.Fatal(err)
		}
		w.Cleanup(func() { connection.Close() })
		go io.Copy(io.Discard, connection)
		io.WriteString(connection, "GET /api/tags HTTP/1.1\r\nHost: x\r\nAuthorization: "+wrong+"\r\n\r\n")
	}
	synctest.Wait()
}

func TestGuessesHoldFewConnections(t *testing.T) {
	inWorld(t, []string{keys, "CLAWGATE_GATEWAY_MAX_CONNECTIONS=40", "CLAWGATE_GATEWAY_MAX_REQUESTS=10"}, func(w *world) {
		w.guess(20)
		if got := w.metric(`clawgate_gateway_refused_total{reason="guesses"}`); got != "12" { // 3 are free, 40/8 wait
			t.Errorf("%s were refused as too many", got)
		}
		time.Sleep(time.Minute)
	})
}

func TestTooManyGuessesAtOnceAreRefused(t *testing.T) {
	inWorld(t, []string{keys}, func(w *world) {
		w.guess(40)
		lines := len(w.requests())
		got := w.chat("Authorization", wrong)
		if got.status != 429 || got.header.Get("Retry-After") != "30" || !strings.Contains(got.body, "wrong key") {
			t.Errorf("%+v", got)
		}
		if more := len(w.requests()); more != lines {
			t.Errorf("%d lines became %d: a flood would fill the disk", lines, more)
		}
		if got := w.chat("Authorization", alice); got.status != 200 {
			t.Errorf("the right key: %+v", got)
		}
		time.Sleep(time.Minute)
		if got := w.metric(`clawgate_gateway_refused_total{reason="guesses"}`); got != "23" {
			t.Errorf("%s were refused as too many", got)
		}
	})
}

func TestGuessesCountToTheirAddress(t *testing.T) {
	inWorld(t, []string{keys, "CLAWGATE_GATEWAY_TRUSTED_PROXIES=192.0.2.7"}, func(w *world) {
		for range 4 {
			w.chat("Authorization", wrong, "X-Forwarded-For", "198.51.100.1")
		}
		began := time.Now()
		w.chat("Authorization", wrong, "X-Forwarded-For", "198.51.100.2")
		if took := time.Since(began); took != 0 {
			t.Errorf("another address waited %v", took)
		}
	})
}

func TestWithoutKeysNobodyGuesses(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		began := time.Now()
		for range 20 {
			if got := w.chat("Authorization", wrong); got.status != 200 {
				t.Errorf("%+v", got)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("they waited %v", took)
		}
	})
}

// What a browser sends by itself proves nothing of the page that had it sent.
func TestAPasswordThatABrowserKeepsIsNoPagesKey(t *testing.T) {
	const basic = "Basic YW55OmFhYWFhYWFhYWFhYWFhYWE=" // any:aaaaaaaaaaaaaaaa
	inWorld(t, []string{keys}, func(w *world) {
		for origin, want := range map[string]int{"": 200, "http://gateway": 200, "app://a": 200, "https://evil.example": 403, "null": 403} {
			if got := w.chat("Authorization", basic, "Origin", origin); got.status != want {
				t.Errorf("%q: %+v", origin, got)
			}
		}
	})
	for origins, cases := range map[string]map[string]int{
		"*":                        {"": 200, "http://gateway": 200, "app://a": 200, "https://page.example": 401, "null": 401},
		"https://page.example":     {"https://page.example": 200, "https://evil.example": 403},
		"https://*.example":        {"https://page.example": 200, "https://page.example.evil": 403},
		"chrome-extension://*":     {"chrome-extension://abc": 200, "null": 403},
		"http://localhost:*":       {"http://localhost:3000": 200, "http://localhost.evil.example": 403},
		"http://localhost*":        {"http://localhost:3000": 200, "http://localhost.evil.example": 403},
		"http://localhost:3000":    {"http://localhost": 403, "http://localhost:3001": 403, "http://localhost:3000": 200},
		"https://other.example:81": {"http://localhost:3000": 403},
	} {
		inWorld(t, []string{keys, "CLAWGATE_GATEWAY_CORS_ORIGINS=" + origins}, func(w *world) {
			for origin, want := range cases {
				if got := w.chat("Authorization", basic, "Origin", origin); got.status != want {
					t.Errorf("%s: %q: %+v", origins, origin, got)
				}
			}
			if got := w.chat("Authorization", alice, "Origin", "https://page.example"); origins == "*" && got.status != 200 {
				t.Errorf("a page that knows a key: %+v", got)
			}
			if said := strings.Contains(w.log.String(), "http://localhost* is read as http://localhost:*"); said != (origins == "http://localhost*") {
				t.Errorf("%s: the log says %s", origins, w.log)
			}
		})
	}
}
