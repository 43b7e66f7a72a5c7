package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/clawdbot/clawgate/guesses"
)

// Control carries out what a person asks for. An error says why that cannot be
// now, as a sentence for that person.
type Control interface {
	// Pause lets all traffic through and takes no remedy until Resume. The
	// reason is the person's, and may be empty.
	Pause(ctx context.Context, reason string) error
	Resume(ctx context.Context) error
	// Restart asks for a restart of the container. It returns when the restart
	// has been taken on, not when it is done.
	Restart(ctx context.Context) error
}

const (
	// controlTimeout bounds how long the supervisor may take to accept a call.
	controlTimeout = 5 * time.Second
	// maxReason bounds the reason that a person gives, in bytes.
	maxReason = 200
)

// operatorCalls are the calls that change something.
//
// Who may make them: whoever knows the token. A browser must in addition be on
// a page of this very listener (Origin, Sec-Fetch-Site).
type operatorCalls struct {
	config  Config
	guesses *guesses.Brake
}

// handler checks a call of that name before it passes it on.
func (c operatorCalls) handler(name string, call http.HandlerFunc) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return methods(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "" { // which no client leaves out that means to change something
			c.refuse(w, r, name, http.StatusForbidden, "this call needs a Host header")
			return
		}
		if err := crossOrigin.Check(r); err != nil {
			c.refuse(w, r, name, http.StatusForbidden, "this call came from another site's page")
			return
		}
		if c.config.Token == "" {
			c.refuse(w, r, name, http.StatusForbidden, "set CLAWGATE_ADMIN_TOKEN (or CLAWGATE_ADMIN_TOKEN_FILE) to allow this call, and send it as Authorization: Bearer <token>")
			return
		}
		if !sameSecret(bearer(r), c.config.Token) {
			c.wrong(w, r, name)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), controlTimeout)
		defer cancel()
		c.config.Log.Info("operator call", "call", name, "remote_address", r.RemoteAddr, "reason", reason(r))
		call(w, r.WithContext(ctx))
	}), http.MethodPost)
}

// wrong answers a call without the right token, the later the more of them come
// from its address.
func (c operatorCalls) wrong(w http.ResponseWriter, r *http.Request, name string) {
	client, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address where that is a test's
	if !c.guesses.Wrong(r.Context(), client.Addr()) {
		// Not logged: a flood would fill the disk.
		w.Header().Set("Connection", "close")
		w.Header().Set("Retry-After", strconv.Itoa(int(guesses.RetryAfter/time.Second)))
		fail(w, http.StatusTooManyRequests, "too many calls without the right token from this address; the right one is taken at any time")
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="clawgate"`)
	c.refuse(w, r, name, http.StatusUnauthorized, "send the token of CLAWGATE_ADMIN_TOKEN as Authorization: Bearer <token>")
}

func (c operatorCalls) refuse(w http.ResponseWriter, r *http.Request, name string, code int, sentence string) {
	c.config.Log.Warn("operator call refused", "call", name, "remote_address", r.RemoteAddr, "code", code)
	fail(w, code, sentence)
}

func (c operatorCalls) pause(w http.ResponseWriter, r *http.Request) {
	conclude(w, c.config.Control.Pause(r.Context(), reason(r)), http.StatusOK, "paused")
}

func (c operatorCalls) resume(w http.ResponseWriter, r *http.Request) {
	conclude(w, c.config.Control.Resume(r.Context()), http.StatusOK, "resumed")
}

func (c operatorCalls) restart(w http.ResponseWriter, r *http.Request) {
	conclude(w, c.config.Control.Restart(r.Context()), http.StatusAccepted, "restart begun; see /-/status")
}

func conclude(w http.ResponseWriter, err error, code int, result string) {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fail(w, http.StatusServiceUnavailable, "the supervisor did not take the call in time; try again")
	case err != nil:
		fail(w, http.StatusConflict, err.Error())
	default:
		answer(w, code, map[string]any{"result": result})
	}
}

// reason is what the person gives as ?reason=…, cut to a bounded length.
func reason(r *http.Request) string {
	text := r.URL.Query().Get("reason")
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// sameSecret compares in a time that tells nothing, also not the length.
func sameSecret(given, want string) bool {
	givenSum, wantSum := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(givenSum[:], wantSum[:]) == 1
}
