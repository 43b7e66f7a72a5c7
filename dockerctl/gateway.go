package dockerctl

import (
	"context"
	"fmt"
	"net/http"
)

// gateway is a transport that makes visible two things which the SDK hides.
//
// A 502, 503 or 504 is the answer of a proxy whose engine is away, and becomes
// ErrEngineAway; the SDK keeps no trace of the code of a 502 or 504. (The engine
// itself uses 503 for swarm calls only, which are never made here.)
//
// The moment at which a stream is open is told to the function that whenOpen has
// put into the request's context: the SDK's Events returns in the same way
// whether the engine has accepted the call or not.
type gateway struct{ next http.RoundTripper }

func (g gateway) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		_ = response.Body.Close()
		return nil, fmt.Errorf("%w: the proxy in front of it answered %s", ErrEngineAway, response.Status)
	case http.StatusOK:
		if opened, ok := request.Context().Value(openKey{}).(func()); ok {
			opened()
		}
	}
	return response, nil
}

type openKey struct{}

// whenOpen returns a context with which a request calls opened as soon as the
// header of a 200 has arrived, before the call returns.
func whenOpen(ctx context.Context, opened func()) context.Context {
	return context.WithValue(ctx, openKey{}, opened)
}
