package policy

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestPinTakesOutWhatReloadsTheModel(t *testing.T) {
	all := Removal{KeepAlive: true, Runner: true}
	for body, want := range map[string]string{
		`{"keep_alive":0}`:                                              `{}`,
		`{"model":"m","keep_alive":0}`:                                  `{"model":"m"}`,
		`{"keep_alive":0,"model":"m"}`:                                  `{"model":"m"}`,
		`{"a":1 , "keep\u005falive":0 , "b":2}`:                         `{"a":1 , "b":2}`,
		`{"keep_alive":0,"Keep_Alive":1,"a":1,"KEEP_ALIVE":2}`:          `{"a":1}`,
		`{ "keep_alive":0, "keep_alive":1 }`:                            `{  }`,
		`{"options":{"num_ctx":1,"top_k":2,"NUM_GPU":3}}`:               `{"options":{"top_k":2}}`,
		`{"options":{"num_ctx":1}}`:                                     `{"options":{}}`,
		`{"OPTIONS":{"num_ctx":1},"options":{"u\u0073e_mmap":false}}`:   `{"OPTIONS":{},"options":{}}`,
		"{\"option\u017f\":{\"u\u017fe_mloc\u212a\":true},\"a\":1}":     "{\"option\u017f\":{},\"a\":1}",
		`{"keep_alive":0,"options":{"seed":1,"numa":true},"shift":0}`:   `{"options":{"seed":1}}`,
		`{"n":12345678901234567890,"keep_alive":0,"s":"\u00e9"}`:        `{"n":12345678901234567890,"s":"\u00e9"}`,
		`{"keep_alive":0} trailing`:                                     `{} trailing`,
		`{"keep_alive":0}{"keep_alive":0}`:                              `{}{"keep_alive":0}`,
		`{"num_ctx":1,"prompt":"keep_alive"}`:                           `{"num_ctx":1,"prompt":"keep_alive"}`,
		`{"a":{"options":{"num_ctx":1}}}`:                               `{"a":{"options":{"num_ctx":1}}}`,
		`{"keep_alive":"` + strings.Repeat("0", 2000) + `1s"}`:          `{}`,
		`{"Shift":false,"model":"m","shift":true}`:                      `{"model":"m"}`,
		`{"options":{"draft_num_predict":4,"anything_new":1,"seed":1}}`: `{"options":{"seed":1}}`,
		`{"options":{"Seed":1,"s\u0065ed":2,"":3}}`:                     `{"options":{"s\u0065ed":2}}`, // Ollama knows an option by its exact name
		`{"options":{"` + strings.Repeat("x", 200) + `":1}}`:            `{"options":{}}`,
		`{"options":"num_ctx"}`:                                         `{"options":"num_ctx"}`,
		`{"options":[{"num_ctx":1}]}`:                                   `{"options":[{"num_ctx":1}]}`,
		`{"keep_alive":bad}`:                                            `{"keep_alive":bad}`,
		`{"keep_alive":0`:                                               `{"keep_alive":0`,
		`[{"keep_alive":0}]`:                                            `[{"keep_alive":0}]`,
		`keep_alive`:                                                    `keep_alive`,
		``:                                                              ``,
	} {
		got, err := all.From([]byte(body))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s (%v), want %s", body, got, err, want)
		}
	}
}

func TestPinLetsAllElsePass(t *testing.T) {
	const body = `{"model":"m","options":{"num_keep":1,"seed":1,"num_predict":1,"stop":["x"],"top_k":1,"top_p":1,"min_p":1,"typical_p":1,"temperature":1,` +
		`"repeat_last_n":1,"repeat_penalty":1,"presence_penalty":1,"frequency_penalty":1,"tfs_z":1,"mirostat":1,"mirostat_tau":1,"mirostat_eta":1,"penalize_newline":true},` +
		`"think":"high","format":"json","tools":[],"template":"t","raw":true,"truncate":true,"dimensions":3,"logprobs":true,"top_logprobs":1,"system":"s","suffix":"s","images":[],"context":[1],"stream":false`
	for _, r := range []Removal{{KeepAlive: true, Runner: true}, {Runner: true}, {KeepAlive: true}, {}} {
		want := body + `}`
		if !r.KeepAlive {
			want = body + `,"keep_alive":0}`
		}
		if got, err := r.From([]byte(body + `,"keep_alive":0}`)); err != nil || string(got) != want {
			t.Errorf("%+v: %s (%v)", r, got, err)
		}
	}
}

func TestOneRemovalTakesNothingOfTheOther(t *testing.T) {
	const body = `{"keep_alive":5,"shift":true,"options":{"num_ctx":1}}`
	for want, r := range map[string]Removal{
		`{"shift":true,"options":{"num_ctx":1}}`: {KeepAlive: true},
		`{"keep_alive":5,"options":{}}`:          {Runner: true},
		body:                                     {},
	} {
		if got, err := r.From([]byte(body)); err != nil || string(got) != want {
			t.Errorf("%+v: %s (%v), want %s", r, got, err, want)
		}
	}
}

func TestPinDoesNotCopyABodyThatItLeavesAlone(t *testing.T) {
	pin := Removal{KeepAlive: true, Runner: true}
	body := []byte(`{"model":"m","prompt":"num_ctx","options":{"top_k":1}}`)
	if allocs := testing.AllocsPerRun(100, func() { _, _ = pin.From(body) }); allocs > 12 {
		t.Errorf("%v allocations", allocs)
	}
	if got, _ := pin.From(body); &got[0] != &body[0] {
		t.Error("copied")
	}
}

// The budget for bodies knows nothing of what is allocated here.
func TestALargeBodyIsNotCopied(t *testing.T) {
	const size = 1 << 20
	many := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	for name, text := range map[string]string{
		"a long prompt":            `{"keep_alive":0,"prompt":"` + many("x") + `"}`,
		"and more after it":        `{"keep_alive":0,"prompt":"` + many("x") + `"} x`,
		"not whole":                `{"keep_alive":0,"prompt":"` + many("x"),
		"a long name":              `{"keep_alive":0,"` + many("x") + `":1}`,
		"a long keep_alive":        `{"keep_alive":"` + many("0") + `s"}`,
		"a keep_alive of many":     `{"keep_alive":[` + many("0,") + `0]}`,
		"many that are dropped":    `{"a":1` + many(`,"keep_alive":5`) + `}`,
		"each with one that stays": `{"a":1` + many(`,"shift":1,"keep_alive":[],"b":1`) + `}`,
		"many options":             `{"options":{"a":1` + many(`,"numa":1,"seed":1`) + `}}`,
		"many objects of options":  `{"a":1` + many(`,"options":{"numa":1,"seed":1}`) + `}`,
	} {
		body := []byte(text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Removal{KeepAlive: true, Runner: true}.From(body)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<10 {
			t.Errorf("%s: %d bytes for a body of %d", name, used, len(body))
		}
	}
}

func FuzzPin(f *testing.F) {
	for _, seed := range []string{
		`{"keep_alive":0}`, `{"keep\u005falive":"0s","a":1}`, `{"keep_alive":5,"KEEP_ALIVE":0.5}`, `{"a":"\\\"","keep_alive":0}`,
		`{"options":{"num_ctx":1,"a":[{}],"seed":1},"b":null}`, `{"OptionS":{"numa":1}} x`, `{"keep_alive":0,}`, `[0]`, `null`, ``,
		`{"keep_alive":0,"keep_alive":null}`, "{\"\u212aeep_alive\":0}", "{\"\xff\":1,\"keep_alive\":\"-0\"}", ` {"a" : {"b":1} , "keep_alive" : 1e300 , "shift":true }`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		pinned, err := Removal{KeepAlive: true, Runner: true}.From(bytes.Clone(body)) // which it works in
		if err != nil {
			t.Fatal(err)
		}
		if json.Valid(pinned) != json.Valid(body) {
			t.Fatalf("%q became %q", body, pinned)
		}
		var was, is map[string]json.RawMessage
		if json.NewDecoder(bytes.NewReader(body)).Decode(&was) != nil {
			if !bytes.Equal(pinned, body) {
				t.Fatalf("%q is no object and became %q", body, pinned)
			}
			return
		}
		if err := json.NewDecoder(bytes.NewReader(pinned)).Decode(&is); err != nil {
			t.Fatal(err)
		}
		same(t, was, is, func(name string) bool {
			return strings.EqualFold(name, "keep_alive") || strings.EqualFold(name, "shift")
		})
	})
}

// same checks that only the members that drop names are gone.
func same(t *testing.T, was, is map[string]json.RawMessage, drop func(string) bool) {
	t.Helper()
	maps.DeleteFunc(was, func(name string, _ json.RawMessage) bool { return drop(name) })
	if names := slices.Collect(maps.Keys(is)); len(is) != len(was) || slices.ContainsFunc(names, drop) {
		t.Fatalf("left %q of %q", is, was)
	}
	for name, value := range was {
		var inner, left map[string]json.RawMessage
		if strings.EqualFold(name, "options") && json.Unmarshal(value, &inner) == nil && inner != nil {
			if err := json.Unmarshal(is[name], &left); err != nil {
				t.Fatal(err)
			}
			same(t, inner, left, func(name string) bool { return !passing[name] })
			continue
		}
		if !reflect.DeepEqual(value, is[name]) {
			t.Fatalf("%s: %s became %s", name, value, is[name])
		}
	}
}
