package ollama

import (
	"math"
	"os"
	"regexp"
	"testing"
	"time"
)

func TestTheServersSettingsAreReadAsItReadsThem(t *testing.T) {
	for _, c := range []struct {
		text     string
		slots    int
		readable bool
	}{
		{"", 1, true}, {"4", 4, true}, {`"4"`, 4, true}, {"'4'", 4, true}, {` "4" `, 4, true}, {`"4`, 4, true}, {"4\r", 4, true}, {`""4""`, 4, true},
		{"0", 1, true}, {"-1", 1, false}, {"+4", 1, false}, {"four", 1, false}, {"4.0", 1, false}, {`" 4 "`, 1, false}, {"99999999999999999999", 1, false},
	} {
		if slots, readable := (Settings{SlotsSetting: c.text}).Slots(); slots != c.slots || readable != c.readable {
			t.Errorf("%q is %d slots, readable %v", c.text, slots, readable)
		}
	}
	for _, c := range []struct {
		text     string
		want     time.Duration
		readable bool
	}{
		{"", time.Hour, true}, {"30m", 30 * time.Minute, true}, {`"30m"`, 30 * time.Minute, true}, {"'300'", 5 * time.Minute, true}, {"0", 0, true},
		{"-1", -time.Second, true}, {"-1m", -time.Minute, true}, {"1h30", time.Hour, false}, {"99999999999", math.MaxInt64, true}, {"-99999999999", -time.Second, true},
	} {
		if got, readable := (Settings{KeepAliveSetting: c.text}).Duration(KeepAliveSetting, time.Hour); got != c.want || readable != c.readable {
			t.Errorf("%q is %v, readable %v", c.text, got, readable)
		}
	}
}

func TestOnlyTheSettingsThatAreReadAreTaken(t *testing.T) {
	environment := map[string]string{"HF_TOKEN": "secret", "OLLAMA_API_KEY": "secret", "OLLAMA_DEBUG": "1", "ollama_host": "x"}
	if got := SettingsOf(environment); got == nil || len(got) > 0 {
		t.Errorf("took %v of what nobody reads", got)
	}
	source, err := os.ReadFile("settings.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\t\w+Setting += "(\w+)"`).FindAllSubmatch(source, -1)
	if len(constants) < 6 {
		t.Fatalf("the source has the settings %q", constants)
	}
	for _, c := range constants {
		environment[string(c[1])] = "set"
	}
	if got := SettingsOf(environment); len(got) != len(constants) {
		t.Errorf("took %v of %q", got, constants)
	}
}

func TestNamesThatOllamaCallsInvalid(t *testing.T) {
	long := string(make([]byte, 0, 100))
	for range 81 {
		long += "x"
	}
	for name, want := range map[string]string{
		"qwen3": "", "qwen3:32b": "", "Qwen3.5_x-y:32B-q4_K_M": "", "library/qwen3": "", "hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M": "",
		"registry.example.com:5000/me/qwen3:32b": "", "https://hf.co/a/b:c": "", "gpt-oss:20b:cloud": "", "qwen3:local": "", " qwen3 ": "", "_x": "",
		"":               "the part for the model is empty",
		":32b":           "the part for the model is empty",
		"qwen3:":         "the part for the tag is empty",
		"a/":             "the part for the model is empty",
		`"qwen3:32b"`:    `the part for the model holds '"' (U+0022)`,
		"qwen3:32b#x":    "the part for the tag holds '#' (U+0023)",
		"qwen3:32b, x":   "the part for the tag holds ',' (U+002C)",
		"qwen\u00a03":    `the part for the model holds '\u00a0' (U+00A0)`,
		"qwen3:-x":       "the part for the tag begins with '-'",
		".qwen3":         "the part for the model begins with '.'",
		"me.too/qwen3":   "the part for the namespace holds '.' (U+002E)",
		"a/b/c/qwen3":    "the part for the host holds '/' (U+002F)",
		long:             "the part for the model has more than 80 bytes",
		"http://x/qwen3": "the part for the host holds '/' (U+002F)",
	} {
		err := CheckName(name)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", name, err)
		case want != "" && (err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want):
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}
