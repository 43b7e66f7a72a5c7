package config_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/config"
)

// public pins the names and defaults that people's compose files rely on.
const public = `
CLAWGATE_LISTEN :18789
CLAWGATE_ADMIN_LISTEN :18790
CLAWGATE_OLLAMA_URL http://ollama:11434
CLAWGATE_CONTAINER clawgate-ollama
CLAWGATE_MODEL qwen3:32b
CLAWGATE_MODE heal
CLAWGATE_PULL true
CLAWGATE_KEEP_ALIVE -1
CLAWGATE_OPTIONS {}
CLAWGATE_TCP_INTERVAL 5s
CLAWGATE_API_INTERVAL 10s
CLAWGATE_READY_INTERVAL 30s
CLAWGATE_RECHECK_INTERVAL 5s
CLAWGATE_TCP_TIMEOUT 2s
CLAWGATE_API_TIMEOUT 5s
CLAWGATE_FIRST_CHUNK_TIMEOUT 3s
CLAWGATE_API_PATH /api/tags
CLAWGATE_API_STATUS 200
CLAWGATE_READY_PATH auto
CLAWGATE_READY_PROMPT Say hi.
CLAWGATE_READY_PATTERN
CLAWGATE_FAILURE_THRESHOLD 3
CLAWGATE_SUCCESS_THRESHOLD 1
CLAWGATE_RETRY_AFTER 60s
CLAWGATE_HOLD 0s
CLAWGATE_HOLD_MAX 120s
CLAWGATE_MAX_IN_FLIGHT 0
CLAWGATE_QUEUE_LENGTH 256
CLAWGATE_QUEUE_TIMEOUT 60s
CLAWGATE_MAX_TOKENS 0
CLAWGATE_MAX_CONNECTIONS 0
CLAWGATE_MAX_REQUESTS 0
CLAWGATE_MAX_HEADER_BYTES 16KiB
CLAWGATE_MIN_UPLOAD_RATE 16KiB
CLAWGATE_REPLAY_MAX_BYTES 8MiB
CLAWGATE_BUFFER_MAX_BYTES 256MiB
CLAWGATE_STALL_TIMEOUT 120s
CLAWGATE_DRAIN_TIMEOUT 10m
CLAWGATE_STOP_TIMEOUT 30s
CLAWGATE_SETTLE_DELAY 5s
CLAWGATE_LOAD_TIMEOUT 10m
CLAWGATE_RESTART_BUDGET 3
CLAWGATE_RESTART_WINDOW 1h
CLAWGATE_IDLE_WAIT 30m
CLAWGATE_GPU auto
CLAWGATE_NVML_LIBRARY
CLAWGATE_LEAK_TOLERANCE 512MiB
CLAWGATE_LEAK_WAIT 30s
CLAWGATE_GPU_RESET false
CLAWGATE_STATE_DIR /var/lib/clawgate
CLAWGATE_HEALTH_LOG /var/log/clawgate/health.log
CLAWGATE_ADMIN_TOKEN
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
		{"OLLAMA_URL", c.OllamaURL.String(), "http://ollama:11434"},
		{"MODE", c.Mode, config.Heal},
		{"PULL", c.Pull, true},
		{"KEEP_ALIVE", c.KeepAlive.Forever(), true},
		{"OPTIONS", len(c.Options), 0},
		{"DRAIN_TIMEOUT", c.DrainTimeout, 10 * time.Minute},
		{"READY_PATTERN", c.ReadyPattern == nil, true},
		{"BUFFER_MAX_BYTES", c.BufferMaxBytes, config.Bytes(256 << 20)},
		{"GPU", c.GPU, config.GPUAuto},
		{"ADMIN_TOKEN", c.AdminToken.Reveal(), ""},
		{"LOG_LEVEL", c.LogLevel, slog.LevelInfo},
	} {
		if check.got != check.want {
			t.Errorf("%s is %v, want %v", check.what, check.got, check.want)
		}
	}
}

func TestValuesAreRead(t *testing.T) {
	c, err := config.Load([]string{
		"PATH=/bin", "OLLAMA_HOST=x", "CLAWGATE_MODEL=llama3:8b", "CLAWGATE_MODE=observe", "CLAWGATE_KEEP_ALIVE=300",
		`CLAWGATE_OPTIONS={"num_gpu":40,"num_ctx":4096}`, "CLAWGATE_READY_PATTERN=(?i)h", "CLAWGATE_REPLAY_MAX_BYTES=1.5MB",
		"CLAWGATE_ADMIN_TOKEN=0123456789abcdef", "CLAWGATE_STATE_DIR=", "CLAWGATE_HEALTH_LOG=", "CLAWGATE_LOG_LEVEL=DEBUG",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []struct{ what, got, want any }{
		{"MODEL", c.Model, "llama3:8b"},
		{"MODE", c.Mode, config.Observe},
		{"KEEP_ALIVE", time.Duration(c.KeepAlive), 5 * time.Minute},
		{"OPTIONS", string(c.Options["num_gpu"]), "40"},
		{"READY_PATTERN", c.ReadyPattern.MatchString("HI"), true},
		{"REPLAY_MAX_BYTES", c.ReplayMaxBytes, config.Bytes(3 << 19)},
		{"ADMIN_TOKEN", c.AdminToken.Reveal(), "0123456789abcdef"},
		{"STATE_DIR", c.StateDir, ""},
		{"HEALTH_LOG", c.HealthLog, ""},
		{"LOG_LEVEL", c.LogLevel, slog.LevelDebug},
		{"RESTART_BUDGET", c.RestartBudget, 3},
	} {
		if check.got != check.want {
			t.Errorf("%s is %v, want %v", check.what, check.got, check.want)
		}
	}
}

func TestWhatStandsAroundASettingIsTakenOff(t *testing.T) {
	for _, around := range []string{"%s", `"%s"`, "'%s'", ` "%s" `, "\"%s\"\r", "\ufeff%s\r\n", `"'%s'"`, `" %s "`} {
		environ := []string{}
		for _, set := range []string{
			"MODEL=llama3:8b", "CONTAINER=my-ollama", "MODE=observe", "PULL=false", "TCP_TIMEOUT=3s", "QUEUE_LENGTH=7", "REPLAY_MAX_BYTES=1MiB",
			"OLLAMA_URL=http://box:1", `OPTIONS={"num_gpu":40}`, "READY_PATTERN=(?i)h", "LOG_LEVEL=debug", "ADMIN_HOSTS=a.example,b.example", "STATE_DIR=", "KEEP_ALIVE=300",
		} {
			name, value, _ := strings.Cut(set, "=")
			environ = append(environ, "CLAWGATE_"+name+"="+fmt.Sprintf(around, value))
		}
		c, err := config.Load(environ)
		if err != nil {
			t.Errorf("%q: %v", around, err)
			continue
		}
		got := fmt.Sprint(c.Model, c.Container, c.Mode, c.Pull, c.TCPTimeout, c.QueueLength, c.ReplayMaxBytes, c.OllamaURL, string(c.Options["num_gpu"]),
			c.ReadyPattern, c.LogLevel, c.AdminHosts, c.StateDir, time.Duration(c.KeepAlive))
		if want := "llama3:8bmy-ollamaobservefalse 3s 7 1MiB http://box:140(?i)h DEBUG [a.example b.example]5m0s"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%q: %s\nwant %s", around, got, want)
		}
	}
}

func TestQuotesOfASecretAreItsOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("\ufeff\"0123456789abcdef\"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{`CLAWGATE_ADMIN_TOKEN="0123456789abcdef"`, "CLAWGATE_ADMIN_TOKEN=\"0123456789abcdef\"\r", "CLAWGATE_ADMIN_TOKEN_FILE=" + file, `CLAWGATE_ADMIN_TOKEN_FILE="` + file + `"`} {
		c, err := config.Load([]string{set})
		if err != nil || c.AdminToken.Reveal() != `"0123456789abcdef"` {
			t.Errorf("%s: %q %v", set, c.AdminToken.Reveal(), err)
		}
	}
}

func TestAByteOrderMarkBeforeAVariableIsNotOfItsName(t *testing.T) {
	if c, err := config.Load([]string{"\ufeffCLAWGATE_MODEL=llama3"}); err != nil || c.Model != "llama3" {
		t.Errorf("%q %v", c.Model, err)
	}
}

func TestMistakesAreNamedAndSaidPlainly(t *testing.T) {
	for _, test := range []struct{ set, want string }{
		{"TCP_INTERVAL=5", `CLAWGATE_TCP_INTERVAL: "5" is not a duration such as 500ms, 5s or 2m`},
		{"TCP_INTERVAL=", `CLAWGATE_TCP_INTERVAL: is set but empty; remove it for its default "5s"`},
		{"TCP_INTERVAL=5us", "CLAWGATE_TCP_INTERVAL: must be at least 100ms"},
		{"STALL_TIMEOUT=0s", "CLAWGATE_STALL_TIMEOUT: must be more than 0"},
		{"SETTLE_DELAY=-1s", "CLAWGATE_SETTLE_DELAY: must not be negative"},
		{"FAILURE_THRESHOLD=0", "CLAWGATE_FAILURE_THRESHOLD: must be more than 0"},
		{"FAILURE_THRESHOLD=many", `CLAWGATE_FAILURE_THRESHOLD: "many" is not a whole number`},
		{"MAX_HEADER_BYTES=4095", "CLAWGATE_MAX_HEADER_BYTES: must be 4KiB to 1MiB"},
		{"MAX_HEADER_BYTES=2MiB", "CLAWGATE_MAX_HEADER_BYTES: must be 4KiB to 1MiB"},
		{"MAX_REQUESTS=-1", "CLAWGATE_MAX_REQUESTS: must not be negative"},
		{"MAX_TOKENS=-1", "CLAWGATE_MAX_TOKENS: must not be negative"},
		{"RESTART_BUDGET=-1", "CLAWGATE_RESTART_BUDGET: must not be negative"},
		{"PULL=si", `CLAWGATE_PULL: "si" is not true or false`},
		{"MODE=Heal", `CLAWGATE_MODE: "Heal" is not one of ["heal" "observe"]`},
		{"GPU=yes", `CLAWGATE_GPU: "yes" is not one of ["auto" "required" "off"]`},
		{"LOG_LEVEL=loud", `CLAWGATE_LOG_LEVEL: "loud" is not debug, info, warn or error`},
		{"LOG_FORMAT=xml", `CLAWGATE_LOG_FORMAT: "xml" is not one of ["json" "text"]`},
		{"MODEL=", `CLAWGATE_MODEL: is set but empty; remove it for its default "qwen3:32b"`},
		{"MODEL=a b", `CLAWGATE_MODEL: "a b" is not a model's name: the part for the model holds ' ' (U+0020)`},
		{`MODEL="qwen3:32b`, `CLAWGATE_MODEL: "\"qwen3:32b" is not a model's name: the part for the model holds '"' (U+0022)`},
		{"MODEL=qwen3:32\u200bb", `CLAWGATE_MODEL: "qwen3:32\u200bb" is not a model's name: the part for the tag holds '\u200b' (U+200B)`},
		{"CONTAINER=a/b", `CLAWGATE_CONTAINER: "a/b" is not a container's name: it holds '/'`},
		{"CONTAINER=ollama\u200b", `CLAWGATE_CONTAINER: "ollama\u200b" is not a container's name: it holds one that cannot be seen (U+200B)`},
		{`CONTAINER="ollama`, `CLAWGATE_CONTAINER: "\"ollama" is not a container's name: it holds a quotation mark (")`},
		{`TCP_INTERVAL="5s`, `CLAWGATE_TCP_INTERVAL: "\"5s" is not a duration such as 500ms, 5s or 2m; a quotation mark stands at one end of it`},
		{`PULL=true'`, `CLAWGATE_PULL: "true'" is not true or false; a quotation mark stands at one end of it`},
		{`MODEL=""`, `CLAWGATE_MODEL: is set but empty; remove it for its default "qwen3:32b"`},
		{"ADMIN_TOKEN= ", "CLAWGATE_ADMIN_TOKEN: holds nothing but white space; remove it, or set it"},
		{"OLLAMA_URL=http://“ollama”:11434", "CLAWGATE_OLLAMA_URL: must be an http or https URL of a host alone, such as http://ollama:11434: it holds a quotation mark (“)"},
		{"CONTAINER=4c01db0b339c", `CLAWGATE_CONTAINER: "4c01db0b339c" looks like an ID; give the name, which stays when the container is made again`},
		{"OLLAMA_URL=ollama:11434", "CLAWGATE_OLLAMA_URL: must be an http or https URL of a host alone, such as http://ollama:11434"},
		{"OLLAMA_URL=http://o:1/api", "CLAWGATE_OLLAMA_URL: must be an http or https URL of a host alone, such as http://ollama:11434"},
		{"OLLAMA_URL=http://%zz", "CLAWGATE_OLLAMA_URL: must be an http or https URL of a host alone, such as http://ollama:11434"},
		{"LISTEN=8080", `CLAWGATE_LISTEN: "8080" is not an address such as :18789 or 127.0.0.1:18789`},
		{"LISTEN=:99999", `CLAWGATE_LISTEN: ":99999" is not an address such as :18789 or 127.0.0.1:18789`},
		{"LISTEN=:18790", "CLAWGATE_LISTEN, CLAWGATE_ADMIN_LISTEN: must differ"},
		{"KEEP_ALIVE=long", `CLAWGATE_KEEP_ALIVE: "long" is not a duration such as 5m, a number of seconds, or -1 for ever`},
		{"KEEP_ALIVE=0", "CLAWGATE_KEEP_ALIVE: 0 unloads the model after every answer, so that it is never ready; give a duration such as 5m, or -1 for ever"},
		{"KEEP_ALIVE=500ms", `CLAWGATE_KEEP_ALIVE: "500ms" is gone before the model can be seen loaded, so that it is never ready; give at least 1s, such as 5m, or -1 for ever`},
		{"KEEP_ALIVE=1ns", `CLAWGATE_KEEP_ALIVE: "1ns" is gone before the model can be seen loaded, so that it is never ready; give at least 1s, such as 5m, or -1 for ever`},
		{"ADMIN_TOKEN=0123456789abcde", "CLAWGATE_ADMIN_TOKEN: must be at least 16 characters long; `openssl rand -hex 32` makes a good one"},
		{"ADMIN_TOKEN=0123456789abcdef 0", "CLAWGATE_ADMIN_TOKEN: must be printable ASCII characters without white space, and holds a space"},
		{"OPTIONS=[1]", `CLAWGATE_OPTIONS: "[1]" is not a JSON object such as {"num_gpu":40}`},
		{"OPTIONS={} {}", `CLAWGATE_OPTIONS: "{} {}" is not a JSON object such as {"num_gpu":40}`},
		{"OPTIONS=null", `CLAWGATE_OPTIONS: "null" is not a JSON object such as {"num_gpu":40}`},
		{`OPTIONS={"num_gpu":null}`, `CLAWGATE_OPTIONS: the option "num_gpu" is null; give it a value or leave it out`},
		{"READY_PATTERN=(", "CLAWGATE_READY_PATTERN: not a Go regular expression: missing closing ): `(`"},
		{"READY_PATH=api", `CLAWGATE_READY_PATH: "api" is neither auto nor a path such as /api/chat`},
		{"READY_PATH=Auto", `CLAWGATE_READY_PATH: "Auto" is neither auto nor a path such as /api/chat`},
		{"API_PATH=//evil/x", `CLAWGATE_API_PATH: "//evil/x" is not a path such as /api/tags`},
		{"API_STATUS=20", "CLAWGATE_API_STATUS: 20 is not an HTTP status (100 to 599)"},
		{"REPLAY_MAX_BYTES=big", `CLAWGATE_REPLAY_MAX_BYTES: "big" is not a size such as 8MiB`},
		{"REPLAY_MAX_BYTES=-1", `CLAWGATE_REPLAY_MAX_BYTES: "-1" is not a size such as 8MiB`},
		{"REPLAY_MAX_BYTES=1GiB", "CLAWGATE_REPLAY_MAX_BYTES, CLAWGATE_BUFFER_MAX_BYTES: one body must not be larger than all bodies together"},
		{"RETRY_AFTER=500ms", "CLAWGATE_RETRY_AFTER: must be at least 1s: the header counts whole seconds"},
		{"HOLD=3m", "CLAWGATE_HOLD, CLAWGATE_HOLD_MAX: HOLD must not be longer than HOLD_MAX"},
		{"FIRST_CHUNK_TIMEOUT=30s", "CLAWGATE_FIRST_CHUNK_TIMEOUT, CLAWGATE_READY_INTERVAL: the deadline must be shorter than the interval"},
		{"RECHECK_INTERVAL=31s", "CLAWGATE_RECHECK_INTERVAL, CLAWGATE_READY_INTERVAL: looking again after a failure must not take longer than the ordinary interval"},
		{"TCP_TIMEOUT=6s", "CLAWGATE_TCP_TIMEOUT, CLAWGATE_TCP_INTERVAL: the deadline must not be longer than the interval"},
		{"API_TIMEOUT=11s", "CLAWGATE_API_TIMEOUT, CLAWGATE_API_INTERVAL: the deadline must not be longer than the interval"},
		{"READYINTERVAL=x", "CLAWGATE_READYINTERVAL: no such variable; did you mean CLAWGATE_READY_INTERVAL?"},
		{"ADMIN_TOKN_FILE=x", "CLAWGATE_ADMIN_TOKN_FILE: no such variable; did you mean CLAWGATE_ADMIN_TOKEN_FILE?"},
		{"GATEWAY_ALOW=x", "CLAWGATE_GATEWAY_ALOW: no such variable; did you mean CLAWGATE_GATEWAY_ALLOW?"},
		{"FAVOURITE_COLOUR=x", "CLAWGATE_FAVOURITE_COLOUR: no such variable; `clawgate env` lists all"},
		{"LISTEN_PORT=8080", "CLAWGATE_LISTEN_PORT: no such variable; `clawgate env` lists all"},
		{"NOTIFY_URLS=ntfy://x", "CLAWGATE_NOTIFY_URLS: is not supported by this version; remove it"},
		{"NOTIFY_URLS=x", "CLAWGATE_NOTIFY_URLS: is not supported by this version; remove it"},
	} {
		t.Run(test.set, func(t *testing.T) {
			_, err := config.Load([]string{"CLAWGATE_" + test.set}, "CLAWGATE_GATEWAY_ALLOW")
			if err == nil || err.Error() != test.want {
				t.Errorf("the error is\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	_, err := config.Load([]string{"CLAWGATE_MODE=x", "CLAWGATE_TCP_INTERVAL=x", "CLAWGATE_B=x", "CLAWGATE_A=x", "CLAWGATE_HOLD=1h"})
	if err == nil {
		t.Fatal("no error")
	}
	var named []string
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		named = append(named, name)
	}
	want := "CLAWGATE_MODE CLAWGATE_TCP_INTERVAL CLAWGATE_A CLAWGATE_B CLAWGATE_HOLD, CLAWGATE_HOLD_MAX"
	if got := strings.Join(named, " "); got != want {
		t.Errorf("reported %s, want %s", got, want)
	}
}

func TestOtherRolesAndKubernetesVariablesPass(t *testing.T) {
	_, err := config.Load([]string{
		"CLAWGATE_GATEWAY_LISTEN=:80", "CLAWGATE_GATEWAY_API_KEYS_FILE=/x",
		"CLAWGATE_PORT=tcp://10.0.0.7:18789", "CLAWGATE_SERVICE_HOST=10.0.0.7", "CLAWGATE_SERVICE_PORT=18789",
		"CLAWGATE_SERVICE_PORT_HTTP=18789", "CLAWGATE_PORT_18789_TCP=tcp://10.0.0.7:18789",
		"CLAWGATE_PORT_18789_TCP_ADDR=10.0.0.7", "CLAWGATE_SIDECAR_PORT_18789_TCP_PROTO=tcp",
		"CLAWGATE_GATEWAY_PORT=tcp://10.0.0.8:8080",
	}, "CLAWGATE_GATEWAY_LISTEN", "CLAWGATE_GATEWAY_API_KEYS_FILE")
	if err != nil {
		t.Error(err)
	}
}

func TestSecretComesFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	empty := filepath.Join(t.TempDir(), "empty")
	for name, content := range map[string]string{file: "\ufeff0123456789abcdef\r\n", empty: "\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load([]string{"CLAWGATE_ADMIN_TOKEN_FILE=" + file})
	if err != nil || c.AdminToken.Reveal() != "0123456789abcdef" {
		t.Errorf("the token is %q (%v), want 0123456789abcdef", c.AdminToken.Reveal(), err)
	}
	for _, test := range []struct{ environ, want string }{
		{"CLAWGATE_ADMIN_TOKEN_FILE=" + file + ".none", "cannot read the file of CLAWGATE_ADMIN_TOKEN_FILE"},
		{"CLAWGATE_ADMIN_TOKEN_FILE=" + empty, "is empty"},
		{"CLAWGATE_ADMIN_TOKEN_FILE=", "CLAWGATE_ADMIN_TOKEN_FILE is set but empty"},
		{"CLAWGATE_ADMIN_TOKEN=x CLAWGATE_ADMIN_TOKEN_FILE=" + file, "is set together with CLAWGATE_ADMIN_TOKEN_FILE"},
	} {
		_, err := config.Load(strings.Split(test.environ, " "))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %q in it", test.environ, err, test.want)
		}
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	const token = "hunter2-0123456789"
	c, err := config.Load([]string{"CLAWGATE_ADMIN_TOKEN=" + token})
	if err != nil {
		t.Fatal(err)
	}
	_, mistake := config.Load([]string{"CLAWGATE_ADMIN_TOKEN=" + token + " " + token})
	if mistake == nil {
		t.Fatal("a token with white space was accepted")
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "config", c, "token", c.AdminToken)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	hidden := struct{ c config.Config }{c}
	for how, text := range map[string]string{
		"error": mistake.Error(), "log": log.String(), "JSON": string(encoded),
		"%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c),
		"%x": fmt.Sprintf("%x", c.AdminToken), "unexported": fmt.Sprintf("%+v", hidden),
	} {
		if strings.Contains(text, token) || strings.Contains(text, fmt.Sprintf("%x", token)) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
}

func TestKeepAliveIsWrittenAsOllamaReadsIt(t *testing.T) {
	for text, want := range map[string]string{"-1": "-1", "-5m": "-1", "-10ms": "-1", "1s": `"1s"`, "1": `"1s"`, "300": `"5m0s"`, "90s": `"1m30s"`} {
		var k config.KeepAlive
		if err := k.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(k); err != nil || string(got) != want {
			t.Errorf("%s is written %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestThePathOfTheReadinessProbe(t *testing.T) {
	const contradicts = "CLAWGATE_READY_PATTERN, CLAWGATE_READY_PATH: an embedding has no text that a pattern could match"
	for path, wrong := range map[string]string{
		"auto": "", "/api/chat": "", "/api/generate": "", "/v1/chat/completions": "",
		"/api/embed": contradicts, "/api/embeddings": contradicts, "/v1/embeddings": contradicts,
	} {
		set := []string{"CLAWGATE_READY_PATH=" + path}
		if c, err := config.Load(set); err != nil || c.ReadyPath != path {
			t.Errorf("%s is %q, error %v", path, c.ReadyPath, err)
		}
		if _, err := config.Load(append(set, "CLAWGATE_READY_PATTERN=x")); fmt.Sprint(err) != cmp.Or(wrong, "<nil>") {
			t.Errorf("%s with a pattern: %v, want %q", path, err, wrong)
		}
	}
}
