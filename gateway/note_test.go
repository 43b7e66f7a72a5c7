package gateway

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestEveryRequestIsLoggedInOneLineWithoutItsContent(t *testing.T) {
	inWorld(t, []string{keys}, func(w *world) {
		answered := w.chat("Authorization", alice, "X-Request-Id", "mine-1", "Cookie", "session=secret")
		w.chat("Authorization", "Bearer wrong-wrong-wrong")
		w.do("POST", "/api/pull?token=secret", `{"model":"what was asked"}`, "Authorization", alice)
		logged := w.requests()
		if len(logged) != 3 {
			t.Fatalf("%d lines for 3 requests: %s", len(logged), w.log)
		}
		for i, want := range []map[string]any{
			{"request_id": "mine-1", "client": "192.0.2.7", "key": "alice", "method": "POST", "route": "/api/chat", "status": 200.0, "bytes": float64(len(answered.body)), "sidecar": "10.0.0.1:18789", "attempts": 1.0},
			{"key": "none", "route": "/api/chat", "status": 401.0, "refused": "key", "sidecar": nil},
			{"key": "alice", "route": "/api/pull", "status": 403.0, "refused": "not_allowed", "sidecar": nil},
		} {
			for name, value := range want {
				if logged[i][name] != value {
					t.Errorf("line %d: %s is %v, want %v", i, name, logged[i][name], value)
				}
			}
		}
		for _, secret := range []string{"what was asked", "what was answered", "aaaaaaaaaaaaaaaa", "wrong-wrong", "secret"} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log has %q: %s", secret, w.log)
			}
		}
	})
}

func TestAnInsaneRequestIDIsReplaced(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		for _, id := range []string{"", "two words", strings.Repeat("x", 129), `","key":"root`} {
			if got := w.chat("X-Request-Id", id).header.Get("X-Request-Id"); got == id || got == "" {
				t.Errorf("%q became %q", id, got)
			}
		}
	})
}

func TestRequestsAreCounted(t *testing.T) {
	inWorld(t, []string{keys}, func(w *world) {
		w.chat("Authorization", alice)
		w.chat("Authorization", alice)
		w.chat()
		w.do("GET", "/a/path/that/nobody/knows", "", "Authorization", alice)
		w.do("DELETE", "/api/delete", "{}", "X-API-Key", "bbbbbbbbbbbbbbbb")
		synctest.Wait()
		for series, want := range map[string]string{
			`clawgate_gateway_requests_total{code="200",key="alice",route="/api/chat"}`: "2",
			`clawgate_gateway_requests_total{code="401",key="none",route="/api/chat"}`:  "1",
			`clawgate_gateway_requests_total{code="404",key="alice",route="other"}`:     "1",
			`clawgate_gateway_requests_total{code="403",key="bob",route="/api/delete"}`: "1",
			`clawgate_gateway_refused_total{reason="key"}`:                              "1",
			`clawgate_gateway_refused_total{reason="unknown_path"}`:                     "1",
			`clawgate_gateway_refused_total{reason="not_allowed"}`:                      "1",
			`clawgate_gateway_refused_total{reason="no_sidecar"}`:                       "0",
			`clawgate_gateway_sidecar_up{sidecar="10.0.0.1:18789"}`:                     "1",
			`clawgate_gateway_first_chunk_seconds_count`:                                "2",
			`clawgate_gateway_buffered_bytes`:                                           "0",
		} {
			if got := w.metric(series); got != want {
				t.Errorf("%s is %q, want %q", series, got, want)
			}
		}
		for path, want := range map[string]int{"/-/ready": 200, "/-/healthy": 200, "/-/status": 200, "/nothing": 404} {
			if got := w.do("GET", "http://admin"+path, ""); got.status != want || strings.Contains(got.body, "aaaaaaaa") {
				t.Errorf("%s: %+v", path, got)
			}
		}
	})
}

func TestASidecarThatIsAwayIsDownInTheMetrics(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.stopRelay()
		time.Sleep(2 * time.Second)
		if got := w.metric(`clawgate_gateway_sidecar_up{sidecar="10.0.0.1:18789"}`); got != "0" {
			t.Errorf("%q", got)
		}
		if got := w.do("GET", "/-/ready", ""); got.status != 503 || strings.Contains(got.body, "10.0.0.1") {
			t.Errorf("%+v", got)
		}
		if got := w.do("GET", "http://admin/-/ready", ""); got.status != 503 || !strings.Contains(got.body, "10.0.0.1:18789 is unreachable") {
			t.Errorf("%+v", got)
		}
		if got := w.chat(); got.status != 503 || got.header.Get("Retry-After") == "" || w.metric(`clawgate_gateway_refused_total{reason="no_sidecar"}`) != "1" {
			t.Errorf("%+v", got)
		}
	})
}
