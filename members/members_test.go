package members

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestNamesAreReadAsGoReadsThem(t *testing.T) {
	text := []byte(`{"keep_alive":1,"KEEP_Alive":2,"keep\u005falive":3,` + "\"\u212aeep_alive\":4," + `"\u006dax_completion_tokens":5,"keep_alive ":6,"` + strings.Repeat("x", 200) + `":7}`)
	var folded, exact []string
	_, object := Walk(text, func(m Member) {
		if m.Is("keep_alive") {
			folded = append(folded, string(m.Value()))
		}
		if m.Named("keep_alive") || m.Named("max_completion_tokens") {
			exact = append(exact, string(m.Value()))
		}
	})
	if !object || strings.Join(folded, "") != "1234" || strings.Join(exact, "") != "135" {
		t.Errorf("%v: %v, exactly %v", object, folded, exact)
	}
}

func TestTheLongestWayToWriteANameIsRead(t *testing.T) {
	var name strings.Builder
	for _, c := range "max_completion_tokens" {
		name.WriteString(`\u00` + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
	}
	Walk([]byte(`{"`+name.String()+`":1}`), func(m Member) {
		if !m.Named("max_completion_tokens") {
			t.Errorf("%q", m.Name())
		}
	})
}

func TestTheFirstValueIsWhatCounts(t *testing.T) {
	for text, want := range map[string]int{
		`{"a":1}`: 7, ` {"a":1} `: 8, `{"a":1} {"b":2}`: 7, `{"a":1}]`: 7, `[1] x`: 3, `5`: 1,
		``: 0, `{`: 0, `{"a":1`: 0, `{"a":}`: 0, `x{"a":1}`: 0, "\xef\xbb\xbf{}": 0,
	} {
		if end, whole := First([]byte(text)); end != want || whole != (want > 0) {
			t.Errorf("%q: %d %v", text, end, whole)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	text := []byte(`{"options":{"a":1,"b":[{},"x"]},"prompt":"` + strings.Repeat("x", 1<<16) + `"}`)
	seen := 0
	if allocated := testing.AllocsPerRun(100, func() { Walk(text, func(m Member) { seen += m.End }) }); allocated > 0 || seen == 0 {
		t.Errorf("%v allocations", allocated)
	}
}

func FuzzWalk(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":[{"c":"}"}],"\u0061":null}`, ` { } x`, `{"a":"\\\"","b":-1e5}`, `[{}]`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var names, values []string
		closing, object := Walk(text, func(m Member) {
			names, values = append(names, string(m.Name())), append(values, string(m.Value()))
		})
		end, whole := First(text)
		var want map[string]json.RawMessage
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(&want); (err == nil) && !whole {
			t.Fatalf("%q is whole", text)
		}
		if !whole || want == nil {
			return
		}
		if !object || closing != end-1 {
			t.Fatalf("%q ends at %d, and its object at %d", text, end, closing)
		}
		for name, value := range want {
			// The last of its name is what Go keeps.
			if i := last(names, name); len(name) < 20 && (i < 0 || values[i] != string(value)) {
				t.Fatalf("%q: %q is %q, not among %q", text, name, value, values)
			}
		}
	})
}

func last(names []string, name string) int {
	for i, n := range slices.Backward(names) {
		if n == name {
			return i
		}
	}
	return -1
}
