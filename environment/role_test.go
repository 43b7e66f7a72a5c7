package environment_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/environment"
)

type settings struct {
	Name     string             `split_words:"true" default:"a" desc:"A name, a|b"`
	APIURL   *url.URL           `split_words:"true" default:"http://a:1" desc:"Where"`
	Pattern  *regexp.Regexp     `split_words:"true" rule:"empty" desc:"What matches"`
	Interval time.Duration      `split_words:"true" default:"5s" rule:"interval" desc:"How often"`
	Password environment.Secret `split_words:"true" secret:"true" rule:"empty" desc:"A password"`
	LogLevel string             `split_words:"true" shared:"true" default:"info" desc:"Both roles'"`
}

var role = environment.Role[settings]{
	Prefix: "CLAWGATE_THING",
	Contradictions: func(s settings) []environment.Contradiction {
		return []environment.Contradiction{
			environment.Wrong(s.Name == "never", "NAME INTERVAL", "do not go together"),
			environment.Wrong(s.Password.Reveal() == "short", "PASSWORD", "is too short"),
		}
	},
}

func TestSharedVariableLacksTheRole(t *testing.T) {
	want := []string{
		"CLAWGATE_THING_NAME", "CLAWGATE_THING_APIURL", "CLAWGATE_THING_PATTERN", "CLAWGATE_THING_INTERVAL",
		"CLAWGATE_THING_PASSWORD", "CLAWGATE_LOG_LEVEL", "CLAWGATE_THING_PASSWORD_FILE",
	}
	if got := role.Variables(); !slices.Equal(got, want) {
		t.Errorf("the variables are %q, want %q", got, want)
	}
	s, err := role.Load([]string{"CLAWGATE_LOG_LEVEL=debug"}, nil)
	if err != nil || s.LogLevel != "debug" {
		t.Errorf("the shared variable is %q: %v", s.LogLevel, err)
	}
}

func TestProcessesOwnEnvironmentIsNotRead(t *testing.T) {
	for _, name := range []string{"NAME", "CLAWGATE_THING_NAME", "CLAWGATE_NAME"} {
		t.Setenv(name, "b")
	}
	if s := role.Default(); s.Name != "a" || s.Pattern != nil {
		t.Errorf("an empty environment gives %+v", s)
	}
}

func TestMistakesStandOnALineEach(t *testing.T) {
	for _, test := range []struct{ environ, want string }{
		{"CLAWGATE_THING_APIURL=://hunter2", "CLAWGATE_THING_APIURL: must be an http or https URL of a host alone, such as http://a:1"},
		{"CLAWGATE_THING_NAME=never", "CLAWGATE_THING_NAME, CLAWGATE_THING_INTERVAL: do not go together"},
		{"CLAWGATE_THING_NAME=never CLAWGATE_THING_INTERVAL=1ms", "CLAWGATE_THING_INTERVAL: must be at least 100ms"},
		{"CLAWGATE_THING_PASSWORD=short CLAWGATE_X=hunter2", "CLAWGATE_X: no such variable; `clawgate env` lists all\nCLAWGATE_THING_PASSWORD: is too short"},
		{"CLAWGATE_OTHRE=x", "CLAWGATE_OTHRE: no such variable; did you mean CLAWGATE_OTHER?"},
		{"CLAWGATE_NOTIFY_URLS=x", "CLAWGATE_NOTIFY_URLS: is not supported by this version; remove it"},
	} {
		_, err := role.Load(strings.Fields(test.environ), []string{"CLAWGATE_OTHER"})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s gives\n%v\nwant\n%s", test.environ, err, test.want)
		}
	}
}

func TestWhatOthersSetPasses(t *testing.T) {
	environ := []string{"PATH=/bin", "CLAWGATE_OTHER=x", "CLAWGATE_THING_PORT=tcp://10.0.0.7:1", "CLAWGATE_SERVICE_HOST=10.0.0.7", "no variable"}
	if _, err := role.Load(environ, []string{"CLAWGATE_OTHER"}); err != nil {
		t.Error(err)
	}
}

func TestSecretComesFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(" s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := role.Load([]string{"CLAWGATE_THING_PASSWORD_FILE=" + file}, nil)
	if err != nil || s.Password.Reveal() != "s3cret" {
		t.Errorf("the secret is %q: %v", s.Password.Reveal(), err)
	}
}

func TestTableEscapesItsBars(t *testing.T) {
	var table strings.Builder
	if err := role.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"| `CLAWGATE_THING_NAME` | `a` | A name, a\\|b |\n", "| `CLAWGATE_LOG_LEVEL` | `info` | Both roles' |\n", "| empty | A password |"} {
		if !strings.Contains(table.String(), row) {
			t.Errorf("the table lacks %q:\n%s", row, table.String())
		}
	}
}

func TestAddressesAndURLs(t *testing.T) {
	for address, want := range map[string]bool{":80": true, "127.0.0.1:80": true, "[::1]:80": true, "80": false, ":http": false, ":99999": false, "": false} {
		if got := environment.IsAddress(address); got != want {
			t.Errorf("%q is an address: %v", address, got)
		}
	}
	for text, want := range map[string]bool{
		"http://a": true, "https://a:1/": true, "http://[::1]:1": true, "ftp://a": false, "http://": false, "http://:1": false,
		"http://u@a": false, "http://a/x": false, "http://a?x": false, "http://a#x": false, "http://a:99999": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := environment.IsHostURL(u); got != want {
			t.Errorf("%q is the URL of a host alone: %v", text, got)
		}
	}
	if environment.IsHostURL(nil) {
		t.Error("no URL is one")
	}
}
