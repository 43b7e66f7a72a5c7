package config_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/environment"
	"github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/gateway/policy"
	"github.com/clawdbot/clawgate/ollama"
)

// public pins the names and defaults that people's compose files rely on.
const public = `
CLAWGATE_GATEWAY_LISTEN :8080
CLAWGATE_GATEWAY_ADMIN_LISTEN :8081
CLAWGATE_GATEWAY_SIDECARS http://sidecar:18789
CLAWGATE_GATEWAY_API_KEYS
CLAWGATE_GATEWAY_KEY_IN_PATH false
CLAWGATE_GATEWAY_ALLOW inference,inspect
CLAWGATE_GATEWAY_PIN_OPTIONS false
CLAWGATE_GATEWAY_HOLD 0s
CLAWGATE_GATEWAY_HOLD_RELAY 10s
CLAWGATE_GATEWAY_MAX_BODY_BYTES 64MiB
CLAWGATE_GATEWAY_MAX_HEADER_BYTES 16KiB
CLAWGATE_GATEWAY_MIN_UPLOAD_RATE 16KiB
CLAWGATE_GATEWAY_MAX_CONNECTIONS 0
CLAWGATE_GATEWAY_MAX_REQUESTS 0
CLAWGATE_GATEWAY_RATE_LIMIT 0
CLAWGATE_GATEWAY_CORS_ORIGINS
CLAWGATE_GATEWAY_TRUSTED_PROXIES
CLAWGATE_GATEWAY_HOSTS
CLAWGATE_GATEWAY_BASE_PATH
CLAWGATE_GATEWAY_UI true
CLAWGATE_ADMIN_HOSTS
CLAWGATE_LOG_LEVEL info
CLAWGATE_LOG_FORMAT json
`

func TestTableShowsThePublicNamesAndDefaults(t *testing.T) {
	var table strings.Builder
	if err := config.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	shown.WriteString("\n")
	row := regexp.MustCompile("^\\| `([A-Z_]+)` \\| (?:`(.*)`|empty) \\| [^|]{10,} \\|$")
	for _, line := range strings.Split(strings.TrimSpace(table.String()), "\n")[2:] {
		cells := row.FindStringSubmatch(line)
		if cells == nil {
			t.Fatalf("row %q is not name, default and meaning", line)
		}
		shown.WriteString(strings.TrimSpace(cells[1]+" "+cells[2]) + "\n")
	}
	if shown.String() != public {
		t.Errorf("the table shows%s\nwant%s", shown.String(), public)
	}
}

func TestEmptyEnvironmentGivesTheDefaults(t *testing.T) {
	c := config.Default()
	for _, check := range []struct{ what, got, want any }{
		{"LISTEN", c.Listen, ":8080"},
		{"SIDECARS", fmt.Sprint(c.Sidecars), "[http://sidecar:18789]"},
		{"API_KEYS", len(c.APIKeys.List()), 0},
		{"ALLOW", fmt.Sprint(c.Allow), "[inference inspect]"},
		{"ALLOW manage", c.Allow.Has(ollama.Manage), false},
		{"ALLOW remote", c.Allow.Has(policy.Remote), false},
		{"PIN_OPTIONS", c.PinOptions, false},
		{"HOLD_RELAY", c.HoldRelay, 10 * time.Second},
		{"MAX_BODY_BYTES", c.MaxBodyBytes, environment.Bytes(64 << 20)},
		{"RATE_LIMIT", c.RateLimit, 0},
		{"CORS_ORIGINS", len(c.CORSOrigins), 0},
		{"TRUSTED_PROXIES", len(c.TrustedProxies), 0},
		{"UI", c.UI, true},
		{"LOG_FORMAT", c.LogFormat, environment.LogJSON},
	} {
		if check.got != check.want {
			t.Errorf("%s is %v, want %v", check.what, check.got, check.want)
		}
	}
}

func TestValuesAreRead(t *testing.T) {
	c, err := config.Load([]string{
		"CLAWGATE_GATEWAY_SIDECARS=http://A:18789/, http://b,http://[::1]:80",
		"CLAWGATE_GATEWAY_API_KEYS=laptop:" + key + ",\nci-1::0123456789:abcdef\n",
		"CLAWGATE_GATEWAY_ALLOW=manage, inference,manage,remote",
		"CLAWGATE_GATEWAY_CORS_ORIGINS=HTTPS://Chat.Example.com:443,http://localhost:3000,app://obsidian.md,http://LOCALHOST:3000",
		"CLAWGATE_GATEWAY_TRUSTED_PROXIES=10.1.2.3/8,192.168.0.1,::1,fd00::/8,::ffff:1.2.3.4",
		"CLAWGATE_GATEWAY_RATE_LIMIT=60", "CLAWGATE_GATEWAY_UI=false", "CLAWGATE_LOG_LEVEL=debug",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []struct{ what, got, want any }{
		{"SIDECARS", fmt.Sprint(c.Sidecars), "[http://a:18789 http://b http://[::1]:80]"},
		{"API_KEYS", c.APIKeys.String(), "[2 keys]"},
		{"ALLOW", fmt.Sprint(c.Allow), "[manage inference remote]"},
		{"ALLOW inspect", c.Allow.Has(ollama.Inspect), false},
		{"CORS_ORIGINS", fmt.Sprint(c.CORSOrigins), "[https://chat.example.com http://localhost:3000 app://obsidian.md]"},
		{"TRUSTED_PROXIES", fmt.Sprint(c.TrustedProxies), "[10.0.0.0/8 192.168.0.1/32 ::1/128 fd00::/8 1.2.3.4/32]"},
		{"RATE_LIMIT", c.RateLimit, 60},
		{"UI", c.UI, false},
		{"LOG_LEVEL", c.LogLevel, slog.LevelDebug},
	} {
		if check.got != check.want {
			t.Errorf("%s is %v, want %v", check.what, check.got, check.want)
		}
	}
}

func TestMistakesAreNamedAndSaidPlainly(t *testing.T) {
	const (
		sidecar = "must be an http URL of a host alone, such as http://sidecar:18789"
		origin  = "must be an origin such as https://chat.example.com, http://localhost:* or app://*, or * alone for all"
	)
	const base = "must be a path such as /ollama: segments of letters, digits, . _ ~ and -, each with a slash before it"
	for _, test := range []struct{ set, want string }{
		{"LISTEN=8080", `LISTEN: "8080" is not an address such as :8080 or 127.0.0.1:8080`},
		{"ADMIN_LISTEN=x:y", `ADMIN_LISTEN: "x:y" is not an address such as :8081 or 127.0.0.1:8081`},
		{"ADMIN_LISTEN=:8080", "LISTEN, CLAWGATE_GATEWAY_ADMIN_LISTEN: must differ"},
		{"MAX_CONNECTIONS=-1", "MAX_CONNECTIONS: must not be negative"},
		{"SIDECARS=", `SIDECARS: is set but empty; remove it for its default "http://sidecar:18789"`},
		{"SIDECARS=sidecar:18789", "SIDECARS: entry 1: " + sidecar},
		{"SIDECARS=https://a", "SIDECARS: entry 1: " + sidecar},
		{"SIDECARS=http://a:99999", "SIDECARS: entry 1: " + sidecar},
		{"SIDECARS=http://u:hunter2@a,http://b/api,http://%zz,", "SIDECARS: entry 1: " + sidecar + "; entry 2: " + sidecar + "; entry 3: " + sidecar + "; entry 4: " + sidecar},
		{"SIDECARS=http://a,http://A:80/", "SIDECARS: entry 2: names a sidecar that an entry before names; give each once"},
		{"ALLOW=", `ALLOW: is set but empty; remove it for its default "inference,inspect"`},
		{"ALLOW=inference,all", `ALLOW: entry 2: "all" is not one of ["inference" "inspect" "manage" "remote"]`},
		{"PIN_OPTIONS=si", `PIN_OPTIONS: "si" is not true or false`},
		{"HOLD=-1s", "HOLD: must not be negative"},
		{"HOLD_RELAY=10", `HOLD_RELAY: "10" is not a duration such as 500ms, 5s or 2m`},
		{"MAX_BODY_BYTES=0", "MAX_BODY_BYTES: must be more than 0"},
		{"MAX_BODY_BYTES=big", `MAX_BODY_BYTES: "big" is not a size such as 8MiB`},
		{"MIN_UPLOAD_RATE=0.5", `MIN_UPLOAD_RATE: "0.5" is not a size such as 8MiB`},
		{"MIN_UPLOAD_RATE=99999PiB", `MIN_UPLOAD_RATE: "99999PiB" is not a size such as 8MiB`},
		{"RATE_LIMIT=-1", "RATE_LIMIT: must not be negative"},
		{"RATE_LIMIT=1.5", `RATE_LIMIT: "1.5" is not a whole number`},
		{"CORS_ORIGINS=chat.example.com", "CORS_ORIGINS: entry 1: " + origin},
		{"CORS_ORIGINS=https://a/", "CORS_ORIGINS: entry 1: " + origin},
		{"CORS_ORIGINS=https://u:hunter2@a", "CORS_ORIGINS: entry 1: " + origin},
		{"CORS_ORIGINS=https://*.a.com,https://pre-*.a.com", "CORS_ORIGINS: entry 2: a * stands for whole labels in front of a host (https://*.example.com), for the numbers of an IP address (http://192.168.1.*), for a port (http://localhost:*) or for everything after ://, and there is at most one"},
		{"CORS_ORIGINS=https://a:", "CORS_ORIGINS: entry 1: " + origin},
		{"CORS_ORIGINS=https://a?", "CORS_ORIGINS: entry 1: " + origin},
		{"CORS_ORIGINS=null", "CORS_ORIGINS: entry 1: null is what a page of any site sends from a sandboxed frame: only * lets it in"},
		{"CORS_ORIGINS=https://a,*", "CORS_ORIGINS: entry 2: * means all origins; give it alone or leave it out"},
		{"TRUSTED_PROXIES=10.0.0.0/33", `TRUSTED_PROXIES: entry 1: "10.0.0.0/33" is not an address or a prefix such as 10.0.0.0/8`},
		{"TRUSTED_PROXIES=::1,proxy", `TRUSTED_PROXIES: entry 2: "proxy" is not an address or a prefix such as 10.0.0.0/8`},
		{"TRUSTED_PROXIES=fe80::1%eth0", `TRUSTED_PROXIES: entry 1: "fe80::1%eth0" is not an address or a prefix such as 10.0.0.0/8`},
		{"BASE_PATH=ollama", "BASE_PATH: " + base},
		{"BASE_PATH=/", "BASE_PATH: " + base},
		{"BASE_PATH=/a//b", "BASE_PATH: " + base},
		{"BASE_PATH=/a/../b", "BASE_PATH: " + base},
		{"BASE_PATH=/a/./b", "BASE_PATH: " + base},
		{"BASE_PATH=/a%2Fb", "BASE_PATH: " + base},
		{"BASE_PATH=https://a/b", "BASE_PATH: " + base},
		{"BASE_PATH=/a b", "BASE_PATH: " + base},
		{"BASE_PATH=/key", "BASE_PATH: is a path of the gateway's own; use another one, such as /ollama"},
		{"BASE_PATH=/ui/a", "BASE_PATH: is a path of the gateway's own; use another one, such as /ollama"},
		{"BASE_PATH=/-", "BASE_PATH: is a path of the gateway's own; use another one, such as /ollama"},
		{"BASE_PATH=/api/", "BASE_PATH: is where Ollama's own paths are; use another one, such as /ollama"},
		{"BASE_PATH=/v1", "BASE_PATH: is where Ollama's own paths are; use another one, such as /ollama"},
		{"BASE_PATH=/v1/models/a", "BASE_PATH: is where Ollama's own paths are; use another one, such as /ollama"},
		{"KEY_IN_PATH=true", "KEY_IN_PATH, CLAWGATE_GATEWAY_API_KEYS: there are no keys that a path could hold: set API_KEYS or API_KEYS_FILE, or leave KEY_IN_PATH out"},
		{"UI=on", `UI: "on" is not true or false`},
		{"ALOW=x", "ALOW: no such variable; did you mean CLAWGATE_GATEWAY_ALLOW?"},
		{"API_KEY_FILE=x", "API_KEY_FILE: no such variable; did you mean CLAWGATE_GATEWAY_API_KEYS_FILE?"},
		{"LOG_LEVEL=info", "LOG_LEVEL: no such variable; `clawgate env` lists all"},
	} {
		t.Run(test.set, func(t *testing.T) {
			_, err := config.Load([]string{"CLAWGATE_GATEWAY_" + test.set})
			if err == nil || err.Error() != "CLAWGATE_GATEWAY_"+test.want {
				t.Errorf("the error is\n%v\nwant\nCLAWGATE_GATEWAY_%s", err, test.want)
			}
		})
	}
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	_, err := config.Load([]string{
		"CLAWGATE_GATEWAY_UI=x", "CLAWGATE_GATEWAY_SIDECARS=x", "CLAWGATE_GATEWAY_B=x", "CLAWGATE_LOG_FORMAT=x",
		"CLAWGATE_GATEWAY_LISTEN=:8081", "CLAWGATE_MODEL=x", "CLAWGATE_GATEWAY_API_KEYS=x",
	}, "CLAWGATE_MODEL")
	if err == nil {
		t.Fatal("no error")
	}
	var named []string
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		named = append(named, strings.ReplaceAll(name, "CLAWGATE_GATEWAY_", ""))
	}
	want := "SIDECARS API_KEYS UI CLAWGATE_LOG_FORMAT B LISTEN, ADMIN_LISTEN"
	if got := strings.Join(named, " "); got != want {
		t.Errorf("reported %s, want %s", got, want)
	}
}

func TestOtherRolesAndKubernetesVariablesPass(t *testing.T) {
	if _, err := config.Load([]string{
		"CLAWGATE_ADMIN_TOKEN_FILE=/x", "CLAWGATE_GATEWAY_PORT=tcp://10.0.0.8:8080",
		"CLAWGATE_GATEWAY_SERVICE_HOST=10.0.0.8", "CLAWGATE_GATEWAY_PORT_8080_TCP_ADDR=10.0.0.8",
	}, "CLAWGATE_ADMIN_TOKEN_FILE"); err != nil {
		t.Error(err)
	}
}

func TestKeysComeFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("laptop:"+key+"\r\nci:"+key+"2\r\n\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS_FILE=" + file})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range c.APIKeys.List() {
		got = append(got, k.Name+"="+k.Key.Reveal())
	}
	if want := "laptop=" + key + " ci=" + key + "2"; strings.Join(got, " ") != want {
		t.Errorf("the keys are %q, want %q", got, want)
	}
	_, err = config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS_FILE=" + file + ".none"})
	if err == nil || !strings.Contains(err.Error(), "cannot read the file of CLAWGATE_GATEWAY_API_KEYS_FILE") {
		t.Errorf("a file that does not exist gives %v", err)
	}
}

func TestThereAreMoreConnectionsThanRequests(t *testing.T) {
	for requests, right := range map[string]bool{"0": true, "99": true, "100": false, "101": false} {
		_, err := config.Load([]string{"CLAWGATE_GATEWAY_MAX_CONNECTIONS=100", "CLAWGATE_GATEWAY_MAX_REQUESTS=" + requests})
		if (err == nil) != right || err != nil && !strings.Contains(err.Error(), "CLAWGATE_GATEWAY_MAX_CONNECTIONS, CLAWGATE_GATEWAY_MAX_REQUESTS: there must be more connections than requests") {
			t.Errorf("%s requests: %v", requests, err)
		}
	}
}

func TestTheBasePathHasNoSlashAtItsEnd(t *testing.T) {
	for text, want := range map[string]string{"/ollama": "/ollama", "/ollama/": "/ollama", "/a/b-c_d.e~f/": "/a/b-c_d.e~f", "/api/ollama": "/api/ollama", "/keys": "/keys", "": ""} {
		if c, err := config.Load([]string{"CLAWGATE_GATEWAY_BASE_PATH=" + text}); err != nil || c.BasePath.String() != want {
			t.Errorf("%q is %q: %v", text, c.BasePath, err)
		}
	}
}
