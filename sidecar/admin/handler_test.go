package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// call sends one request to handler, as if to http://localhost:18790.
func call(t *testing.T, handler http.Handler, method, target string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:18790"+target, nil)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func get(t *testing.T, handler http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	return call(t, handler, http.MethodGet, target, nil)
}

// field returns one field of a JSON answer.
func field(t *testing.T, response *httptest.ResponseRecorder, name string) any {
	t.Helper()
	if got := response.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want application/json", got)
	}
	var answer map[string]any
	if err := json.Unmarshal(response.Body.Bytes(), &answer); err != nil {
		t.Fatalf("answer %q: %v", response.Body, err)
	}
	return answer[name]
}

func quiet() Config {
	return Config{
		Status:   func() Status { return Status{} },
		Ready:    func() (bool, string) { return true, "" },
		Gatherer: prometheus.NewRegistry(),
	}
}

func TestHealthySaysThatTheProcessLives(t *testing.T) {
	config := quiet()
	config.Ready = func() (bool, string) { return false, "the model is wedged" }
	response := get(t, New(config), "/-/healthy")
	if response.Code != http.StatusOK || field(t, response, "healthy") != true {
		t.Errorf("answered %d %s, want 200 whatever the model does", response.Code, response.Body)
	}
}

func TestReadyFollowsTheSupervisor(t *testing.T) {
	config := quiet()
	if response := get(t, New(config), "/-/ready"); response.Code != http.StatusOK || field(t, response, "ready") != true {
		t.Errorf("answered %d %s, want 200 and ready", response.Code, response.Body)
	}
	config.Ready = func() (bool, string) { return false, "the model is loading" }
	response := get(t, New(config), "/-/ready")
	if response.Code != http.StatusServiceUnavailable || field(t, response, "ready") != false ||
		field(t, response, "reason") != "the model is loading" {
		t.Errorf("answered %d %s, want 503 and the reason", response.Code, response.Body)
	}
}

func TestWhatIsNotThereOrNotAllowedIsToldAsJSON(t *testing.T) {
	tests := map[string]struct {
		method, target string
		code           int
		allow          string
	}{
		"an unknown path under /-/": {http.MethodGet, "/-/nothing", http.StatusNotFound, ""},
		"another unknown path":      {http.MethodGet, "/api/tags", http.StatusNotFound, ""},
		"posting to a page":         {http.MethodPost, "/", http.StatusMethodNotAllowed, "GET, HEAD"},
		"posting to the metrics":    {http.MethodPost, "/metrics", http.StatusMethodNotAllowed, "GET, HEAD"},
		"deleting the status":       {http.MethodDelete, "/-/status", http.StatusMethodNotAllowed, "GET, HEAD"},
		"getting pause":             {http.MethodGet, "/-/pause", http.StatusMethodNotAllowed, "POST"},
		"getting resume":            {http.MethodGet, "/-/resume", http.StatusMethodNotAllowed, "POST"},
		"getting restart":           {http.MethodGet, "/-/restart", http.StatusMethodNotAllowed, "POST"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := call(t, New(quiet()), test.method, test.target, nil)
			if response.Code != test.code || response.Header().Get("Allow") != test.allow {
				t.Errorf("answered %d with Allow %q, want %d and %q", response.Code, response.Header().Get("Allow"), test.code, test.allow)
			}
			if sentence, _ := field(t, response, "error").(string); sentence == "" {
				t.Errorf("answer %s has no error", response.Body)
			}
		})
	}
}

func TestEveryAnswerKeepsBrowsersFromGuessingAndCaching(t *testing.T) {
	handler := New(quiet())
	for _, target := range []string{"/", "/metrics", "/-/status", "/-/pause", "/nothing"} {
		header := get(t, handler, target).Header()
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s answers with %v, want nosniff and no-store", target, header)
		}
	}
}

func TestMetricsAreExposed(t *testing.T) {
	_, registry := newMetrics()
	config := quiet()
	config.Gatherer = registry
	response := get(t, New(config), "/metrics")
	if response.Code != http.StatusOK || !strings.Contains(response.Body.String(), `clawgate_state{state="starting"} 1`) {
		t.Errorf("answered %d without the state", response.Code)
	}
}
