package verdict

import (
	"testing"

	"github.com/clawdbot/clawgate/sidecar/watch"
)

func hollow(answers, prompts int, changes ...func(*watch.Hollow)) func(*Picture) {
	return func(p *Picture) {
		p.Model.Hollow = watch.Hollow{Answers: answers, Prompts: make([]uint64, prompts), Confirmed: "one symbol over and over"}
		for _, change := range changes {
			change(&p.Model.Hollow)
		}
	}
}

func TestAnswersWithNothingInThem(t *testing.T) {
	unconfirmed := func(h *watch.Hollow) { h.Confirmed = "" }
	again := func(h *watch.Hollow) { h.Again = true }
	find(t, map[string]finding{
		"to users and to the probe":        {picture: picture(hollow(3, 2)), want: Garbage, need: Mend, model: target, words: "3 answers to 2 prompts had nothing in them, and neither had the probe's: one symbol"},
		"again after another load":         {picture: picture(hollow(3, 2, again)), want: Garbage, need: Person, model: target, words: "it is kept out"},
		"to users alone":                   {picture: picture(hollow(99, 9, unconfirmed)), want: Healthy},
		"to users alone, after a bad load": {picture: picture(hollow(99, 9, unconfirmed, again)), want: Healthy},
		"to one prompt, which may be why":  {picture: picture(hollow(99, 1)), want: Healthy},
		"twice":                            {picture: picture(hollow(2, 2)), want: Healthy},
		"while it is loaded anew":          {picture: picture(hollow(3, 2), ourLoadFor(1)), want: Loading, model: target},
		"while the engine is away":         {picture: picture(hollow(3, 2), engineAway), want: EngineAway, model: target},
	})
	for _, p := range []Picture{picture(hollow(3, 2)), picture(hollow(3, 2, again)), picture(hollow(3, 2), engineAway)} {
		if got := Judge(p, Judgement{}); got.Answers {
			t.Errorf("a model that says nothing does not answer: %+v", got)
		}
	}
}
