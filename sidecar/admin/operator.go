package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
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
	// bodyTimeout bounds how long a client may send a body, which nobody reads.
	// It is the longer one: its end also ends the request's context.
	bodyTimeout = 10 * time.Second
	// maxReason bounds the reason that a person gives, in bytes.
	maxReason = 200
)

// operatorCalls are the calls that change something.
//
// Who may make them: whoever knows the token. A browser must in addition be on
// a page of this very listener (Origin, Sec-Fetch-Site), and reach it by a name
// that no stranger's DNS can point here: an IP address, a name without a dot
// (localhost, a container, a Compose service) or the name it listens on.
type operatorCalls struct{ config Config }

// handler checks a call of that name before it passes it on.
func (c operatorCalls) handler(name string, call http.HandlerFunc) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return methods(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The error: a connection without deadlines is a test's recorder.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		if !c.trustedHost(r.Host) {
			c.refuse(w, r, name, http.StatusForbidden, "the Host header must be an IP address, a name without a dot, or the name in CLAWGATE_ADMIN_LISTEN")
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
			w.Header().Set("WWW-Authenticate", `Bearer realm="clawgate"`)
			c.refuse(w, r, name, http.StatusUnauthorized, "send the token of CLAWGATE_ADMIN_TOKEN as Authorization: Bearer <token>")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), controlTimeout)
		defer cancel()
		c.config.Log.Info("operator call", "call", name, "remote_address", r.RemoteAddr, "reason", reason(r))
		call(w, r.WithContext(ctx))
	}), http.MethodPost)
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

// trustedHost reports whether no stranger's DNS can have led a browser here.
func (c operatorCalls) trustedHost(hostport string) bool {
	host := hostOf(hostport)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if host != "" && !strings.ContainsAny(host, ".:") {
		return true
	}
	own := hostOf(c.config.Listen)
	return own != "" && strings.EqualFold(host, own)
}

func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
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
