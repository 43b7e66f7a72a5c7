package policy

import (
	"testing"
	"time"
)

func TestWhatMomentIsQuiet(t *testing.T) {
	now := time.Now()
	long := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		view QuietView
		want bool
	}{
		"nobody is there":                   {QuietView{Since: now, Rests: true, Seen: true}, true},
		"somebody was there a moment ago":   {QuietView{Since: now, Rests: true, Seen: true, LastTraffic: now.Add(1 - QuietFor)}, false},
		"and then nobody came":              {QuietView{Since: now, Rests: true, Seen: true, LastTraffic: now.Add(-QuietFor)}, true},
		"the container works for somebody":  {QuietView{Since: now, Seen: true}, false},
		"it does, and has for very long":    {QuietView{Since: long, Seen: true}, false},
		"one is served":                     {QuietView{Since: now, InFlight: 1, Rests: true, Seen: true}, false},
		"one waits":                         {QuietView{Since: now, Waiting: 1, Rests: true, Seen: true}, false},
		"it has waited for long enough":     {QuietView{Since: long, InFlight: 1, Seen: true}, true},
		"it has, and nobody sees who works": {QuietView{Since: long, InFlight: 1}, false},
		"it has, and one will not end":      {QuietView{Since: long, InFlight: 1, Seen: true, Outlasts: true}, false},
		"it has, a moment after the last":   {QuietView{Since: long, Rests: true, Seen: true, LastTraffic: now}, true},
	} {
		c.view.Now, c.view.Longest = now, time.Hour
		if got := Quiet(c.view); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
