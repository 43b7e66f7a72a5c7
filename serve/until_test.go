package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/crowd"
)

// side serves hello on a listener of its own.
func side(t *testing.T, hello http.HandlerFunc) Side {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return Side{Server: New(hello, slog.New(slog.DiscardHandler)), Listener: listener, Crowd: crowd.Config{Connections: 10}}
}

func (s Side) ask(t *testing.T) error {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + s.Listener.Addr().String())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

func hello(http.ResponseWriter, *http.Request) {}

func TestAllSidesAreServedWhileAnswersMayEndAndNoneAfterwards(t *testing.T) {
	sides := []Side{side(t, hello), side(t, hello)}
	ctx, end := context.WithCancel(t.Context())
	drained := false
	drain := func(patient context.Context) {
		drained = true
		for _, s := range sides {
			if err := s.ask(t); err != nil || patient.Err() != nil {
				t.Errorf("in the drain: %v, %v", err, patient.Err())
			}
		}
	}
	end()
	if err := Until(ctx, drain, sides...); err != nil || !drained {
		t.Errorf("%v, drained %v", err, drained)
	}
	for _, s := range sides {
		if s.ask(t) == nil {
			t.Error("it is served after the end")
		}
	}
}

func TestASideThatFailsEndsTheOthersAndIsToldOnce(t *testing.T) {
	works, fails := side(t, hello), side(t, hello)
	_ = fails.Listener.Close()
	err := Until(t.Context(), func(context.Context) { t.Error("drained") }, works, fails)
	if !errors.Is(err, net.ErrClosed) || strings.Count(err.Error(), "cannot serve") != 1 {
		t.Errorf("%v", err)
	}
	if works.ask(t) == nil {
		t.Error("the other side is still served")
	}
}

func TestAnAnswerThatTheDrainLeavesIsCut(t *testing.T) {
	begun, cut := make(chan struct{}), make(chan error, 1)
	s := side(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
	go func() { cut <- s.ask(t) }()
	go func() { <-begun; end() }()
	if err := Until(ctx, func(context.Context) {}, s); err != nil {
		t.Error(err)
	}
	select {
	case err := <-cut:
		if err == nil {
			t.Error("the answer looks complete")
		}
	case <-time.After(5 * time.Second):
		t.Error("the answer goes on")
	}
}
