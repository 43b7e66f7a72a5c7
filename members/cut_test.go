package members

import (
	"io"
	"strings"
	"testing"
)

func TestWhatIsChosenIsCut(t *testing.T) {
	x := func(m Member) (bool, Choice) { return m.Is("x"), nil }
	deep := func(m Member) (bool, Choice) {
		if m.Is("in") {
			return false, func(m Member) (bool, Choice) { return m.Is("x"), x }
		}
		return m.Is("y"), x
	}
	for body, want := range map[string]string{
		`{"y":1,"in":{"x":1,"a":{"x":1,"b":2}},"y":2}`: `{"in":{"a":{"b":2}}}`,
		`{"a":1,"in":{"x":1}, "y":2 }`:                 `{"a":1,"in":{} }`,
		`{"in":[{"x":1}],"x":1}`:                       `{"in":[{"x":1}],"x":1}`,
		` {"y":{"in":{"x":1}},"y":1} {"y":1}`:          ` {} {"y":1}`,
		`{"y":1,"in":{"x":1}`:                          `{"y":1,"in":{"x":1}`, // not whole
		`{"a":1,"y":{"x":1},"b":2}`:                    `{"a":1,"b":2}`,
		`{"y":bad}`:                                    `{"y":bad}`,
		`5`:                                            `5`,
	} {
		if got, err := Cut([]byte(body), deep); err != nil || string(got) != want {
			t.Errorf("%s: %s (%v), want %s", body, got, err, want)
		}
	}
}

func TestAnInsertionIsReadWithinTheBody(t *testing.T) {
	const body = `{"a":1} x`
	for want, insertion := range map[string]Insertion{
		`{"a":1} x`:             AtEnd(6),
		`{"a":1,"b":2} x`:       AtEnd(6, `"b":2`),
		`{"a":1,"b":2,"c":3} x`: AtEnd(6, `"b":2`, `"c":3`),
	} {
		if got, err := io.ReadAll(insertion.Into(io.NopCloser(strings.NewReader(body)))); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}
