package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

func TestAnOperatorsActStandsOverEverything(t *testing.T) {
	by := func(p *Picture) { p.OperatorAct = "was paused by hand" }
	wedged := ready(9, time.Hour, evidence.ProbeResult{})
	for name, p := range map[string]Picture{
		"over health":          picture(by),
		"over a gone server":   picture(by, status(evidence.Exited, time.Hour)),
		"over a silent server": picture(by, wedged, api(9, time.Hour, evidence.ProbeResult{})),
		"over a crash":         picture(by, crashes(9)),
		"over a load":          picture(by, ourLoadFor(time.Hour)),
		"without the engine":   picture(by, wedged, engineAway),
	} {
		got := Judge(p, Judgement{})
		if got.Verdict != Stopped || got.Need.Remedy() || got.Sentence != "the container was paused by hand; Clawgate leaves it so" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAContainerThatIsGone(t *testing.T) {
	policy := func(name string) func(*Picture) { return func(p *Picture) { p.Container.Seen.RestartPolicy = name } }
	find(t, map[string]finding{
		"whose list alone is slow":                {picture: picture(api(5, time.Minute, evidence.ProbeResult{}), func(p *Picture) { p.Model.Streak.Last.At = ago(time.Second) }), want: Healthy},
		"is left to its restart policy at first":  {picture: picture(status(evidence.Exited, PolicyWait-time.Second)), want: Down, words: "is exited"},
		"is started when the policy has had time": {picture: picture(status(evidence.Exited, PolicyWait)), want: Down, need: Mend},
		"is started soon without a policy":        {picture: picture(status(evidence.Exited, NoPolicyWait), policy("no")), want: Down, need: Mend},
		"waits a moment without a policy":         {picture: picture(status(evidence.Exited, NoPolicyWait-time.Second), policy("")), want: Down},
		"between the policy's attempts":           {picture: picture(status(evidence.Restarting, time.Minute)), want: Down},
		"was killed for memory": {picture: picture(status(evidence.Exited, 0), func(p *Picture) {
			p.Container.Seen.OOMKilled, p.Container.Seen.ExitCode = true, 137
		}), want: Down, words: "exit code 137, killed for memory"},
		"could not start, which no policy tries again": {picture: picture(status(evidence.Exited, NoPolicyWait), func(p *Picture) {
			p.Container.Seen.StartError = "no such device"
		}), want: Down, need: Mend, words: "no such device"},
		"is being removed":                     {picture: picture(status(evidence.Removing, time.Hour)), want: Down},
		"was stopped by Clawgate itself":       {picture: picture(status(evidence.Exited, 0), func(p *Picture) { p.Unfinished = true }), want: Down, need: Mend},
		"does not exist":                       {picture: picture(status(evidence.Absent, time.Hour)), want: Stopped},
		"while the engine is away, is a guess": {picture: picture(status(evidence.Exited, time.Hour), engineAway), want: EngineAway, words: "the model answers"},
	})
	if got := Judge(picture(status(evidence.Exited, time.Hour)), Judgement{}); !got.ServerGone {
		t.Error("has to be started, not restarted")
	}
}

func TestAPortWhereNobodyListens(t *testing.T) {
	refused := evidence.ProbeResult{Reason: "connection refused", Refused: true}
	unresolved := evidence.ProbeResult{Reason: "no such host", Refused: true, Unresolved: true}
	find(t, map[string]finding{
		"is noticed at once, and given time":        {picture: picture(tcp(1, refused)), want: Down, words: "connection refused"},
		"is mended at the threshold":                {picture: picture(tcp(3, refused)), want: Down, need: Mend},
		"is looked at again, all in one instant":    {picture: picture(tcp(9, refused), func(p *Picture) { p.Server.TCP.FailingSince = now }), want: Down},
		"is the container's end, until it is seen":  {picture: picture(tcp(9, refused), inspectedBefore(time.Minute)), want: Down},
		"is normal just after the start":            {picture: picture(tcp(9, refused), startedBefore(ServerStart-time.Second)), want: Down},
		"is not normal later":                       {picture: picture(tcp(9, refused), startedBefore(ServerStart)), want: Down, need: Mend},
		"was never open: a mistake in the URL":      {picture: picture(tcp(999, refused), func(p *Picture) { p.Server.Reached = false }), want: Down, words: "CLAWGATE_OLLAMA_URL"},
		"is the network's fault without a name":     {picture: picture(tcp(999, unresolved), api(99, time.Hour, unresolved)), want: Down, words: "no such host"},
		"cannot be mended without the engine":       {picture: picture(tcp(9, refused), engineAway), want: EngineAway, words: "connection refused"},
		"in an unknown container":                   {picture: picture(tcp(9, refused), func(p *Picture) { p.Container.Known = false }), want: Down},
		"that only timed out is the API's to judge": {picture: picture(tcp(9, evidence.ProbeResult{})), want: Healthy},
	})
}

func TestAnAPIThatDoesNotAnswer(t *testing.T) {
	silent := evidence.ProbeResult{Reason: "GET /api/tags: no answer within 5s"}
	find(t, map[string]finding{
		"below the threshold decides nothing": {picture: picture(api(2, 10*time.Second, silent)), want: Healthy},
		"and stands still is wedged":          {picture: picture(api(3, 10*time.Second, silent)), want: Wedged, need: Mend, words: "still for 10m"},
		"while the container works":           {picture: picture(api(9, spinBudget-time.Second, silent), pulse(working())), want: Busy},
		"while the container spins":           {picture: picture(api(9, spinBudget, silent), pulse(working())), want: Wedged, need: Mend},
		"while a stream moves":                {picture: picture(api(9, time.Minute, silent), request("other:latest", time.Minute, time.Second)), want: Busy},
		"where nothing is seen, too early":    {picture: picture(api(3, blindWait-time.Second, silent), unseen), want: Healthy},
		"where nothing is seen":               {picture: picture(api(3, blindWait, silent), unseen), want: Wedged, need: Mend, words: "not known"},
		"while the engine is away":            {picture: picture(api(3, time.Minute, silent), engineAway, unseen), want: EngineAway},
		"when the engine is just back": {picture: picture(api(9, time.Hour, silent), unseen, func(p *Picture) {
			p.Container.EngineBack = ago(time.Second)
		}), want: Wedged},
		"in a server that has just started":  {picture: picture(api(9, time.Minute, silent), mute, startedBefore(ServerStart-time.Second)), want: Loading},
		"in a server that should be up":      {picture: picture(api(9, time.Minute, silent), mute, startedBefore(ServerStart)), want: Wedged, need: Mend},
		"after it answered since that start": {picture: picture(api(9, time.Minute, silent), startedBefore(time.Minute)), want: Wedged, need: Mend},
		"because its name does not resolve":  {picture: picture(api(9, time.Hour, evidence.ProbeResult{Refused: true, Unresolved: true})), want: Healthy},
	})
}

func TestAnAPIThatAnswersOddlyIsNeverRestarted(t *testing.T) {
	for name, p := range map[string]Picture{
		"a proxy's 502":         picture(api(999, time.Hour, evidence.ProbeResult{Answered: true, Reason: "answered 502 instead of 200"})),
		"another list":          picture(api(999, time.Hour, evidence.ProbeResult{Answered: true, Missing: true})),
		"no list of the loaded": picture(ready(999, time.Hour, evidence.ProbeResult{Answered: true, Server: true})),
		"a pull":                picture(func(p *Picture) { p.PullSince = ago(time.Hour) }),
	} {
		if got := Judge(p, Judgement{}); got.Need.Remedy() {
			t.Errorf("%s: %+v", name, got)
		}
	}
	find(t, map[string]finding{
		"the model is missing": {picture: picture(api(1, 0, evidence.ProbeResult{Answered: true, Missing: true, Reason: `no model "x"`})), want: ModelMissing, words: "no model"},
		"the model is pulled":  {picture: picture(func(p *Picture) { p.PullSince, p.PullStatus = ago(time.Hour), "pulling: 7 %" }), want: ModelMissing, words: "7 %"},
		"an odd list closes the gate without a remedy": {
			picture: picture(ready(3, time.Minute, evidence.ProbeResult{Answered: true, Server: true, Reason: "GET /api/ps: HTTP status 502"})),
			want:    Wedged, words: "502",
		},
	})
}
