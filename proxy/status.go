package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
)

// ErrNoAnswer says that what came from the next hop is HTTP in its form, and no
// answer: a status below 100, "switching protocols" that nobody asked for, or one
// interim answer after the other. It must not be passed on, and to wait for more
// would be to wait for ever.
var ErrNoAnswer = errors.New("the next hop sent no answer that can be passed on")

// maxInterim is how many interim answers (1xx) are passed over before an answer,
// as net/http does.
const maxInterim = 5

var errInterim = fmt.Errorf("%w: more than %d interim answers", ErrNoAnswer, maxInterim)

func isInterim(status int) bool {
	return status >= http.StatusContinue && status < http.StatusOK && status != http.StatusSwitchingProtocols
}

// checkStatus tells an answer from what is none.
func checkStatus(answer *http.Response, request *http.Request) error {
	status := answer.StatusCode
	switch {
	case status >= http.StatusOK, status == http.StatusSwitchingProtocols && request.Header.Get("Upgrade") != "":
		return nil
	case status == http.StatusSwitchingProtocols:
		return fmt.Errorf("%w: it switches protocols without having been asked to", ErrNoAnswer)
	}
	return fmt.Errorf("%w: its status is %d", ErrNoAnswer, status)
}

// limitInterim ends the request after too many interim answers. net/http leaves
// their number to whoever looks at them, as httputil.ReverseProxy does, and asks
// only one of several about an error; so the request's context is ended. That
// goes with the context that it is made from.
func limitInterim(request *http.Request) *http.Request {
	ctx, cancel := context.WithCancelCause(request.Context())
	var count atomic.Int32
	return request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			if count.Add(1) <= maxInterim {
				return nil
			}
			cancel(errInterim)
			return errInterim
		},
	}))
}
