package hosts_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/clawdbot/clawgate/hosts"
)

func trust(names hosts.Names, host string) bool {
	return names.Trust(&http.Request{Host: host})
}

func TestOnlyNamesThatNoStrangerOwnsAreTrusted(t *testing.T) {
	names := hosts.Names{"chat.example.com"}.And("GPU-box.example.org:18790").And(":18790").And("127.0.0.1:1")
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:18790": true, "192.168.1.7:80": true, "8.8.8.8": true,
		"[::1]": true, "[::1]:18790": true, "[fe80::1%25eth0]:80": true, "[2001:db8::1]": true, "::1": true,
		"localhost": true, "localhost:18790": true, "LOCALHOST.": true,
		"sidecar": true, "sidecar:18790": true, "gpu_box:1": true,
		"box.local": true, "box.LAN.local:80": true, "host.docker.internal": true, "clawgate.team.svc": true, "clawgate.team.svc:80": true,
		"clawgate.team.svc.cluster.local.:80": true,
		"chat.example.com":                    true, "CHAT.example.com:443": true, "gpu-box.example.org": true,

		"evil.com": false, "evil.com:18790": false, "evil.com.": false, "127.0.0.1.evil.com": false, "localhost.evil.com": false,
		"x.local.evil.com": false, "x.internal.evil.com": false, "x.svc.evil.com": false, "x.svc.cluster.local.evil.com": false,
		"x.svc.cluster.evil.com": false, // as Kubernetes' own names can be; such a cluster's are configured
		"evillocal.com":          false, "xchat.example.com": false, "x.chat.example.com": false, "chat.example.com.evil.com": false,
		"local.": true, ".local": false, ".svc:80": false, ".": false, ":80": false, "[]": false, "[]:80": false, "a:b:c": false, "*": true,
	} {
		if got := trust(names, host); got != want {
			t.Errorf("%q is trusted: %v", host, got)
		}
	}
}

func TestWhoGivesNoNameIsNoBrowser(t *testing.T) {
	if !trust(nil, "") {
		t.Error("a client that speaks HTTP/1.0 is refused")
	}
}

func TestNamesAreReadFromASetting(t *testing.T) {
	for text, want := range map[string]hosts.Names{
		"a.example.com":                   {"a.example.com"},
		" A.Example.com. , b.example.com": {"a.example.com", "b.example.com"},
		"*":                               {"*"},
		"":                                nil, "a,": nil, "a,*": nil, "*.example.com": nil, "http://a.example.com": nil, "a.example.com:443": nil,
		"a b": nil, "a/b": nil, "-a": nil, "münchen.de": nil,
	} {
		var names hosts.Names
		err := names.UnmarshalText([]byte(text))
		if (err == nil) != (want != nil) || err == nil && !slices.Equal(names, want) {
			t.Errorf("%q gives %q: %v", text, names, err)
		}
	}
	if !trust(hosts.Names{"*"}, "evil.com") {
		t.Error("* does not stand for every name")
	}
}

func TestWhatListensOnThisMachineAlone(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.8.8.8:1": true, "[::1]:8080": true, "localhost:8080": true, "LocalHost:1": true, "[::ffff:127.0.0.1]:1": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.168.1.7:8080": false, "box:8080": false, "": false,
	} {
		if got := hosts.Loopback(listen); got != want {
			t.Errorf("%q is loopback: %v", listen, got)
		}
	}
}
