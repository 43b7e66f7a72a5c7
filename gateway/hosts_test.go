package gateway

import (
	"net/http"
	"strings"
	"testing"
)

const anyNameSentence = "any Host header is accepted"

func TestTheDoorTakesAnyNameWhereOthersReachIt(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		for _, host := range []string{"chat.example.com", "evil.com:8080", "gateway", "10.0.0.1:8080"} {
			if got := w.chat("Host", host); got.status != 200 {
				t.Errorf("%s: %+v", host, got)
			}
		}
		if log := w.log.String(); !strings.Contains(log, anyNameSentence) || !strings.Contains(log, "CLAWGATE_GATEWAY_HOSTS") {
			t.Errorf("the log does not say so: %s", log)
		}
	})
	inWorld(t, []string{keys}, func(w *world) {
		if got := w.chat("Host", "evil.com", "Authorization", alice); got.status != 200 || strings.Contains(w.log.String(), anyNameSentence) {
			t.Errorf("with keys: %+v\n%s", got, w.log.String())
		}
	})
}

func TestTheDoorRefusesNamesThatAStrangerMayOwn(t *testing.T) {
	for setting, own := range map[string]string{
		"CLAWGATE_GATEWAY_LISTEN=127.0.0.1:8080":                                              "localhost:8080",
		"CLAWGATE_GATEWAY_LISTEN=[::1]:8080":                                                  "[::1]:8080",
		"CLAWGATE_GATEWAY_LISTEN=localhost:8080":                                              "localhost",
		"CLAWGATE_GATEWAY_HOSTS=chat.example.com":                                             "chat.example.com",
		"CLAWGATE_GATEWAY_HOSTS=other.example.com,Chat.Example.com":                           "chat.example.com:443",
		"CLAWGATE_GATEWAY_HOSTS=other.example.com CLAWGATE_GATEWAY_LISTEN=gpu.example.com:80": "gpu.example.com",
	} {
		t.Run(setting, func(t *testing.T) {
			inWorld(t, strings.Fields(setting), func(w *world) {
				for _, host := range []string{own, "127.0.0.1:8080", "gateway", "box.local"} {
					if got := w.chat("Host", host); got.status != 200 {
						t.Errorf("%s: %+v", host, got)
					}
				}
				reached := len(w.paths())
				for _, path := range []string{"/api/chat", "/api/tags", "/", "/ui/", "/ui/page.js", "/-/ready", "/v1/models"} {
					got := w.do(http.MethodGet, path, "", "Host", "evil.com", "Origin", "http://evil.com", "Accept", "text/html")
					if got.status != 403 || !strings.Contains(got.body, "CLAWGATE_GATEWAY_HOSTS") || got.header.Get("X-Request-Id") == "" {
						t.Errorf("%s: %+v", path, got)
					}
				}
				if got := w.chat("Host", "evil.com"); got.status != 403 || len(w.paths()) != reached {
					t.Errorf("%+v, reached %v", got, w.paths())
				}
				if got := w.metric(`clawgate_gateway_refused_total{reason="host"}`); got != "8" {
					t.Errorf("%q were counted", got)
				}
				if strings.Contains(w.log.String(), anyNameSentence) {
					t.Error("the log says that any name is taken")
				}
			})
		})
	}
}

func TestEveryNameCanBeAllowedOnALoopbackAddress(t *testing.T) {
	inWorld(t, []string{"CLAWGATE_GATEWAY_LISTEN=127.0.0.1:8080", "CLAWGATE_GATEWAY_HOSTS=*"}, func(w *world) {
		if got := w.chat("Host", "chat.example.com"); got.status != 200 || !strings.Contains(w.log.String(), anyNameSentence) {
			t.Errorf("%+v\n%s", got, w.log.String())
		}
	})
}

func TestTheOperatorsListenerRefusesNamesThatAStrangerMayOwn(t *testing.T) {
	inWorld(t, []string{"CLAWGATE_ADMIN_HOSTS=ops.example.com", "CLAWGATE_GATEWAY_ADMIN_LISTEN=gpu.example.com:8081"}, func(w *world) {
		for _, path := range []string{"/metrics", "/-/healthy", "/-/ready", "/-/status"} {
			for host, want := range map[string]int{
				"gateway:8081": 200, "127.0.0.1:8081": 200, "localhost": 200, "gateway.team.svc:8081": 200, "ops.example.com": 200, "gpu.example.com": 200,
				"evil.com": 403, "evil.com:8081": 403,
			} {
				got := w.do(http.MethodGet, "http://admin"+path, "", "Host", host)
				if got.status != want || want == 403 && !strings.Contains(got.body, "CLAWGATE_ADMIN_HOSTS") {
					t.Errorf("%s of %s: %+v", path, host, got)
				}
			}
		}
	})
}
