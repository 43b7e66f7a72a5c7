package policy

import (
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// settled is one row of a table about what is made of a judgement.
type settled struct {
	picture verdict.Picture
	before  verdict.Judgement
	tried   Attempts
	want    verdict.Verdict
	need    verdict.Need // empty where it is what the verdict usually needs
	model   string
	behind  verdict.Verdict
	words   string // the end of the sentence, or a part of it
	// answers and gone are what the judgement says of the model and of the container.
	answers, gone bool
}

func settle(t *testing.T, table map[string]settled) {
	t.Helper()
	for name, row := range table {
		t.Run(name, func(t *testing.T) {
			got := Settle(verdict.Judge(row.picture, row.before), row.picture, row.tried)
			need := row.need
			if need == "" {
				need = verdict.Of(row.want).Usually(got.Answers)
			}
			if got.Verdict != row.want || got.Need != need || got.Model != row.model || got.Behind != row.behind {
				t.Errorf("%s, needs %s, model %q, behind %q: %s\nwant %s, %s, model %q, behind %q",
					got.Verdict, got.Need, got.Model, got.Behind, got.Sentence, row.want, need, row.model, row.behind)
			}
			if got.Answers != row.answers || got.ServerGone != row.gone || got.Then != nil {
				t.Errorf("answers %t, gone %t, and then %+v", got.Answers, got.ServerGone, got.Then)
			}
			if !strings.Contains(got.Sentence, row.words) || got.Sentence == "" {
				t.Errorf("says %q, want %q in it", got.Sentence, row.words)
			}
		})
	}
}

// quiet are the verdicts for which a quiet moment was used.
func quiet(verdicts ...verdict.Verdict) Attempts { return Attempts{QuietMoments: verdicts} }

func TestWhatWasTriedInVainIsNotTriedAgain(t *testing.T) {
	room, restart, unload := Attempts{MadeRoom: true}, Attempts{Restarted: true}, Attempts{Unloaded: true}
	both := Attempts{MadeRoom: true, Restarted: true}
	const keptOut = "a restart did not help, so the model is kept out until it loads and answers"
	settle(t, map[string]settled{
		"a runner that dies":                     {picture: picture(crashes(3)), want: verdict.Crashed, need: verdict.Mend, model: target},
		"after an unload, and room":              {picture: picture(crashes(3)), tried: Attempts{Unloaded: true, MadeRoom: true}, want: verdict.Crashed, need: verdict.Mend, model: target},
		"after a restart":                        {picture: picture(crashes(3)), tried: restart, want: verdict.Crashed, need: verdict.Person, model: target, words: keptOut},
		"after a restart, without the engine":    {picture: picture(crashes(3), engineAway), tried: restart, want: verdict.EngineAway, model: target, words: keptOut + "; the container engine"},
		"no room":                                {picture: onCard(noRoom(2), loadedToo), want: verdict.OutOfMemory, need: verdict.MakeRoom, model: target},
		"no room, after a restart":               {picture: onCard(noRoom(2), loadedToo), tried: restart, want: verdict.OutOfMemory, need: verdict.MakeRoom, model: target},
		"no room, and room did not help":         {picture: onCard(noRoom(3), loadedToo), tried: room, want: verdict.OutOfMemory, need: verdict.Person, model: target, words: "choose a smaller model"},
		"nor where the memory is not seen":       {picture: onCard(noRoom(3), loadedToo, noView), tried: room, want: verdict.OutOfMemory, need: verdict.Mend},
		"nor did the restart, there":             {picture: onCard(noRoom(3), loadedToo, noView), tried: both, want: verdict.OutOfMemory, need: verdict.Person, model: target, words: "choose a smaller model"},
		"an unload is no help there":             {picture: onCard(noRoom(2), noView), tried: unload, want: verdict.OutOfMemory, need: verdict.Mend},
		"and the restart did not help":           {picture: onCard(noRoom(2), noView), tried: restart, want: verdict.OutOfMemory, need: verdict.Person, model: target},
		"on a GPU that the driver has given up":  {picture: onCard(noRoom(2), noView, xid(""), loadedToo), tried: room, want: verdict.OutOfMemory, need: verdict.Person, model: target},
		"a request that is never scheduled":      {picture: picture(stuck), want: verdict.Wedged, need: verdict.MakeRoom, model: other, answers: true},
		"after room was made":                    {picture: picture(stuck), tried: room, want: verdict.Wedged, need: verdict.Mend, model: other, answers: true},
		"a load that stands still, after it was": {picture: picture(loading(hour), loadedToo), tried: room, want: verdict.Wedged, need: verdict.Mend, model: target, answers: true},
	})
}

func TestTheDriversWordIsTrustedForOneRestart(t *testing.T) {
	harmless, restart := xid(evidence.AdviceNone), Attempts{Restarted: true}
	settle(t, map[string]settled{
		"a silent model":                     {picture: onCard(harmless, silent), want: verdict.Wedged, need: verdict.Mend, model: target},
		"after an unload":                    {picture: onCard(harmless, silent), tried: Attempts{Unloaded: true}, want: verdict.Wedged, need: verdict.Mend, model: target},
		"after the restart":                  {picture: onCard(harmless, silent), tried: restart, want: verdict.HostAction, need: verdict.Person, words: "the model does not answer; look at the host"},
		"after it, without the engine":       {picture: onCard(harmless, silent, engineAway), tried: restart, want: verdict.HostAction, need: verdict.Person},
		"after it, with another one waiting": {picture: onCard(harmless, silent, stuck), tried: restart, want: verdict.HostAction, need: verdict.Person},
		"and after room was made for it":     {picture: onCard(harmless, silent, stuck), tried: Attempts{MadeRoom: true, Restarted: true}, want: verdict.HostAction, need: verdict.Person},
		"after room was made for it alone":   {picture: onCard(harmless, silent, stuck), tried: Attempts{MadeRoom: true}, want: verdict.Wedged, need: verdict.Mend, model: other},
		"with another one waiting":           {picture: onCard(harmless, silent, stuck), want: verdict.Wedged, need: verdict.MakeRoom, model: other},
		"after it, while the server is slow": {picture: onCard(harmless, silent, works), tried: restart, want: verdict.HostAction, need: verdict.Person},
		"while the server is slow":           {picture: onCard(harmless, silent, works), want: verdict.Busy, model: target},
		"after it, when a person acted":      {picture: onCard(harmless, silent, func(p *verdict.Picture) { p.OperatorAct = "was paused by hand" }), tried: restart, want: verdict.Stopped},
		"after it, and it answers":           {picture: onCard(harmless), tried: restart, want: verdict.HostAction, answers: true, words: "still answers"},
	})
}

func TestAQuietMomentIsUsedOnce(t *testing.T) {
	again := "is not tried again, a person has to look"
	settle(t, map[string]settled{
		"for a GPU that is lost":               {picture: onCard(onCPU), want: verdict.GPULost, need: verdict.MendWhenQuiet, answers: true},
		"in vain":                              {picture: onCard(onCPU), tried: quiet(verdict.GPULost), want: verdict.GPULost, answers: true, words: again},
		"and not back after the restart":       {picture: onCard(onCPU, neverThere), tried: quiet(verdict.GPULost), want: verdict.CPUFallback, answers: true, words: again},
		"for one that was never used":          {picture: onCard(onCPU, neverThere), tried: quiet(verdict.CPUFallback), want: verdict.CPUFallback, answers: true, words: again},
		"which is another thing than a loss":   {picture: onCard(onCPU), tried: quiet(verdict.CPUFallback), want: verdict.GPULost, need: verdict.MendWhenQuiet, answers: true},
		"for slowness":                         {picture: onCard(late), want: verdict.Slow, need: verdict.MendWhenQuiet, model: target, answers: true},
		"slow again after it was loaded anew":  {picture: onCard(late), tried: quiet(verdict.Slow), want: verdict.Slow, model: target, answers: true, words: again},
		"a restart is no quiet moment":         {picture: onCard(late), tried: Attempts{Restarted: true, Unloaded: true}, want: verdict.Slow, need: verdict.MendWhenQuiet, model: target, answers: true},
		"with a leak that a restart left":      {picture: onCard(leaking), tried: quiet(verdict.VRAMLeak), want: verdict.VRAMLeak, answers: true, words: again},
		"which it left, and not loaded":        {picture: onCard(leaking, unloaded), tried: quiet(verdict.VRAMLeak), want: verdict.Unloaded, model: target, answers: true},
		"and not loaded":                       {picture: onCard(leaking, unloaded), want: verdict.VRAMLeak, need: verdict.MendWhenQuiet, answers: true},
		"a loss of the GPU is no leak":         {picture: onCard(leaking), tried: quiet(verdict.GPULost), want: verdict.VRAMLeak, need: verdict.MendWhenQuiet, answers: true},
		"a leak before slowness":               {picture: onCard(leaking, late), want: verdict.VRAMLeak, need: verdict.MendWhenQuiet, answers: true},
		"slowness over a leak that stays":      {picture: onCard(leaking, late), tried: quiet(verdict.VRAMLeak), want: verdict.Slow, need: verdict.MendWhenQuiet, model: target, answers: true},
		"the first of all that stay":           {picture: onCard(leaking, late), tried: quiet(verdict.Slow, verdict.VRAMLeak), want: verdict.VRAMLeak, answers: true, words: again},
		"which goes over heat":                 {picture: onCard(leaking, throttled), tried: quiet(verdict.VRAMLeak), want: verdict.VRAMLeak, answers: true, words: again},
		"without the engine":                   {picture: onCard(leaking, engineAway), tried: quiet(verdict.VRAMLeak), want: verdict.EngineAway, answers: true},
		"without it, and not loaded":           {picture: onCard(leaking, unloaded, engineAway), want: verdict.EngineAway, answers: true},
		"in vain without it, and not loaded":   {picture: onCard(leaking, unloaded, engineAway), tried: quiet(verdict.VRAMLeak), want: verdict.Unloaded, model: target, answers: true},
		"and is waited for while a probe does": {picture: onCard(onCPU, doubt), before: verdict.Judgement{Verdict: verdict.GPULost, Answers: true, Need: verdict.MendWhenQuiet}, want: verdict.GPULost, need: verdict.MendWhenQuiet, answers: true},
		"and not where it was used, then":      {picture: onCard(onCPU, doubt), before: verdict.Judgement{Verdict: verdict.GPULost, Answers: true, Need: verdict.Nothing}, want: verdict.Busy, answers: true},
	})
}
