package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/gateway/config"
)

const key = "hunter2-0123456789"

func TestMistakesInKeysAreSaidWithoutTheKeys(t *testing.T) {
	const (
		text  = "the key must be printable ASCII characters without white space, and holds "
		short = "the key must be at least 16 characters long; `openssl rand -hex 32` makes a good one"
		name  = "the name must be 1 to 64 letters, digits, _ . or - and begin with a letter or digit"
	)
	for _, test := range []struct{ keys, want string }{
		{key, "entry 1: is not name:key"},
		{"laptop:", "entry 1: is not name:key"},
		{" , \n", "holds no key; give name:key, or leave it empty to be open to everyone"},
		{"laptop:hunter2", "entry 1: " + short},
		{"laptop:hunter2 0123456789", "entry 1: " + text + "a space"},
		{"laptop:hunter2-0123456789é", "entry 1: " + text + "one that is not ASCII"},
		{"laptop:" + key + "\rphone:" + key, "entry 1: " + text + "a carriage return, as Windows ends lines"},
		{"laptop:" + key + "\u200b", "entry 1: " + text + "one that cannot be seen (U+200B)"},
		{"laptop:" + key + " # old", "entry 1: " + text + "a space"},
		{`"laptop:` + key + `"`, "entry 1: begins with a quotation mark; quotes are not taken off keys, remove them"},
		{"# old: a:" + key + ", b:" + key, "holds no key; give name:key, or leave it empty to be open to everyone"},
		{"my laptop:" + key, "entry 1: " + name},
		{".x:" + key, "entry 1: " + name},
		{strings.Repeat("x", 65) + ":" + key, "entry 1: " + name},
		{"a:" + key + ",a:" + key + "2", "entry 2: the name is taken by an entry before; names must be unique"},
		{"a:" + key + "\nb:" + key, "entry 2: the key is that of an entry before; give every name its own"},
		{key + ":laptop\n" + key + ",:" + key, "entry 1: " + short + "; entry 2: is not name:key; entry 3: " + name},
	} {
		_, err := config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS=" + test.keys})
		if want := "CLAWGATE_GATEWAY_API_KEYS: " + test.want; err == nil || err.Error() != want {
			t.Errorf("%q gives\n%v\nwant\n%s", test.keys, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows the key: %v", test.keys, err)
		}
	}
}

func TestKeysAreReadInTheirOrder(t *testing.T) {
	var keys config.Keys
	if err := keys.UnmarshalText([]byte("b:" + key + ", a_1.x-:~!:0123456789abcdef\n")); err != nil {
		t.Fatal(err)
	}
	list := keys.List()
	if len(list) != 2 || list[0].Name != "b" || list[1].Name != "a_1.x-" || list[1].Key.Reveal() != "~!:0123456789abcdef" {
		t.Errorf("the keys are %q", list)
	}
}

func TestWhatAnEditorAddsToKeysIsNoKey(t *testing.T) {
	const want = "a:" + key + " b:" + key + "2"
	for name, content := range map[string]string{
		"lines":                          "a:" + key + "\nb:" + key + "2\n",
		"as Windows ends them":           "a:" + key + "\r\nb:" + key + "2\r\n\r\n",
		"a byte order mark":              "\ufeffa:" + key + "\nb:" + key + "2",
		"two files, one after the other": "a:" + key + "\n\ufeffb:" + key + "2",
		"comments":                       "# old: x:KEY1-0123456789abc, y:KEY2-0123456789abc\na:" + key + "\n  #z:" + key + "3\n\ufeff# w:" + key + "4\nb:" + key + "2\n#",
		"commas and blanks":              " a:" + key + " ,\t b:" + key + "2 ,\n,\n",
	} {
		file := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, set := range []string{"CLAWGATE_GATEWAY_API_KEYS_FILE=" + file, "CLAWGATE_GATEWAY_API_KEYS=" + content} {
			c, err := config.Load([]string{set})
			got := []string{}
			for _, k := range c.APIKeys.List() {
				got = append(got, k.Name+":"+k.Key.Reveal())
			}
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("%s: %q %v", name, got, err)
			}
		}
	}
}

func TestKeysAreNeverShown(t *testing.T) {
	c, err := config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS=laptop:" + key})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "config", c, "keys", c.APIKeys, "list", c.APIKeys.List())
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "config", c, "keys", c.APIKeys, "list", c.APIKeys.List())
	encoded, err := json.Marshal([]any{c, c.APIKeys.List()})
	if err != nil {
		t.Fatal(err)
	}
	hidden := struct {
		c config.Config
		k config.Keys
		l []config.Key
	}{c, c.APIKeys, c.APIKeys.List()}
	shown := map[string]string{"log": log.String(), "JSON": string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown[verb] = fmt.Sprintf(strings.Repeat(verb+" ", 4), c, c.APIKeys, c.APIKeys.List(), hidden)
	}
	for how, text := range shown {
		if strings.Contains(text, key) || strings.Contains(text, fmt.Sprintf("%x", key)) {
			t.Errorf("%s shows the key: %s", how, text)
		}
	}
}

func TestAKeyWithASlashIsNotForAPath(t *testing.T) {
	const inPath = "CLAWGATE_GATEWAY_KEY_IN_PATH=true"
	_, err := config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS=a:" + key + ",b:hunter2/0123456789", inPath})
	if want := "CLAWGATE_GATEWAY_API_KEYS, CLAWGATE_GATEWAY_KEY_IN_PATH: the key of entry 2 has a slash, which ends it in a path: give it one without"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS=b:hunter2/0123456789"}); err != nil {
		t.Error(err)
	}
	if _, err := config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS=a:" + key, inPath}); err != nil {
		t.Error(err)
	}
	if _, err := config.Load([]string{"CLAWGATE_GATEWAY_API_KEYS=" + key, inPath}); err == nil || strings.Contains(err.Error(), "KEY_IN_PATH") {
		t.Errorf("a mistake in the keys is not one of KEY_IN_PATH: %v", err)
	}
}
