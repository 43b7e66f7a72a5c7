package serve

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestAServerAnswersOverASocketAndEnds(t *testing.T) {
	server := New(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + listener.Addr().String() + "")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("answered %d %q (%v), want 404", response.StatusCode, body, err)
	}
	_ = response.Body.Close()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve returned %v, want ErrServerClosed", err)
	}
}

func TestStreamsAreNotLimitedInTimeAndHeadersAre(t *testing.T) {
	server := New(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if server.WriteTimeout != 0 || server.ReadTimeout != 0 {
		t.Errorf("WriteTimeout %v, ReadTimeout %v: a stream would be cut", server.WriteTimeout, server.ReadTimeout)
	}
	if server.ReadHeaderTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes <= 0 {
		t.Error("a slow header or an idle connection would be kept for ever")
	}
}
