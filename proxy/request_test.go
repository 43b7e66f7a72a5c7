package proxy

import (
	"strings"
	"testing"
	"time"
)

func TestOnlyAReadableWaitIsAskedFor(t *testing.T) {
	const otherwise = 7 * time.Second
	for prefer, want := range map[string]struct {
		wait  time.Duration
		asked bool
	}{
		"wait=30":                            {30 * time.Second, true},
		"wait=0":                             {0, true},
		`respond-async, Wait = "5" ; x=1`:    {5 * time.Second, true},
		"respond-async\nwait=5":              {5 * time.Second, true},
		"wait=1, wait=2":                     {time.Second, true},
		"respond-async":                      {otherwise, false},
		"waiting=5, return=minimal; wait=30": {otherwise, false},
		"wait":                               {otherwise, false},
		"wait=soon":                          {otherwise, false},
		"wait=-1":                            {otherwise, false},
		"wait=1.5":                           {otherwise, false},
		"wait=99999999999999999999":          {otherwise, false},
		"":                                   {otherwise, false},
	} {
		wait, asked := WaitAsked(strings.Split(prefer, "\n"), otherwise)
		if wait != want.wait || asked != want.asked {
			t.Errorf("%q: %v %v, want %v", prefer, wait, asked, want)
		}
	}
	if wait, asked := WaitAsked(nil, otherwise); wait != otherwise || asked {
		t.Errorf("nothing: %v %v", wait, asked)
	}
}
