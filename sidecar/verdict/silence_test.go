package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

func TestSilence(t *testing.T) {
	const other = "other:latest"
	for name, c := range map[string]struct {
		waited  time.Duration
		picture Picture
		want    evidence.Outcome
		words   string
	}{
		"too short to mean anything":              {3*time.Second - 1, picture(), evidence.Unknown, "not waited long enough"},
		"in a still container":                    {3 * time.Second, picture(), evidence.Failure, "no answer for 3s to a first chunk; the container has been still for 10m"},
		"in a container that just worked":         {time.Minute, picture(pulse(workedUntil(watch.Stillness - 1))), evidence.Unknown, "the container works"},
		"in a container that came to rest":        {time.Minute, picture(pulse(workedUntil(watch.Stillness))), evidence.Failure, "still for"},
		"in a container at work":                  {spinBudget - 1, picture(pulse(working())), evidence.Unknown, "the container works"},
		"in a container at work for nobody":       {unseenWork - 1, picture(pulse(working())), evidence.Unknown, "the container works"},
		"in a container that spins":               {unseenWork, picture(pulse(working())), evidence.Failure, "waited 1h0m0s for a first chunk; the container uses 1000 ms"},
		"beside a stream that waits, too":         {spinBudget, picture(pulse(working()), request(target, spinBudget, 0), streaming), evidence.Failure, "waited 10m0s for a first chunk"},
		"beside an answer in one piece":           {unseenWork - 1, picture(pulse(working()), request(target, time.Hour, 0), request(target, time.Hour, 0), streaming), evidence.Unknown, "the container works"},
		"beside an embedding that waits":          {spinBudget, picture(pulse(working()), request(target, spinBudget, 0), embeds), evidence.Failure, "waited 10m0s for a first chunk"},
		"beside an embedding, not for long":       {spinBudget - 1, picture(pulse(working()), request(target, spinBudget, 0), embeds), evidence.Unknown, "the container works"},
		"beside an embedding and a whole answer":  {unseenWork - 1, picture(pulse(working()), request(target, time.Hour, 0), embeds, request(target, time.Hour, 0)), evidence.Unknown, "the container works"},
		"beside another's embedding":              {unseenWork - 1, picture(pulse(working()), request(other, time.Hour, 0), embeds), evidence.Unknown, "the container works"},
		"behind a long text to embed":             {time.Hour, picture(pulse(working()), request(target, time.Hour, 0), embeds, prompt(100_000)), evidence.Unknown, "the container works"},
		"behind a text that must be embedded":     {time.Hour, picture(pulse(working()), request(target, time.Hour, 0), embeds, prompt(11_000)), evidence.Failure, "uses"},
		"behind several texts to embed":           {time.Hour, picture(pulse(working()), request(target, time.Hour, 0), embeds, prompt(11_000), request(target, time.Hour, 0), embeds, prompt(11_000)), evidence.Unknown, "the container works"},
		"behind texts for two to embed":           {time.Hour, picture(pulse(working()), request(target, time.Hour, 0), embeds, prompt(11_000), request(other, time.Hour, 0), embeds, prompt(11_000)), evidence.Failure, "uses"},
		"behind several long prompts":             {time.Hour, picture(pulse(working()), request(target, time.Hour, 0), streaming, prompt(11_000), request(target, time.Hour, 0), streaming, prompt(11_000)), evidence.Failure, "uses"},
		"in a still container beside embeddings":  {3 * time.Second, picture(request(target, 3*time.Second, 0), embeds, prompt(100_000)), evidence.Failure, "still"},
		"behind a long prompt":                    {time.Hour, picture(pulse(working()), request(target, time.Hour, 0), prompt(100_000)), evidence.Unknown, ""},
		"behind a prompt that must be over":       {time.Hour, picture(pulse(working()), request(target, time.Hour, 0), prompt(11_000)), evidence.Failure, "uses"},
		"behind a stream":                         {time.Minute, picture(request(other, time.Minute, time.Second)), evidence.Unknown, "behind a stream that moved 1s ago"},
		"behind a stream frozen with it":          {time.Minute, picture(request(target, 2*time.Minute, time.Minute)), evidence.Failure, "still"},
		"behind a stream frozen just before":      {4 * time.Second, picture(pulse(workedUntil(4*time.Second)), request(other, time.Minute, 5*time.Second)), evidence.Failure, "still"},
		"behind a stream frozen since":            {time.Minute, picture(request(target, 2*time.Minute, 20*time.Second)), evidence.Failure, "still"},
		"behind the target's endless stream":      {time.Hour, picture(request(target, 2*time.Hour, time.Second)), evidence.Unknown, "behind a stream"},
		"behind its slow endless stream":          {time.Hour, picture(pulse(working()), request(target, 2*time.Hour, 20*time.Second)), evidence.Unknown, "the container works"},
		"behind another's endless stream":         {unseenWork, picture(request(other, time.Hour, time.Second)), evidence.Failure, "waited 1h"},
		"in work that the engine's return showed": {time.Hour, picture(pulse(working()), engineBack(spinBudget-1)), evidence.Unknown, "the container works"},
		"in work seen for long":                   {2 * time.Hour, picture(pulse(working()), engineBack(unseenWork)), evidence.Failure, "uses"},
		"not yet looked at":                       {3 * time.Second, picture(lostView(time.Hour, 0, 2*time.Second)), evidence.Unknown, "has not been read"},
		"unseen":                                  {blindWait - 1, picture(unseen), evidence.Unknown, "not known"},
		"unseen for long":                         {blindWait, picture(unseen), evidence.Failure, "not known"},
		"unseen behind a slow stream":             {5 * time.Minute, picture(unseen, request(other, time.Hour, streamMoves-1)), evidence.Unknown, "behind a stream"},
		"unseen behind a stopped stream":          {5 * time.Minute, picture(unseen, request(other, time.Hour, streamMoves)), evidence.Failure, ""},
		"after work that was lost from view":      {5 * time.Minute, picture(lostView(10*time.Minute, time.Second, 15*time.Second)), evidence.Unknown, "not known"},
		"long after work was lost from view":      {5 * time.Minute, picture(lostView(10*time.Minute, time.Second, 20*time.Second)), evidence.Failure, ""},
		"under a view that has just begun":        {5 * time.Minute, picture(pulse(watch.Pulse{}.Add(evidence.Activity{SeenAt: ago(time.Second)}))), evidence.Unknown, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Silence(c.picture, ago(c.waited), "a first chunk")
			if got.Outcome != c.want || !strings.Contains(got.Reason, c.words) || got.Reason == "" {
				t.Errorf("%s: %q, want %s: %q", got.Outcome, got.Reason, c.want, c.words)
			}
			if got.Took != c.waited || !got.At.Equal(now) || got.Probe != evidence.ProbeReady {
				t.Errorf("took %s at %s", got.Took, got.At)
			}
		})
	}
}

// lostView is what was watched until a while ago.
func lostView(d, perSecond, until time.Duration) func(*Picture) {
	return pulse(watched(d, perSecond, until))
}

func TestAClientThatWaitsIsAReasonToProbe(t *testing.T) {
	for name, c := range map[string]struct {
		picture Picture
		want    string
	}{
		"nobody waits":                       {picture(), ""},
		"for a first chunk":                  {picture(request(target, 3*time.Second, 0)), target},
		"for another model":                  {picture(request("b:latest", 3*time.Second, 0)), "b:latest"},
		"not for long":                       {picture(request(target, 3*time.Second-1, 0)), ""},
		"in mid-stream":                      {picture(request(target, time.Hour, 3*time.Second)), target},
		"while its stream moves":             {picture(request(target, time.Hour, time.Second)), ""},
		"while the container works":          {picture(request(target, time.Hour, 0), pulse(working())), ""},
		"while nothing is seen":              {picture(request(target, time.Hour, 0), unseen), ""},
		"beside one whose stream moves":      {picture(request(target, time.Hour, time.Second), request("b:latest", time.Minute, 0)), "b:latest"},
		"when the container came to rest":    {picture(request(target, time.Hour, 0), pulse(workedUntil(watch.Stillness))), target},
		"when the container has just rested": {picture(request(target, time.Hour, 0), pulse(workedUntil(watch.Stillness-1))), ""},
	} {
		if model, waits := ClientWaits(c.picture); model != c.want || waits != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", name, model, waits, c.want)
		}
	}
}
