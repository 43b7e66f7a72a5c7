package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/ollama"
)

// What people's clients send is among these: nothing (`ollama run`, which loads
// with an empty prompt), "30m0s" (`ollama run --keepalive 30m`), "-1s" (Home
// Assistant, for ever) and "5m", "-1m", 0 or -1 (Open WebUI).
func TestWhatBecomesOfAKeepAlive(t *testing.T) {
	const forever, limited = -1, 30 * time.Minute
	for value, want := range map[string]struct {
		pinned, main, other Treatment // of a main model that stays for ever, for half an hour, of another one
	}{
		`0`:                                    {Refuse, Refuse, Refuse},
		`0.0`:                                  {Refuse, Refuse, Refuse},
		`-0`:                                   {Refuse, Refuse, Refuse},
		`-0.0`:                                 {Refuse, Refuse, Refuse},
		`0e9`:                                  {Refuse, Refuse, Refuse},
		`0.5`:                                  {Refuse, Refuse, Refuse}, // 0.9.6 takes it for 0
		`1e-300`:                               {Refuse, Refuse, Refuse},
		`"0"`:                                  {Refuse, Refuse, Refuse},
		`"-0"`:                                 {Refuse, Refuse, Refuse},
		`"0s"`:                                 {Refuse, Refuse, Refuse},
		`"0m"`:                                 {Refuse, Refuse, Refuse},
		`"300ms"`:                              {Refuse, Refuse, Refuse},
		`"999.9ms"`:                            {Refuse, Refuse, Refuse},
		`"\u0030"`:                             {Refuse, Refuse, Refuse},
		`1e300`:                                {Refuse, Refuse, Refuse}, // overflows in Ollama
		`1e10`:                                 {Refuse, Refuse, Refuse},
		`"` + strings.Repeat("0", 2000) + `s"`: {Refuse, Refuse, Refuse},

		`1`:        {Drop, Drop, Raise},
		`1.5`:      {Drop, Drop, Raise},
		`"1s"`:     {Drop, Drop, Raise},
		`299`:      {Drop, Drop, Raise},
		`"4m59s"`:  {Drop, Drop, Raise},
		`300`:      {Drop, Drop, Leave},
		`"5m"`:     {Drop, Drop, Leave},
		`"5m0s"`:   {Drop, Drop, Leave},
		`"29m"`:    {Drop, Drop, Leave},
		`1800`:     {Drop, Leave, Leave},
		`"30m0s"`:  {Drop, Leave, Leave},
		`"24h"`:    {Drop, Leave, Leave},
		`-1`:       {Leave, Leave, Leave},
		`-0.5`:     {Leave, Leave, Leave},
		`-1e300`:   {Leave, Leave, Leave},
		`"-1m"`:    {Leave, Leave, Leave},
		`"-1s"`:    {Leave, Leave, Leave},
		`"-1ns"`:   {Leave, Leave, Leave},
		`"-300ms"`: {Leave, Leave, Leave},

		// Ollama refuses these, or takes them for none.
		`"-1"`:   {Leave, Leave, Leave},
		`"1"`:    {Leave, Leave, Leave},
		`"zero"`: {Leave, Leave, Leave},
		`""`:     {Leave, Leave, Leave},
		`"5 m"`:  {Leave, Leave, Leave},
		`1e400`:  {Leave, Leave, Leave},
		`null`:   {Leave, Leave, Leave},
		`true`:   {Leave, Leave, Leave},
		`[0]`:    {Leave, Leave, Leave},
		`{}`:     {Leave, Leave, Leave},
	} {
		asked := ollama.PeekBody(ollama.RouteOf("POST", "/api/chat"), []byte(`{"model":"m","messages":[{}],"keep_alive":`+value+`}`)).KeepAlive
		for _, c := range []struct {
			what  string
			main  bool
			least time.Duration
			want  Treatment
		}{{"a main model for ever", true, forever, want.pinned}, {"a main model for half an hour", true, limited, want.main}, {"another", false, 0, want.other}} {
			if got := OfKeepAlive(asked, c.main, c.least); got != c.want {
				t.Errorf("%.40s of %s: %d, want %d", value, c.what, got, c.want)
			}
		}
	}
}

func TestTheLastOfSeveralKeepAlivesCounts(t *testing.T) {
	for body, want := range map[string]Treatment{
		`{"keep_alive":5,"Keep_Alive":0}`:               Refuse,
		`{"keep\u005falive":0}`:                         Refuse,
		"{\"\u212aeep_alive\":0}":                       Refuse, // the Kelvin sign
		`{"keep_alive":0} {"keep_alive":-1}`:            Refuse,
		`{"keep_alive":0}]`:                             Refuse,
		`{"a":{"b":["}",{"c":"\""}]},"keep_alive":0}`:   Refuse,
		`{"keep_alive":0,"Keep_Alive":-1}`:              Leave,
		`{"keep_alive":0,"keep_alive":null}`:            Leave,
		`{"options":{"keep_alive":0}}`:                  Leave,
		`{"prompt":"\"keep_alive\":0"}`:                 Leave,
		`{"prompt":"x"} {"keep_alive":0}`:               Leave,
		`{"keep_alive":0,}`:                             Leave, // no JSON
		`[{"keep_alive":0}]`:                            Leave,
		`{"keep_alive":0`:                               Leave,
		``:                                              Leave,
		strings.Repeat(" ", 1<<20) + `{"keep_alive":0}`: Refuse,
	} {
		asked := ollama.PeekBody(ollama.RouteOf("POST", "/api/chat"), []byte(body)).KeepAlive
		if got := OfKeepAlive(asked, true, -1); got != want {
			t.Errorf("%.60s: %d, want %d", body, got, want)
		}
	}
}
