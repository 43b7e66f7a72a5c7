package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clawdbot/clawgate/hosts"
)

// control notes what it is asked for.
type control struct {
	calls []string
	err   error
	hang  bool
}

func (c *control) Pause(ctx context.Context, reason string) error {
	return c.note(ctx, "pause "+reason)
}
func (c *control) Resume(ctx context.Context) error  { return c.note(ctx, "resume") }
func (c *control) Restart(ctx context.Context) error { return c.note(ctx, "restart") }

func (c *control) note(ctx context.Context, call string) error {
	c.calls = append(c.calls, call)
	if c.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.err
}

func operated(token string) (http.Handler, *control) {
	control := &control{}
	config := quiet()
	config.Control, config.Token, config.Listen = control, token, "gpu-box.example.org:18790"
	return New(config), control
}

var authorized = map[string]string{"Authorization": "Bearer s3cret"}

func TestCallsReachTheSupervisor(t *testing.T) {
	for target, want := range map[string]struct {
		call string
		code int
	}{
		"/-/pause":                             {"pause ", http.StatusOK},
		"/-/pause?reason=swapping%20the%20GPU": {"pause swapping the GPU", http.StatusOK},
		"/-/resume":                            {"resume", http.StatusOK},
		"/-/restart":                           {"restart", http.StatusAccepted},
	} {
		handler, control := operated("s3cret")
		response := call(t, handler, http.MethodPost, target, authorized)
		if response.Code != want.code {
			t.Errorf("%s: answered %d %s, want %d", target, response.Code, response.Body, want.code)
		}
		if len(control.calls) != 1 || control.calls[0] != want.call {
			t.Errorf("%s: the supervisor was asked for %q, want %q", target, control.calls, want.call)
		}
	}
}

func TestCallsWithoutTheTokenAreRefused(t *testing.T) {
	tests := map[string]struct {
		token  string // configured
		header map[string]string
		code   int
		want   string
	}{
		"no token is configured":        {"", nil, http.StatusForbidden, "CLAWGATE_ADMIN_TOKEN"},
		"none configured, an empty one": {"", map[string]string{"Authorization": "Bearer "}, http.StatusForbidden, "CLAWGATE_ADMIN_TOKEN"},
		"no token is sent":              {"s3cret", nil, http.StatusUnauthorized, "Bearer"},
		"a wrong one":                   {"s3cret", map[string]string{"Authorization": "Bearer s3cres"}, http.StatusUnauthorized, "Bearer"},
		"a beginning of it":             {"s3cret", map[string]string{"Authorization": "Bearer s3"}, http.StatusUnauthorized, "Bearer"},
		"another scheme":                {"s3cret", map[string]string{"Authorization": "Basic s3cret"}, http.StatusUnauthorized, "Bearer"},
		"the bare token":                {"s3cret", map[string]string{"Authorization": "s3cret"}, http.StatusUnauthorized, "Bearer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			handler, control := operated(test.token)
			response := call(t, handler, http.MethodPost, "/-/restart", test.header)
			sentence, _ := field(t, response, "error").(string)
			if response.Code != test.code || !strings.Contains(sentence, test.want) {
				t.Errorf("answered %d %q, want %d naming %s", response.Code, sentence, test.code, test.want)
			}
			if asks := response.Header().Get("WWW-Authenticate") != ""; asks != (test.code == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate is %q", response.Header().Get("WWW-Authenticate"))
			}
			if len(control.calls) != 0 {
				t.Errorf("the supervisor was asked for %q, want nothing", control.calls)
			}
		})
	}
}

func TestCallsThatABrowserWasTrickedIntoAreRefused(t *testing.T) {
	tests := map[string]struct {
		host   string
		header map[string]string
		code   int
	}{
		"localhost":                      {"localhost:18790", nil, http.StatusAccepted},
		"an IPv4 address":                {"127.0.0.1:18790", nil, http.StatusAccepted},
		"an IPv6 address":                {"[::1]:18790", nil, http.StatusAccepted},
		"an IPv6 address without a port": {"[::1]", nil, http.StatusAccepted},
		"the Compose service":            {"sidecar:18790", nil, http.StatusAccepted},
		"the name it listens on":         {"GPU-box.example.org:18790", nil, http.StatusAccepted},
		"a stranger's name (rebinding)":  {"evil.example.com:18790", nil, http.StatusForbidden},
		"a name that looks like one":     {"127.0.0.1.evil.example.com", nil, http.StatusForbidden},
		"no name":                        {"", nil, http.StatusForbidden},
		"its own page":                   {"localhost:18790", map[string]string{"Origin": "http://localhost:18790"}, http.StatusAccepted},
		"another site's page":            {"localhost:18790", map[string]string{"Origin": "https://evil.example.com"}, http.StatusForbidden},
		"another port's page":            {"localhost:18790", map[string]string{"Origin": "http://localhost:3000"}, http.StatusForbidden},
		"a page without an origin":       {"localhost:18790", map[string]string{"Origin": "null"}, http.StatusForbidden},
		"a cross-site fetch":             {"localhost:18790", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			handler, control := operated("s3cret")
			inner := handler
			handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Host = test.host
				inner.ServeHTTP(w, r)
			})
			header := map[string]string{"Authorization": "Bearer s3cret"}
			for name, value := range test.header {
				header[name] = value
			}
			response := call(t, handler, http.MethodPost, "/-/restart", header)
			if response.Code != test.code {
				t.Errorf("answered %d %s, want %d", response.Code, response.Body, test.code)
			}
			if asked := len(control.calls) == 1; asked != (test.code == http.StatusAccepted) {
				t.Errorf("the supervisor was asked for %q", control.calls)
			}
		})
	}
}

func TestEveryPathChecksTheName(t *testing.T) {
	config := quiet()
	config.Control, config.Token, config.Listen, config.Hosts = &control{}, "s3cret", ":18790", hosts.Names{"ops.example.com"}
	handler := New(config)
	for _, target := range []string{"/", "/metrics", "/-/healthy", "/-/ready", "/-/status", "/-/pause", "/nothing"} {
		for host, refused := range map[string]bool{
			"sidecar:18790": false, "ops.example.com": false, "10.0.0.7:18790": false, "box.internal": false, "": false,
			"evil.example.com": true, "evil.example.com:18790": true,
		} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+target, nil)
			request.Host = host
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			if got := recorder.Code == http.StatusForbidden && strings.Contains(recorder.Body.String(), "CLAWGATE_ADMIN_HOSTS"); got != refused {
				t.Errorf("%s of %q: %d %s", target, host, recorder.Code, recorder.Body)
			}
		}
	}
}

func TestGuessesAreSlowedAndTheTokenIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, control := operated("s3cret")
		guess := map[string]string{"Authorization": "Bearer s3cres"}
		codes := map[int]int{}
		began := time.Now()
		for range 50 {
			codes[call(t, handler, http.MethodPost, "/-/restart", guess).Code]++
		}
		if took := time.Since(began); codes[http.StatusUnauthorized] != 50 || took < time.Minute {
			t.Errorf("50 guesses: %v in %v", codes, took)
		}
		var group sync.WaitGroup
		var refused atomic.Int64
		for range 50 {
			group.Go(func() {
				response := call(t, handler, http.MethodPost, "/-/restart", guess)
				if response.Code == http.StatusTooManyRequests && response.Header().Get("Retry-After") == "30" && response.Header().Get("Connection") == "close" {
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		asked := time.Now()
		if response := call(t, handler, http.MethodPost, "/-/restart", authorized); response.Code != http.StatusAccepted || time.Since(asked) != 0 || len(control.calls) != 1 {
			t.Errorf("the token: %d after %v", response.Code, time.Since(asked))
		}
		group.Wait()
		if refused.Load() == 0 || refused.Load() == 50 {
			t.Errorf("%d of 50 at once were refused", refused.Load())
		}
	})
}

func TestWhatCannotBeDoneNowIsSaidInASentence(t *testing.T) {
	handler, control := operated("s3cret")
	control.err = errors.New("a recovery is under way")
	response := call(t, handler, http.MethodPost, "/-/restart", authorized)
	if response.Code != http.StatusConflict || field(t, response, "error") != "a recovery is under way" {
		t.Errorf("answered %d %s, want 409 and the sentence", response.Code, response.Body)
	}
}

func TestASupervisorThatDoesNotListenIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, control := operated("s3cret")
		control.hang = true
		if response := call(t, handler, http.MethodPost, "/-/pause", authorized); response.Code != http.StatusServiceUnavailable {
			t.Errorf("answered %d %s, want 503", response.Code, response.Body)
		}
	})
}

func TestAReasonIsCut(t *testing.T) {
	handler, control := operated("s3cret")
	call(t, handler, http.MethodPost, "/-/pause?reason="+strings.Repeat("%E4%B8%AD", 100), authorized)
	if want := "pause " + strings.Repeat("中", maxReason/3); len(control.calls) != 1 || control.calls[0] != want {
		t.Errorf("the supervisor was asked for %q, want %q", control.calls, want)
	}
}
