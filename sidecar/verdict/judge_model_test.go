package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAModelThatAnswers(t *testing.T) {
	late := func(p *Picture) {
		p.Model.Streak.Last.Late, p.Model.Streak.Last.Reason = true, "the first chunk came after 10s"
	}
	twice := func(successes int) func(*Picture) {
		return func(p *Picture) { p.Limit.SuccessThreshold, p.Model.Streak.Successes = 2, successes }
	}
	healthy := Judgement{Verdict: Healthy, Sentence: "the model answers"}
	find(t, map[string]finding{
		"is healthy":                            {picture: picture(), want: Healthy},
		"late is slow":                          {picture: picture(late), want: Slow, words: "CLAWGATE_FIRST_CHUNK_TIMEOUT"},
		"late stays slow while it is awaited":   {picture: picture(late, doubt), before: Judgement{Verdict: Slow, Sentence: "late"}, want: Slow, words: "late"},
		"late, and now makes the probe wait":    {picture: picture(late, doubt), before: healthy, want: Busy},
		"and now makes the probe wait":          {picture: picture(doubt), before: healthy, want: Busy, words: "waiting while"},
		"once of twice is not proven":           {picture: picture(twice(1)), want: Unproven},
		"once of twice does not end a wedge":    {picture: picture(twice(1)), before: Judgement{Verdict: Wedged}, want: Unproven},
		"twice of twice":                        {picture: picture(twice(2)), want: Healthy},
		"while the engine is away":              {picture: picture(engineAway), want: EngineAway, words: "the model answers; the container engine has not answered for 1m"},
		"while nothing is known of a container": {picture: picture(unseen, func(p *Picture) { p.Container.Known = false }), want: Healthy},
	})
	if got := Judge(picture(engineAway), Judgement{}); !got.Answers {
		t.Error("a model that answers is served while the engine is away")
	}
}

func TestWhatDecidesNothingKeepsWhatWasFound(t *testing.T) {
	failing := ready(2, 10*time.Second, evidence.ProbeResult{Reason: "no answer for 3s"})
	find(t, map[string]finding{
		"nothing yet":                        {picture: picture(unread), want: Unproven, words: "nothing is proven"},
		"a doubt before any proof":           {picture: picture(unread, doubt), want: Unproven, words: "waiting while"},
		"two failures keep health":           {picture: picture(failing), before: Judgement{Verdict: Healthy}, want: Healthy, words: "2 of 3 readiness probes failed: no answer for 3s"},
		"two failures keep slowness":         {picture: picture(failing), before: Judgement{Verdict: Slow}, want: Slow},
		"two failures prove nothing":         {picture: picture(failing), before: Judgement{Verdict: Unproven}, want: Unproven},
		"two failures do not end a wedge":    {picture: picture(failing), before: Judgement{Verdict: Wedged}, want: Unproven},
		"a failure while the engine is away": {picture: picture(failing, engineAway), before: Judgement{Verdict: EngineAway, Answers: true}, want: Healthy},
		"a wedge seen without the engine":    {picture: picture(failing), before: Judgement{Verdict: EngineAway}, want: Unproven},
	})
	if got := Judge(picture(failing), Judgement{Verdict: Healthy, Answers: true}); got.Answers {
		t.Error("a failure speaks against the model: Answers has to be false")
	}
}

func TestAModelThatDoesNotAnswer(t *testing.T) {
	silent := evidence.ProbeResult{Reason: "no answer for 3s to a first chunk"}
	back := engineBack(blindWait - time.Second)
	find(t, map[string]finding{
		"on three probes is wedged":              {picture: picture(ready(3, 15*time.Second, silent)), want: Wedged, need: Mend, model: target, words: "3 readiness probes failed within 15s"},
		"nor list what is loaded: the server is": {picture: picture(ready(3, 15*time.Second, evidence.ProbeResult{Server: true})), want: Wedged, need: Mend},
		"but works again":                        {picture: picture(ready(3, 15*time.Second, silent), pulse(working())), want: Busy, model: target, words: "works again"},
		"but streams again":                      {picture: picture(ready(3, 15*time.Second, silent), request(target, time.Minute, time.Second)), want: Busy, model: target},
		"but streams again, unseen":              {picture: picture(unseen, ready(3, time.Minute, silent), request(target, 2*time.Minute, 50*time.Second)), want: Busy, model: target},
		"and spins too long":                     {picture: picture(ready(3, spinBudget, silent), pulse(working())), want: Wedged, need: Mend, model: target},
		"and worked while the engine was away":   {picture: picture(ready(3, time.Hour, silent), pulse(working()), engineBack(3*spinBudget-1)), want: Busy, model: target, words: "works again"},
		"and spins since the engine is back":     {picture: picture(ready(3, time.Hour, silent), pulse(working()), engineBack(3*spinBudget)), want: Wedged, need: Mend, model: target},
		"behind another's stream for too long":   {picture: picture(ready(3, spinBudget, silent), request("other:latest", time.Hour, time.Second)), want: Wedged, need: Mend, model: target},
		"with an error is no silence":            {picture: picture(ready(3, 15*time.Second, evidence.ProbeResult{Answered: true, Reason: "500"}), pulse(working())), want: Wedged, need: Mend, model: target},
		"as counted without a view":              {picture: picture(ready(3, time.Minute, silent), unseen, back), want: Wedged, model: target},
		"nor could be seen for long enough":      {picture: picture(ready(3, time.Minute, silent), unseen, engineBack(blindWait)), want: Wedged, need: Mend, model: target},
		"once the view is back":                  {picture: picture(ready(3, time.Minute, silent), back), want: Wedged, need: Mend, model: target},
		"while the engine is away":               {picture: picture(ready(3, time.Minute, silent), engineAway), want: EngineAway, model: target, words: "nothing can be healed"},
	})
}

func TestARunnerThatDied(t *testing.T) {
	find(t, map[string]finding{
		"once is left to Ollama":              {picture: picture(crashes(1)), want: Crashed, model: target, words: "died: llama runner"},
		"twice is left to Ollama":             {picture: picture(crashes(CrashLimit - 1)), want: Crashed, model: target, words: "died 2 times within 10m0s"},
		"three times is mended":               {picture: picture(crashes(CrashLimit)), want: Crashed, need: Mend, model: target},
		"three times, the last unconfirmed":   {picture: picture(crashes(CrashLimit), inspectedBefore(2*time.Second)), want: Crashed, need: Wait, model: target},
		"and whose model is loaded again":     {picture: picture(crashes(CrashLimit), unloaded, ourLoadFor(time.Minute)), want: Loading, model: target, words: "after its runner died"},
		"and whose model never loads again":   {picture: picture(crashes(1), unloaded, ourLoadFor(10*time.Minute)), want: Wedged, need: Mend, model: target},
		"outweighs failed probes":             {picture: picture(crashes(1), ready(9, time.Minute, evidence.ProbeResult{})), want: Crashed, model: target},
		"while the engine is away":            {picture: picture(crashes(CrashLimit), engineAway), want: EngineAway, model: target},
		"before the newest success is mended": {picture: picture(crashes(9), answered), want: Healthy},
	})
}

func TestAModelThatIsNotInMemory(t *testing.T) {
	stall := 10 * time.Minute
	find(t, map[string]finding{
		"is unloaded":                           {picture: picture(unloaded), want: Unloaded, model: target},
		"beside another":                        {picture: picture(unloaded, func(p *Picture) { p.Server.Loaded = []evidence.LoadedModel{{Name: "other:latest"}} }), want: Unloaded, model: target},
		"as far as anybody has looked":          {picture: picture(unloaded, func(p *Picture) { p.Server.LoadedKnown = false }), want: Healthy},
		"and wanted by a client":                {picture: picture(unloaded, request(target, time.Second, 0)), want: Loading, model: target},
		"and not by another's client":           {picture: picture(unloaded, request("other:latest", time.Second, 0)), want: Unloaded, model: target},
		"and loads for a client":                {picture: picture(unloaded, request(target, time.Hour, 0), pulse(working())), want: Loading, model: target},
		"and never loads for a client":          {picture: picture(unloaded, request(target, stall, 0)), want: Wedged, need: Mend, model: target, words: "no progress"},
		"and waits for another's long answer":   {picture: picture(unloaded, request(target, time.Hour, 0), request("other:latest", time.Hour, 30*time.Second)), want: Loading, model: target},
		"and loads":                             {picture: picture(unloaded, ourLoadFor(stall-time.Second)), want: Loading, model: target, words: "loading for"},
		"and loads slowly":                      {picture: picture(unloaded, ourLoadFor(time.Hour), pulse(workedUntil(stall-10*time.Second))), want: Loading, model: target},
		"and no longer loads":                   {picture: picture(unloaded, ourLoadFor(time.Hour), pulse(workedUntil(stall))), want: Wedged, need: Mend, model: target},
		"and loads unseen":                      {picture: picture(unloaded, ourLoadFor(3*stall-time.Second), unseen), want: Loading, model: target},
		"and loads unseen for ever":             {picture: picture(unloaded, ourLoadFor(3*stall), unseen), want: Wedged, need: Mend, model: target},
		"and loads whatever failed before":      {picture: picture(unloaded, ourLoadFor(time.Minute), ready(9, time.Hour, evidence.ProbeResult{Answered: true})), want: Loading, model: target},
		"and does not load, without the engine": {picture: picture(unloaded, ourLoadFor(stall), engineAway), want: EngineAway, model: target},
	})
}
