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
	"time"
)

func TestAKeepAliveOfZeroUnloads(t *testing.T) {
	for body, want := range map[string]bool{
		`{"keep_alive":0}`:                                    true,
		`{"model":"m","prompt":"x","keep_alive":0}`:           true,
		` { "keep_alive" : 0.5 } `:                            true,
		`{"keep_alive":-0}`:                                   true,
		`{"keep_alive":0e9}`:                                  true,
		`{"keep_alive":"0"}`:                                  true,
		`{"keep_alive":"0s"}`:                                 true,
		`{"keep_alive":"0m"}`:                                 true,
		`{"keep_alive":"999ms"}`:                              true,
		`{"keep_alive":"\u0030"}`:                             true,
		`{"keep\u005falive":0}`:                               true,
		`{"KEEP_Alive":0}`:                                    true,
		"{\"\u212aeep_alive\":0}":                             true, // the Kelvin sign
		`{"keep_alive":5,"Keep_Alive":0}`:                     true,
		`{"keep_alive":0,"keep_alive":null}`:                  true,
		`{"keep_alive":0} {"keep_alive":5}`:                   true,
		`{"keep_alive":0}]`:                                   true,
		`{"keep_alive":1e300}`:                                true, // overflows in Ollama
		`{"keep_alive":10000000000}`:                          true,
		`{"a":"\\","keep_alive":0}`:                           true,
		`{"a":{"b":["}",{"c":"\""}]},"keep_alive":0}`:         true,
		`{"keep_alive":0,"Keep_Alive":5}`:                     false,
		`{"keep_alive":null}`:                                 false,
		`{"keep_alive":"` + strings.Repeat("0", 2000) + `s"}`: true,
		`{"keep_alive":[0]}`:                                  false,
		`{"keep_alive":-1}`:                                   false,
		`{"keep_alive":"-0.5s"}`:                              false,
		`{"keep_alive":1}`:                                    false,
		`{"keep_alive":"5m"}`:                                 false,
		`{"keep_alive":"zero"}`:                               false,
		`{"keep_alive":false}`:                                false,
		`{"options":{"keep_alive":0}}`:                        false,
		`{"prompt":"\"keep_alive\":0"}`:                       false,
		`{"prompt":"x"} {"keep_alive":0}`:                     false,
		`{"keep_alive":0,}`:                                   false, // no JSON
		`[{"keep_alive":0}]`:                                  false,
		`"keep_alive"`:                                        false,
		``:                                                    false,
		`{`:                                                   false,
		`{"keep_alive":`:                                      false,
		`{"keep_alive":0`:                                     false,
	} {
		if got := Unloads([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func TestPinTakesOutWhatReloadsTheModel(t *testing.T) {
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
		`{"keep_alive":0,"options":{"a":1,"numa":true},"keep_alive":1}`: `{"options":{"a":1}}`,
		`{"n":12345678901234567890,"keep_alive":0,"s":"\u00e9"}`:        `{"n":12345678901234567890,"s":"\u00e9"}`,
		`{"keep_alive":0} trailing`:                                     `{} trailing`,
		`{"keep_alive":0}{"keep_alive":0}`:                              `{}{"keep_alive":0}`,
		`{"num_ctx":1,"prompt":"keep_alive"}`:                           `{"num_ctx":1,"prompt":"keep_alive"}`,
		`{"a":{"options":{"num_ctx":1}}}`:                               `{"a":{"options":{"num_ctx":1}}}`,
		`{"keep_alive":"` + strings.Repeat("0", 2000) + `1s"}`:          `{}`,
		`{"options":"num_ctx"}`:                                         `{"options":"num_ctx"}`,
		`{"options":[{"num_ctx":1}]}`:                                   `{"options":[{"num_ctx":1}]}`,
		`{"keep_alive":bad}`:                                            `{"keep_alive":bad}`,
		`{"keep_alive":0`:                                               `{"keep_alive":0`,
		`[{"keep_alive":0}]`:                                            `[{"keep_alive":0}]`,
		`keep_alive`:                                                    `keep_alive`,
		``:                                                              ``,
	} {
		got, err := Pin([]byte(body))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s (%v), want %s", body, got, err, want)
		}
	}
}

func TestPinDoesNotCopyABodyThatItLeavesAlone(t *testing.T) {
	body := []byte(`{"model":"m","prompt":"num_ctx","options":{"top_k":1}}`)
	if allocs := testing.AllocsPerRun(100, func() { _, _ = Pin(body) }); allocs > 12 {
		t.Errorf("%v allocations", allocs)
	}
	if got, _ := Pin(body); &got[0] != &body[0] {
		t.Error("copied")
	}
}

// The budget for bodies knows nothing of what is allocated here.
func TestALargeBodyIsNotCopied(t *testing.T) {
	const size = 1 << 20
	many := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	for name, body := range map[string]string{
		"a long prompt":            `{"keep_alive":0,"prompt":"` + many("x") + `"}`,
		"and more after it":        `{"keep_alive":0,"prompt":"` + many("x") + `"} x`,
		"not whole":                `{"keep_alive":0,"prompt":"` + many("x"),
		"a long name":              `{"keep_alive":0,"` + many("x") + `":1}`,
		"a long keep_alive":        `{"keep_alive":"` + many("0") + `s"}`,
		"a keep_alive of many":     `{"keep_alive":[` + many("0,") + `0]}`,
		"many that are dropped":    `{"a":1` + many(`,"keep_alive":5`) + `}`,
		"each with one that stays": `{"a":1` + many(`,"numa":1,"keep_alive":[],"b":1`) + `}`,
		"many options":             `{"options":{"a":1` + many(`,"numa":1,"b":1`) + `}}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Unloads([]byte(body)) // the conversion is one copy
		_, _ = Pin([]byte(body))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 2*uint64(len(body))+size/4 {
			t.Errorf("%s: %d bytes for a body of %d", name, used, len(body))
		}
	}
}

var seeds = []string{
	`{"keep_alive":0}`, `{"keep\u005falive":"0s","a":1}`, `{"keep_alive":5,"KEEP_ALIVE":0.5}`, `{"a":"\\\"","keep_alive":0}`,
	`{"options":{"num_ctx":1,"a":[{}]},"b":null}`, `{"OptionS":{"numa":1}} x`, `{"keep_alive":0,}`, `[0]`, `null`, ``,
	`{"keep_alive":0,"keep_alive":null}`, "{\"\u212aeep_alive\":0}", "{\"\xff\":1,\"keep_alive\":\"-0\"}", ` {"a" : {"b":1} , "keep_alive" : 1e300 }`,
}

// read is how Ollama reads a keep_alive.
type read struct{ zero bool }

func (r *read) UnmarshalJSON(value []byte) error {
	var parsed any
	if err := json.Unmarshal(value, &parsed); err != nil {
		return err // out of range: Ollama refuses the body
	}
	switch v := parsed.(type) {
	case nil:
		return nil
	case float64:
		r.zero = v >= 0 && (int64(v) == 0 || v > 9.2e9 && v*1e9 >= 1<<63)
	case string:
		d, err := time.ParseDuration(v)
		r.zero = err == nil && d >= 0 && int(d.Seconds()) == 0
	default:
		r.zero = false
	}
	return nil
}

func FuzzUnloads(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want struct {
			KeepAlive read `json:"keep_alive"`
		}
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&want); err != nil {
			want.KeepAlive.zero = false
		}
		if got := Unloads(body); got != want.KeepAlive.zero {
			t.Fatalf("%q: %v", body, got)
		}
	})
}

func FuzzPin(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		pinned, err := Pin(bytes.Clone(body)) // which it works in
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
		same(t, was, is, func(name string) bool { return strings.EqualFold(name, keepAlive) })
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
			same(t, inner, left, func(name string) bool {
				return slices.ContainsFunc(runnerOptions, func(o string) bool { return strings.EqualFold(o, name) })
			})
			continue
		}
		if !reflect.DeepEqual(value, is[name]) {
			t.Fatalf("%s: %s became %s", name, value, is[name])
		}
	}
}
