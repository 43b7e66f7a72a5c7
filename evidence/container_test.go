package evidence

import (
	"testing"
	"time"
)

func TestARunIsToldFromEveryOther(t *testing.T) {
	at := time.Now()
	run := Identity{ID: "a", StartedAt: at}
	for name, c := range map[string]struct {
		other Identity
		want  bool
	}{
		"the same":                     {run, true},
		"read in another time zone":    {Identity{"a", at.UTC()}, true},
		"a later run":                  {Identity{"a", at.Add(time.Nanosecond)}, false},
		"another container":            {Identity{"b", at}, false},
		"no container":                 {Identity{}, false},
		"read from what was inspected": {Container{Identity: run, Status: Exited}.Identity, true},
	} {
		if got := run.Equal(c.other); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
