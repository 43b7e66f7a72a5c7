package policy

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const hour = time.Hour

// mayNeed are all the needs that the record of a verdict names.
func mayNeed(v verdict.Verdict) []verdict.Need {
	r := verdict.Of(v)
	all := append([]verdict.Need{r.Need}, r.Finds...)
	if r.Unproved != "" {
		all = append(all, r.Unproved)
	}
	return all
}

// Each verdict in each of its needs, as shortly as it can be brought about. What leads
// there and what does not stands in the tests of the rules.
func TestEachVerdictInEachOfItsNeeds(t *testing.T) {
	restart := Attempts{Restarted: true}
	table := map[verdict.Verdict]map[verdict.Need]settled{
		verdict.Unproven: {verdict.Proof: {picture: picture(unread)}},
		verdict.Healthy: {
			verdict.Nothing: {picture: picture()},
			verdict.Proof:   {picture: picture(failing(2)), before: verdict.Judgement{Verdict: verdict.Healthy}},
		},
		verdict.Busy: {verdict.Patience: {picture: picture(doubt)}},
		verdict.Slow: {
			verdict.Nothing: {picture: picture(late), tried: quiet(verdict.Slow)}, verdict.MendWhenQuiet: {picture: picture(late)},
			verdict.Proof: {picture: picture(failing(2)), before: verdict.Judgement{Verdict: verdict.Slow}},
		},
		verdict.Unloaded: {verdict.Load: {picture: picture(unloaded)}},
		verdict.Loading:  {verdict.Arrival: {picture: picture(loading(time.Minute))}},
		verdict.Wedged: {
			verdict.Wait: {picture: picture(silent, jumped(0))}, verdict.Mend: {picture: picture(silent)},
			verdict.MakeRoom: {picture: picture(loading(hour), loadedToo)},
		},
		verdict.Crashed: {
			verdict.Reload: {picture: picture(crashes(1))}, verdict.Wait: {picture: picture(crashes(3), inspectedBefore(time.Minute))},
			verdict.Mend: {picture: picture(crashes(3))}, verdict.Person: {picture: picture(crashes(3)), tried: restart},
		},
		verdict.Down:         {verdict.Wait: {picture: picture(exited(time.Second))}, verdict.Mend: {picture: picture(exited(hour))}},
		verdict.Stopped:      {verdict.HandsOff: {picture: picture(func(p *verdict.Picture) { p.OperatorAct = "was stopped by hand" })}},
		verdict.ModelMissing: {verdict.Pull: {picture: picture(missing)}},
		verdict.EngineAway:   {verdict.Nothing: {picture: picture(engineAway)}, verdict.Wait: {picture: picture(engineAway, silent)}},
		verdict.Overloaded:   {verdict.Patience: {picture: picture(refused)}},
		verdict.OutOfMemory: {
			verdict.Reload: {picture: picture(noRoom(1))}, verdict.MakeRoom: {picture: picture(noRoom(2), loadedToo)},
			verdict.Mend: {picture: picture(noRoom(2))}, verdict.Person: {picture: picture(noRoom(2)), tried: restart},
		},
		verdict.Garbage: {
			verdict.Wait: {picture: picture(hollow, jumped(0))}, verdict.Mend: {picture: picture(hollow)},
			verdict.Person: {picture: picture(hollowAgain)},
		},
		verdict.GPULost: {
			verdict.Nothing: {picture: onCard(onCPU), tried: quiet(verdict.GPULost)}, verdict.MendWhenQuiet: {picture: onCard(onCPU)},
		},
		verdict.CPUFallback: {
			verdict.Nothing: {picture: onCard(onCPU, meantSo)}, verdict.MendWhenQuiet: {picture: onCard(onCPU, neverThere)},
		},
		verdict.VRAMLeak:  {verdict.Nothing: {picture: onCard(leaking, jumped(0))}, verdict.MendWhenQuiet: {picture: onCard(leaking)}},
		verdict.Throttled: {verdict.Nothing: {picture: onCard(throttled)}},
		verdict.HostAction: {
			verdict.Nothing: {picture: onCard(lost)}, verdict.Wait: {picture: onCard(lost, unread)},
			verdict.Reload: {picture: onCard(lost, unread, unloaded)}, verdict.Person: {picture: onCard(lost, silent)},
			verdict.MendWithBudget: {picture: picture(apiSilent), tried: spent},
		},
	}
	for _, v := range verdict.All {
		cases := table[v]
		for need, c := range cases {
			if got := Settle(verdict.Judge(c.picture, c.before), c.picture, c.tried); got.Verdict != v || got.Need != need {
				t.Errorf("%s, needs %s: %s\nwant %s, %s", got.Verdict, got.Need, got.Sentence, v, need)
			}
		}
		for _, need := range mayNeed(v) {
			if _, shown := cases[need]; !shown {
				t.Errorf("that %s may need %s is not shown", v, need)
			}
		}
	}
}
