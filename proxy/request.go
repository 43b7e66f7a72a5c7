package proxy

import (
	"crypto/rand"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var saneRequestID = regexp.MustCompile(`^[0-9A-Za-z._-]{1,128}$`)

// RequestID is the one that the client gave, if it is sane, else a new one.
func RequestID(given string) string {
	if saneRequestID.MatchString(given) {
		return given
	}
	return rand.Text()
}

// WaitAsked reads "Prefer: wait=N" (RFC 7240: whole seconds, the first one
// counts); what it does not say, or says badly, is the default. Asked says that
// the client gave a wait.
func WaitAsked(prefer []string, otherwise time.Duration) (wait time.Duration, asked bool) {
	for _, line := range prefer {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return otherwise, false
			}
			return time.Duration(seconds) * time.Second, true
		}
	}
	return otherwise, false
}
