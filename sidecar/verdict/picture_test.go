package verdict

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

const target = "qwen3:32b"

var now = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// picture is a server that runs, answers and does nothing, as seen for ten
// minutes, changed by each of the given changes.
func picture(changes ...func(*Picture)) Picture {
	p := Picture{
		Moment: Moment{Now: now, Limit: Limits{FailureThreshold: 3, SuccessThreshold: 1, FirstChunk: 3 * time.Second, LoadStall: 10 * time.Minute}},
		Target: target, Main: target,
		Container: watch.Container{Known: true, Seen: evidence.Container{
			Identity: evidence.Identity{ID: "c1", StartedAt: ago(time.Hour)},
			Status:   evidence.Running, RestartPolicy: "unless-stopped", SeenAt: now,
		}},
		Server: watch.Server{
			Reached: true, Answered: true,
			TCP:    watch.Streak{Successes: 1, Last: evidence.ProbeResult{Probe: evidence.ProbeTCP, Outcome: evidence.Success}},
			API:    watch.Streak{Successes: 1, Last: evidence.ProbeResult{Probe: evidence.ProbeAPI, Outcome: evidence.Success, Answered: true}},
			Loaded: []evidence.LoadedModel{{Name: target}}, LoadedKnown: true,
			Pulse: stillFor(10 * time.Minute),
		},
		Model: watch.Model{Streak: watch.Streak{Successes: 1, Last: evidence.ProbeResult{Probe: evidence.ProbeReady, Outcome: evidence.Success, Answered: true}}},
	}
	for _, change := range changes {
		change(&p)
	}
	return p
}

// Views of the container.
func stillFor(d time.Duration) watch.Pulse { return watched(d, 0, 0) }
func working() watch.Pulse                 { return watched(10*time.Minute, time.Second, 0) }

// watched is what three readings, over the time d and the last of them the time until
// ago, make of a container with a steady use of CPU.
func watched(d, perSecond, until time.Duration) (pulse watch.Pulse) {
	for _, t := range []time.Duration{d, 2 * time.Second, 0} {
		pulse = pulse.Add(evidence.Activity{SeenAt: ago(until + t), CPU: time.Duration((d - t).Seconds() * float64(perSecond))})
	}
	return pulse
}

// workedUntil is a container that has stood still for the time d after it worked.
func workedUntil(d time.Duration) watch.Pulse {
	if d+time.Second >= time.Hour {
		return stillFor(time.Hour)
	}
	pulse := watch.Pulse{}.Add(evidence.Activity{SeenAt: ago(time.Hour)}).Add(evidence.Activity{SeenAt: ago(d + time.Second)})
	for _, t := range []time.Duration{d, 2 * time.Second, 0} {
		if t <= d && ago(t).After(pulse.SeenAt()) {
			pulse = pulse.Add(evidence.Activity{SeenAt: ago(t), CPU: time.Second})
		}
	}
	return pulse
}

func pulse(p watch.Pulse) func(*Picture) { return func(picture *Picture) { picture.Server.Pulse = p } }
func unseen(p *Picture)                  { p.Server.Pulse = watch.Pulse{} }
func engineAway(p *Picture)              { p.Container.EngineAway = ago(time.Minute) }
func engineBack(d time.Duration) func(*Picture) {
	return func(p *Picture) { p.Container.EngineBack = ago(d) }
}
func unloaded(p *Picture)                       { p.Server.Loaded = nil }
func ourLoadFor(d time.Duration) func(*Picture) { return func(p *Picture) { p.LoadSince = ago(d) } }

func status(s evidence.Status, since time.Duration) func(*Picture) {
	return func(p *Picture) { p.Container.Seen.Status, p.Container.GoneSince = s, ago(since) }
}

func startedBefore(d time.Duration) func(*Picture) {
	return func(p *Picture) { p.Container.Seen.StartedAt = ago(d) }
}

// failures are n results of a kind in a row, the first of them the time d ago.
func failures(n int, d time.Duration, last evidence.ProbeResult) watch.Streak {
	last.Outcome = evidence.Failure
	if last.Reason == "" {
		last.Reason = "no answer"
	}
	return watch.Streak{Last: last, Failures: n, FailingSince: ago(d)}
}

func tcp(n int, last evidence.ProbeResult) func(*Picture) {
	return func(p *Picture) { p.Server.TCP = failures(n, time.Duration(n)*5*time.Second, last) }
}

func api(n int, d time.Duration, last evidence.ProbeResult) func(*Picture) {
	return func(p *Picture) { p.Server.API = failures(n, d, last) }
}

func ready(n int, d time.Duration, last evidence.ProbeResult) func(*Picture) {
	return func(p *Picture) { p.Model.Streak = failures(n, d, last) }
}

func doubt(p *Picture)  { p.Model.Streak.Inconclusive = "waiting while the container works" }
func unread(p *Picture) { p.Model.Streak = watch.Streak{} }
func mute(p *Picture)   { p.Model.Streak, p.Server.Answered = watch.Streak{}, false }

// request is one in flight, sent and last moved the given times ago; 0 moved
// means never.
func request(model string, sent, moved time.Duration) func(*Picture) {
	return func(p *Picture) {
		r := evidence.Request{Model: model, SentAt: ago(sent), PromptTokens: 10}
		if moved > 0 {
			r.FirstChunkAt, r.LastChunkAt = ago(sent), ago(moved)
		}
		p.Traffic.InFlight = append(p.Traffic.InFlight, r)
	}
}

func streaming(p *Picture) { p.Traffic.InFlight[len(p.Traffic.InFlight)-1].Streaming = true }

func embeds(p *Picture) { p.Traffic.InFlight[len(p.Traffic.InFlight)-1].Embeds = true }

func prompt(tokens int) func(*Picture) {
	return func(p *Picture) { p.Traffic.InFlight[len(p.Traffic.InFlight)-1].PromptTokens = tokens }
}

// inspectedBefore is a container that was last looked at the time d ago.
func inspectedBefore(d time.Duration) func(*Picture) {
	return func(p *Picture) { p.Container.Seen.SeenAt = ago(d) }
}

func crashes(n int) func(*Picture) {
	return func(p *Picture) {
		for i := range n {
			at := ago(time.Duration(n-1-i)*10*time.Second + time.Second)
			p.Model.Crashed(at, "llama runner process has terminated", func() bool { return false })
		}
	}
}

// answered is a model that has given a token since whatever was wrong.
func answered(p *Picture) { p.Model.Token = now }

// finding is one row of a table about Judge.
type finding struct {
	picture Picture
	before  Judgement
	after   []Help // that were tried; empty for what the world alone calls for
	want    Verdict
	need    Need // empty where it is what the verdict usually needs
	model   string
	words   string // part of the sentence
}

// once is what a judgement comes to where these were tried, whatever it was for.
func (j Judgement) once(tried ...Help) Judgement {
	for _, then := range j.Then {
		if slices.Contains(tried, then.After) {
			return then.once(tried...)
		}
	}
	return j
}

func find(t *testing.T, table map[string]finding) {
	t.Helper()
	for name, f := range table {
		t.Run(name, func(t *testing.T) {
			got := Judge(f.picture, f.before).once(f.after...)
			need := f.need
			if need == "" {
				need = Of(f.want).Usually(got.Answers)
			}
			if got.Verdict != f.want || got.Need != need || got.Model != f.model || got.Behind != "" {
				t.Errorf("%s, needs %s, model %q, behind %q: %s\nwant %s, %s, model %q",
					got.Verdict, got.Need, got.Model, got.Behind, got.Sentence, f.want, need, f.model)
			}
			if !strings.Contains(got.Sentence, f.words) || got.Sentence == "" {
				t.Errorf("says %q, want %q in it", got.Sentence, f.words)
			}
		})
	}
}
