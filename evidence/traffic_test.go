package evidence

import "testing"

func TestWhoUsesTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		models       []string
		uses, beside bool
	}{
		"nobody":              {nil, false, false},
		"the model's clients": {[]string{"a", "a"}, true, false},
		"another's":           {[]string{"b"}, false, true},
		"both":                {[]string{"b", "a"}, true, true},
	} {
		var traffic Traffic
		for _, model := range c.models {
			traffic.InFlight = append(traffic.InFlight, Request{Model: model})
		}
		if uses, beside := traffic.Uses("a"), traffic.UsesBeside("a"); uses != c.uses || beside != c.beside {
			t.Errorf("%s: %v, %v", name, uses, beside)
		}
	}
}
