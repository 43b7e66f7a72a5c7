package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	door "github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/sidecar/config"
	"github.com/clawdbot/clawgate/simulation"
)

func TestDemoSettingsAgreeWithEachOther(t *testing.T) {
	settings, err := config.Load(demoSettings)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	entrance, err := door.Load(demoDoor)
	if err != nil {
		t.Fatal(err)
	}
	introduce(&text, settings, entrance)
	for _, want := range []string{"http://127.0.0.1:8080/api/chat", "http://127.0.0.1:18790/-/demo/fault/", "freeze-runner freeze-server crash"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the introduction lacks %s:\n%s", want, text.String())
		}
	}
}

func TestDemoBreaksOnCommandAndLeavesTheRestToTheSidecar(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.Host+r.URL.Path)
	}))
	defer behind.Close()
	ctx, cancel := context.WithCancel(t.Context())
	world := simulation.New(simulation.Config{})
	ended := make(chan error, 1)
	go func() { ended <- world.Run(ctx) }()
	handler := demoHandler(world, "m", behind.Listener.Addr())
	for world.ThawServer() != nil { // until there is a server
		runtime.Gosched()
	}

	for _, test := range []struct {
		method, path, origin string
		status               int
		want                 string
	}{
		{"POST", "/-/demo/fault/freeze-runner", "", 409, `{"freeze-runner":"no model is loaded"}`},
		{"POST", "/-/demo/fault/crash", "http://elsewhere", 403, "cross-origin"},
		{"POST", "/-/demo/fault/crash", "", 200, `{"crash":"done"}`},
		{"POST", "/-/demo/fault/nonsense", "", 418, "demo.test/-/demo/fault/nonsense"},
		{"GET", "/-/status", "", 418, "demo.test/-/status"},
	} {
		request := httptest.NewRequestWithContext(ctx, test.method, "http://demo.test"+test.path, nil)
		if test.origin != "" {
			request.Header.Set("Origin", test.origin)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.want) {
			t.Errorf("%s %s from %q: %d %s, want %d and %s", test.method, test.path, test.origin, answer.Code, answer.Body, test.status, test.want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
