package ollama

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// capped is the body as Ollama gets it.
func capped(route Route, body string, most int) string {
	insertion := PeekBody(route, []byte(body)).Cap(most)
	read, err := io.ReadAll(insertion.Into(io.NopCloser(strings.NewReader(body))))
	if err != nil {
		panic(err) // of a string
	}
	return string(read)
}

func TestCapBoundsWhatIsUnboundedOrTooLarge(t *testing.T) {
	const num = `,"options":{"num_predict":100}`
	for path, bodies := range map[string]map[string]string{
		"/api/chat": {
			`{"model":"m","messages":[{}]}`:                                                               `{"model":"m","messages":[{}]` + num + `}`,
			` {"model":"m","messages":[{}] } `:                                                            ` {"model":"m","messages":[{}] ` + num + `} `,
			`{"model":"m","messages":[{}],"options":{}}`:                                                  `{"model":"m","messages":[{}],"options":{}` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":101}}`:                                 `{"model":"m","messages":[{}],"options":{"num_predict":101}` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":-1}}`:                                  `{"model":"m","messages":[{}],"options":{"num_predict":-1}` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":0}}`:                                   `{"model":"m","messages":[{}],"options":{"num_predict":0}` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":0.9}}`:                                 `{"model":"m","messages":[{}],"options":{"num_predict":0.9}` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":1e300}}`:                               `{"model":"m","messages":[{}],"options":{"num_predict":1e300}` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":null}}`:                                `{"model":"m","messages":[{}],"options":{"num_predict":null}` + num + `}`,
			`{"model":"m","messages":[{}],"options":null}`:                                                `{"model":"m","messages":[{}],"options":null` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":5},"options":null}`:                    `{"model":"m","messages":[{}],"options":{"num_predict":5},"options":null` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":5,"num_predict":-1}}`:                  `{"model":"m","messages":[{}],"options":{"num_predict":5,"num_predict":-1}` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"NUM_PREDICT":5}}`:                                   `{"model":"m","messages":[{}],"options":{"NUM_PREDICT":5}` + num + `}`,
			`{"model":"m","messages":[{}]} and more`:                                                      `{"model":"m","messages":[{}]` + num + `} and more`,
			`{"model":"m","messages":[{}],"n":12345678901234567890,"x":"\u00e9"}`:                         `{"model":"m","messages":[{}],"n":12345678901234567890,"x":"\u00e9"` + num + `}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":100}}`:                                 "",
			`{"model":"m","messages":[{}],"options":{"num_predict":1}}`:                                   "",
			`{"model":"m","messages":[{}],"options":{"num_predict":5.7}}`:                                 "",
			`{"model":"m","messages":[{}],"OptionS":{"num\u005fpredict":5}}`:                              "",
			`{"model":"m","messages":[{}],"options":{"num_predict":5},"options":{"seed":1}}`:              "",
			`{"model":"m","messages":[{}],"options":{"num_predict":-1},"o\u0070tions":{"num_predict":5}}`: "",
			`{"model":"m","messages":[]}`:                                                                 "", // a load
			`{"messages":[{}]}`:                                                                           "", // Ollama refuses it
			`{"model":"m","messages":[{}]`:                                                                "",
			`{"model":"m","messages":[{}],"options":{"num_predict":"5"}}`:                                 "",
			`["model"]`: "",
			`null`:      "",
			``:          "",
		},
		"/api/generate": {
			`{"model":"m","prompt":"x","max_tokens":5}`: `{"model":"m","prompt":"x","max_tokens":5` + num + `}`,
			`{"model":"m","prompt":"","keep_alive":0}`:  "",
		},
		"/v1/chat/completions": {
			`{"model":"m","messages":[{}]}`:                                             `{"model":"m","messages":[{}],"max_tokens":100}`,
			`{"model":"m","messages":[{}],"options":{"num_predict":5}}`:                 `{"model":"m","messages":[{}],"options":{"num_predict":5},"max_tokens":100}`,
			`{"model":"m","messages":[{}],"MAX_Tokens":200}`:                            `{"model":"m","messages":[{}],"MAX_Tokens":200,"max_tokens":100}`,
			`{"model":"m","messages":[{}],"max_tokens":5,"max_tokens":null}`:            `{"model":"m","messages":[{}],"max_tokens":5,"max_tokens":null,"max_tokens":100}`,
			`{"model":"m","messages":[{}],"max_completion_tokens":50}`:                  `{"model":"m","messages":[{}],"max_completion_tokens":50,"max_tokens":50}`,
			`{"model":"m","messages":[{}],"max_completion_tokens":500,"max_tokens":5}`:  `{"model":"m","messages":[{}],"max_completion_tokens":500,"max_tokens":5,"max_completion_tokens":5}`,
			`{"model":"m","messages":[{}],"max_completion_tokens":-1,"max_tokens":-1}`:  `{"model":"m","messages":[{}],"max_completion_tokens":-1,"max_tokens":-1,"max_tokens":100,"max_completion_tokens":100}`,
			`{"model":"m","messages":[{}],"max_completion_tokens":"5"}`:                 `{"model":"m","messages":[{}],"max_completion_tokens":"5","max_tokens":100}`,
			`{"model":"m","messages":[{}],"max_tokens":"5"}`:                            "",
			`{"model":"m","messages":[{}],"max_tokens":100}`:                            "",
			`{"model":"m","messages":[{}],"max_tokens":500,"Max_Tokens":7}`:             "",
			`{"model":"m","messages":[{}],"max_tokens":7,"max_completion_tokens":null}`: "",
		},
		"/v1/completions":   {`{"model":"m","prompt":"x"}`: `{"model":"m","prompt":"x","max_tokens":100}`},
		"/v1/messages":      {`{"model":"m","max_tokens":9999}`: `{"model":"m","max_tokens":9999,"max_tokens":100}`},
		"/v1/responses":     {`{"model":"m","input":"x"}`: `{"model":"m","input":"x","max_output_tokens":100}`},
		"/v1/embeddings":    {`{"model":"m","input":"x"}`: ""},
		"/api/embed":        {`{"model":"m","input":"x"}`: ""},
		"/v1/something/new": {`{"model":"m"}`: ""},
	} {
		for body, want := range bodies {
			if want == "" {
				want = body
			}
			if got := capped(RouteOf("POST", path), body, 100); got != want {
				t.Errorf("%s %s\ngot  %s\nwant %s", path, body, got, want)
			}
		}
	}
}

func TestALongOptionThatIsNotReadIsCapped(t *testing.T) {
	body := `{"model":"m","prompt":"x","options":{"num_predict":5},"options":{"num_predict":-1,"stop":"` + strings.Repeat("x", longest) + `"}}`
	if got := capped(RouteOf("POST", "/api/generate"), body, 100); !strings.HasSuffix(got, `,"options":{"num_predict":100}}`) {
		t.Errorf("ends with %s", got[len(got)-50:])
	}
}

func TestABodyThatWasNotReadWholeIsNotCapped(t *testing.T) {
	peek := PeekPrefix(RouteOf("POST", "/api/chat"), []byte(`{"model":"m","messages":[{}]}`))
	if got := peek.Cap(100); got.At != 0 || got.Text != "" || peek.MustSpeak {
		t.Errorf("%+v, must speak %v", got, peek.MustSpeak)
	}
}

func TestWhoMustSpeak(t *testing.T) {
	for call, want := range map[string]bool{
		`/api/chat {"model":"m","messages":[{}]}`:                                      true,
		`/api/chat {"model":"m","messages":[{}],"options":{"num_predict":-1}}`:         true,
		`/api/chat {"model":"m","messages":[{}],"options":{"num_predict":2}}`:          true,
		`/api/generate {"model":"m","prompt":"x","raw":false,"template":""}`:           true,
		`/v1/chat/completions {"model":"m","messages":[{}]}`:                           true,
		`/v1/completions {"model":"m","prompt":"x"}`:                                   true,
		`/v1/messages {"model":"m","messages":[{}],"max_tokens":100}`:                  true,
		`/v1/responses {"model":"m","input":"x"}`:                                      true,
		`/api/chat {"model":"m","messages":[{}],"options":{"num_predict":1}}`:          false,
		`/api/chat {"model":"m","messages":[{}],"options":{"num_predict":0}}`:          false,
		`/v1/chat/completions {"model":"m","messages":[{}],"max_completion_tokens":1}`: false,
		`/v1/chat/completions {"model":"m","messages":[{}],"max_tokens":0}`:            false,
		`/api/generate {"model":"m","prompt":"x","raw":true}`:                          false,
		`/api/generate {"model":"m","prompt":"x","template":"t"}`:                      false,
		`/v1/completions {"model":"m","prompt":"x","suffix":"y"}`:                      false,
		`/v1/completions {"model":"m","prompt":""}`:                                    false,
		`/api/generate {"model":"m","prompt":""}`:                                      false,
		`/api/embed {"model":"m","input":"x"}`:                                         false,
		`/v1/embeddings {"model":"m","input":"x"}`:                                     false,
		`/v1/other {"model":"m","prompt":"x"}`:                                         false,
	} {
		path, body, _ := strings.Cut(call, " ")
		if got := PeekBody(RouteOf("POST", path), []byte(body)).MustSpeak; got != want {
			t.Errorf("%s: %v", call, got)
		}
	}
}

func TestCapTakesNoMemoryForALargeBody(t *testing.T) {
	const size = 1 << 20
	body := []byte(`{"model":"m","prompt":"` + strings.Repeat("x", size) + `"}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := PeekBody(RouteOf("POST", "/api/generate"), body).Cap(100)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > size/4 || got.At != len(body)-1 || got.Text == "" {
		t.Errorf("%d bytes, %+v", used, got)
	}
}

// FuzzCap reads what comes out as Ollama does.
func FuzzCap(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","prompt":"x"}`, `{"model":"m","prompt":"x","options":{"num_predict":500}} x`, `{"model":"m","prompt":"x","OPTIONS":null,"options":{"num_predict":1e3}}`,
		`{"model":"m","prompt":"x","max_tokens":7,"Max_Tokens":null}`, "\xef\xbb\xbf{}", `{"model":"m","prompt":"}"}`, `{"model":"m","max_tokens":-5}`,
		`{"model":" ","prompt":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/api/generate", "/v1/completions"} {
			out := []byte(capped(RouteOf("POST", path), string(body), 100))
			was, wasErr := readAsOllama(path, body)
			is, isErr := readAsOllama(path, out)
			switch {
			case wasErr != nil:
				if isErr == nil {
					t.Errorf("%s: %q was refused and %q is not", path, body, out)
				}
			case isErr != nil:
				t.Errorf("%s: %q is refused: %v", path, out, isErr)
			case is.rest != was.rest:
				t.Errorf("%s: %q became %q", path, body, out)
			case was.works && (is.bound < 1 || is.bound > 100):
				t.Errorf("%s: %q is bounded by %d", path, out, is.bound)
			case was.bound >= 1 && was.bound <= 100 && is.bound != was.bound:
				t.Errorf("%s: %q bounds by %d", path, out, is.bound)
			}
		}
	})
}

type asRead struct {
	works bool   // a model is named and asked for text
	bound int    // of the tokens, 0 for none
	rest  string // all else
}

func readAsOllama(path string, body []byte) (read asRead, err error) {
	var request struct {
		Model     string         `json:"model"`
		Prompt    string         `json:"prompt"`
		Options   map[string]any `json:"options"`
		MaxTokens *int           `json:"max_tokens"`
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&request); err != nil {
		return read, err
	}
	native := path == "/api/generate"
	read.works = strings.TrimSpace(request.Model) != "" && len(request.Model) < 350 && (request.Prompt != "" || !native)
	if native {
		switch number := request.Options["num_predict"].(type) {
		case nil:
		case float64:
			read.bound = int(min(number, 1e9))
		default:
			return read, fmt.Errorf("num_predict is %T", number)
		}
		delete(request.Options, "num_predict")
	} else if request.MaxTokens != nil {
		read.bound = *request.MaxTokens
	}
	left, _ := json.Marshal(request.Options) // it was read from JSON
	if len(request.Options) == 0 {
		left = nil
	}
	read.rest = request.Model + "|" + request.Prompt + "|" + string(left)
	return read, nil
}
