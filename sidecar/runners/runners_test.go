package runners

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	main  = "qwen3:32b"
	other = "llama3:8b"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return begin.Add(time.Duration(seconds * float64(time.Second)))
}

// ask is a whole request, answered within a second.
func ask(l *Ledger, a Ask, seconds float64) (loaded bool) {
	v := l.Begin(a, at(seconds))
	loaded = v.Served()
	v.End(at(seconds + 1))
	return loaded
}

// loaded is a ledger of a server whose two models are in memory, as a look at the
// mark has shown.
func loaded() (*Ledger, Look) {
	l := NewLedger()
	l.SawList(nil, l.Mark())
	ask(l, Ask{Model: main}, 0)
	ask(l, Ask{Model: other}, 2)
	return l, see(l, 3)
}

// weights are the paths of both models' weights.
var weights = map[string]string{main: "/blobs/a", other: "/blobs/b"}

// see is a look that shows the runners of both models.
func see(l *Ledger, seconds float64) Look {
	look := Look{At: at(seconds), Mark: l.Mark(), Processes: []evidence.Process{
		{PID: 7, Command: "ollama runner --model /blobs/a"}, {PID: 8, Command: "ollama runner --model /blobs/b"},
	}}
	l.Saw(look, weights)
	return look
}

func TestWhatExplainsTheEndOfARunner(t *testing.T) {
	short, ever := 2*time.Second, time.Duration(-1)
	for name, c := range map[string]struct {
		act       func(l *Ledger)
		unchanged []string
		now       float64
		want      bool
	}{
		"nothing":                              {func(*Ledger) {}, nil, 20, false},
		"its own requests":                     {func(l *Ledger) { ask(l, Ask{Model: main}, 11) }, nil, 20, false},
		"its own request, which goes on":       {func(l *Ledger) { l.Begin(Ask{Model: main}, at(11)) }, nil, 20, false},
		"another model that is in memory":      {func(l *Ledger) { ask(l, Ask{Model: other}, 11) }, nil, 20, false},
		"another setup":                        {func(l *Ledger) { ask(l, Ask{Model: main, Setup: 1}, 11) }, nil, 20, true},
		"another setup that has not begun":     {func(l *Ledger) { l.Begin(Ask{Model: main, Setup: 1}, at(11)) }, nil, 20, true},
		"another setup of another model":       {func(l *Ledger) { ask(l, Ask{Model: other, Setup: 1}, 11) }, nil, 20, true},
		"a third model":                        {func(l *Ledger) { ask(l, Ask{Model: "third"}, 11) }, nil, 20, true},
		"a third model that is loading":        {func(l *Ledger) { l.Begin(Ask{Model: "third"}, at(11)) }, nil, 20, true},
		"a third one that Ollama has not":      {func(l *Ledger) { v := l.Begin(Ask{Model: "third"}, at(11)); v.Refused(); v.End(at(12)) }, nil, 20, false},
		"a model that nobody could read":       {func(l *Ledger) { ask(l, Ask{Shared: true}, 11) }, nil, 20, true},
		"another one whose runner is the same": {func(l *Ledger) { ask(l, Ask{Model: other, Setup: 1}, 11) }, []string{other}, 20, false},
		"an unload":                            {func(l *Ledger) { l.Unloading(main, at(11))(at(11), true) }, nil, 20, true},
		"an unload of another one":             {func(l *Ledger) { l.Unloading(other, at(11))(at(11), true) }, nil, 20, false},
		"an unload of what Ollama has not":     {func(l *Ledger) { l.Unloading("third", at(11))(at(11), false) }, nil, 20, false},
		"an unload of what it may have":        {func(l *Ledger) { l.Unloading("third", at(11)) }, nil, 20, true},
		"an unload of what nobody knows":       {func(l *Ledger) { l.Unloading("third", at(11))(at(11), true) }, nil, 20, true},
		"a model that was made anew":           {func(l *Ledger) { l.Changed(at(11)) }, nil, 20, true},
		"a load of our own":                    {func(l *Ledger) { l.Loading("third")(at(12), true, 0) }, nil, 20, true},
		"its keep-alive":                       {func(*Ledger) {}, nil, 1 + 300, true},
		"its keep-alive, not yet":              {func(l *Ledger) { ask(l, Ask{Model: main}, 200) }, nil, 10 + 300, false},
		"a short keep-alive":                   {func(l *Ledger) { ask(l, Ask{Model: main, KeepAlive: &short}, 11) }, nil, 20, true},
		"a short one among others":             {func(l *Ledger) { ask(l, Ask{Model: main, KeepAlive: &short}, 11); ask(l, Ask{Model: main}, 12) }, nil, 20, true},
		"a long one":                           {func(l *Ledger) { ask(l, Ask{Model: main, KeepAlive: &ever}, 11) }, nil, 20, false},
		"a setup that was asked for in vain": {func(l *Ledger) {
			l.Begin(Ask{Model: main, Setup: 1}, at(11)).End(at(12))
			ask(l, Ask{Model: main}, 13)
		}, nil, 20, true},
		"a setup that was asked for in vain while we loaded it": {func(l *Ledger) {
			done := l.Loading(main)
			l.Begin(Ask{Model: main, Setup: 1}, at(11)).End(at(11))
			done(at(12), true, -1)
			ask(l, Ask{Model: main, Setup: 1}, 30)
		}, nil, 40, true},
		"a setup that came between our probe's reading and its asking": {func(l *Ledger) {
			probe := l.Begin(Ask{Model: main, Own: true}, at(11))
			ask(l, Ask{Model: main, Setup: 1}, 11)
			probe.Served()
			probe.End(at(13))
			ask(l, Ask{Model: main, Setup: 1}, 14)
		}, nil, 20, true},
		"an unload while it is in use, and somebody who comes then": {func(l *Ledger) {
			first := l.Begin(Ask{Model: main}, at(10))
			first.Served()
			l.Unloading(main, at(11))(at(11), true)
			second := l.Begin(Ask{Model: main}, at(12))
			second.Served()
			first.End(at(13))
			second.End(at(60))
		}, nil, 62, true},
		"a short keep-alive by a name that nobody knows": {func(l *Ledger) { ask(l, Ask{Shared: true, KeepAlive: &short}, 3); see(l, 5) }, nil, 20, true},
		"its own death, told by an error":                {func(l *Ledger) { v := l.Begin(Ask{Model: main}, at(11)); v.Doubted(at(12)); v.End(at(12)) }, nil, 20, false},
		"a server that was started again":                {func(l *Ledger) { l.Forget(at(11)) }, nil, 20, true},
		"a client that left during the load": {func(l *Ledger) {
			l.Begin(Ask{Model: main, Setup: 1}, at(9.5)).End(at(12))
		}, nil, 20, true},
	} {
		l, look := loaded()
		c.act(l)
		if got := l.Explains(main, look, at(c.now), c.unchanged); got != c.want {
			t.Errorf("%s: explained %v, want %v", name, got, c.want)
		}
	}
}

// A request that waits when another setup is asked for may be served after it, by a
// runner that is started anew for it; one that is being served is not.
func TestASetupOvertakesWhatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		served, want bool
	}{"waits": {false, true}, "is being served": {true, false}} {
		l, _ := loaded()
		first := l.Begin(Ask{Model: main, Own: true}, at(10))
		if c.served {
			first.Served()
		}
		second := l.Begin(Ask{Model: main, Setup: 1}, at(10))
		second.Served()
		second.End(at(11))
		look := see(l, 12)
		if !c.served {
			first.Served()
		}
		if got := l.Explains(main, look, at(13), nil); got != c.want {
			t.Errorf("a request that %s: its runner's end is explained %v, want %v", name, got, c.want)
		}
	}
}

func TestAModelThatNobodyKnowsIsNeverMissed(t *testing.T) {
	if !NewLedger().Explains(main, Look{At: at(0)}, at(1), nil) {
		t.Error("the end of a runner that was never there is no crash")
	}
}

func TestModelsWithoutANameMayBeLoadedEachTime(t *testing.T) {
	l, _ := loaded()
	for i := range 3 {
		look := see(l, 10+float64(i))
		if ask(l, Ask{Shared: true}, 11+float64(i)); !l.Explains(main, look, at(20), nil) {
			t.Errorf("request %d explains nothing", i)
		}
	}
}

func TestALookIsWantedOnceAfterEachLoad(t *testing.T) {
	l, _ := loaded()
	for i, step := range []struct {
		what string
		ask  Ask
		want bool
	}{
		{"a model in memory", Ask{Model: main}, false},
		{"the other one", Ask{Model: other}, false},
		{"another setup", Ask{Model: main, Setup: 1}, true},
		{"the same again", Ask{Model: main, Setup: 1}, false},
		{"the other one, which may have made room", Ask{Model: other}, true},
		{"a third model", Ask{Model: "third"}, true},
	} {
		if got := ask(l, step.ask, 20+float64(2*i)); got != step.want {
			t.Errorf("%s: loaded %v, want %v", step.what, got, step.want)
		}
	}
}

// Models that share the memory are not taken for loaded again and again once a look
// has shown both.
func TestTurnsOfTwoModelsComeToRest(t *testing.T) {
	l := NewLedger()
	l.SawList(nil, l.Mark())
	ask(l, Ask{Model: main}, 0)
	ask(l, Ask{Model: other}, 1)
	see(l, 3)
	for i := range 10 {
		if ask(l, Ask{Model: []string{main, other}[i%2]}, 4+float64(2*i)) {
			t.Errorf("turn %d was taken for a load", i)
		}
	}
}

func TestTheLedgerIsBounded(t *testing.T) {
	l, look := loaded()
	for i := range 10 * mostModels {
		ask(l, Ask{Model: string(rune('a'+i%26)) + time.Duration(i).String()}, 11)
	}
	if len(l.models) > mostModels {
		t.Errorf("%d models are kept, want %d at most", len(l.models), mostModels)
	}
	if !l.Explains(main, look, at(20), nil) {
		t.Error("loads of models that were dropped are forgotten")
	}
}

func TestCompare(t *testing.T) {
	look := func(seconds float64, pids ...int) Look {
		look := Look{At: at(seconds), Processes: []evidence.Process{{PID: 1, Command: "/bin/ollama serve"}}}
		for _, pid := range pids {
			look.Processes = append(look.Processes, evidence.Process{PID: pid, Command: "ollama runner --model /blobs/sha256-a"})
		}
		return look
	}
	for name, c := range map[string]struct {
		before, now Look
		weights     string
		explained   bool
		want        Finding
	}{
		"it is there":                  {look(1, 7), look(2, 7), "sha256-a", false, Lives},
		"it is gone":                   {look(1, 7), look(2), "sha256-a", false, Ended},
		"it is another one":            {look(1, 7), look(2, 8), "sha256-a", false, Ended},
		"one of two is gone":           {look(1, 7, 8), look(2, 8), "sha256-a", false, Ended},
		"it is gone, and that is well": {look(1, 7), look(2), "sha256-a", true, Unclear},
		"it was never seen":            {look(1), look(2), "sha256-a", false, Unclear},
		"it was not looked for before": {Look{}, look(2, 7), "sha256-a", false, Unclear},
		"other weights":                {look(1, 7), look(2), "sha256-b", false, Unclear},
		"unknown weights":              {look(1, 7), look(2), "", false, Unclear},
	} {
		if got := Compare(c.before, c.now, c.weights, c.explained); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What was said to a runner is over with it: the next one stays as long as is usual, if
// nobody has said anything to that one.
func TestANewRunnerStaysAsLongAsIsUsual(t *testing.T) {
	short := 2 * time.Second
	for name, c := range map[string]struct {
		act  func(l *Ledger)
		want bool // explained, though clients are there all the time
	}{
		"after an unload":                         {func(l *Ledger) { l.Unloading(main, at(11))(at(11), true) }, false},
		"after a keep-alive":                      {func(l *Ledger) { ask(l, Ask{Model: main, KeepAlive: &short}, 11); see(l, 12) }, false},
		"after one that it may have had, too":     {func(l *Ledger) { ask(l, Ask{Model: main, KeepAlive: &short}, 11) }, true},
		"after an unload of what nobody has seen": {func(l *Ledger) { ask(l, Ask{Model: main, Setup: 1}, 11); l.Unloading(main, at(11))(at(11), true) }, true},
		"after a load of our own":                 {func(l *Ledger) { l.Loading(main)(at(12), true, -1); see(l, 13) }, false},
	} {
		l, _ := loaded()
		client := l.Begin(Ask{Model: main}, at(10))
		client.Served()
		c.act(l)
		l.Begin(Ask{Model: main}, at(14)).Served()
		client.End(at(15))
		next := Look{At: at(40), Mark: l.Mark(), Processes: []evidence.Process{{PID: 9, Command: "ollama runner --model /blobs/a"}}}
		l.Saw(next, weights)
		if got := l.Explains(main, next, at(50), nil); got != c.want {
			t.Errorf("%s: explained %v, want %v", name, got, c.want)
		}
	}
}

// A load of our own has a setup of its own, which the first request may replace.
func TestTheFirstRequestMayReplaceTheRunnerThatWeLoaded(t *testing.T) {
	for name, early := range map[string]bool{"during the load": true, "right after it": false} {
		l, _ := loaded()
		l.Unloading(main, at(3))(at(3), true)
		done := l.Loading(main)
		if early {
			l.Begin(Ask{Model: main}, at(5))
		}
		done(at(6), true, -1)
		if !early {
			l.Begin(Ask{Model: main}, at(6))
		}
		if look := see(l, 20); !l.Explains(main, look, at(30), nil) {
			t.Errorf("a request %s explains nothing", name)
		}
	}
}

// Requests that wait for the setup which serves another one have no runner replaced.
func TestWhatWaitsForTheSameReplacesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		more Ask
		want bool
	}{
		"no other":                    {Ask{Model: main, Setup: 1}, false},
		"another setup":               {Ask{Model: main, Setup: 2}, true},
		"what nobody has read":        {Ask{Model: main, Unread: true}, true},
		"a probe with the one before": {Ask{Model: main, Own: true}, true},
	} {
		l, _ := loaded()
		first, second := l.Begin(Ask{Model: main, Setup: 1}, at(10)), l.Begin(Ask{Model: main, Setup: 1}, at(10))
		third := l.Begin(c.more, at(10))
		first.Served()
		look := see(l, 11)
		second.Served()
		third.Served()
		if got := l.Explains(main, look, at(12), nil); got != c.want {
			t.Errorf("%s waits with them: explained %v, want %v", name, got, c.want)
		}
	}
}

// A probe that only remembers what the runner was started with may have it replaced, and
// so may every client that comes after it.
func TestAProbeThatGuessesMayReplaceARunner(t *testing.T) {
	for guessed, want := range map[bool]bool{true: true, false: false} {
		l, _ := loaded()
		client := l.Begin(Ask{Model: main, Setup: 1}, at(10))
		client.Served()
		client.End(at(11))
		probe := l.Begin(Ask{Model: main, Own: true, Guessed: guessed}, at(12))
		probe.Served()
		probe.End(at(13))
		look := see(l, 14)
		l.Begin(Ask{Model: main, Setup: 1}, at(15)).Served()
		if got := l.Explains(main, look, at(16), nil); got != want {
			t.Errorf("guessed: %v, and the next client's runner is explained: %v", guessed, got)
		}
	}
}
