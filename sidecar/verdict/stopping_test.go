package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// expired is the target, listed the time d past its end by a server whose clock
// is an hour behind.
func expired(d time.Duration) func(*Picture) {
	return func(p *Picture) {
		seen := ago(time.Hour)
		p.Server.Loaded = []evidence.LoadedModel{{Name: target, SeenAt: seen, ExpiresAt: seen.Add(-d)}}
	}
}

func TestAModelThatNeverLeavesMemory(t *testing.T) {
	long := expired(10 * time.Minute)
	jumped := func(d time.Duration) func(*Picture) {
		return func(p *Picture) { p.ClockJumpedAt = ago(d) }
	}
	find(t, map[string]finding{
		"is unloaded by force":                {picture: picture(long), want: Wedged, need: Mend, model: target, words: "has been stopping the model for 10m0s and nobody uses it"},
		"may take its time":                   {picture: picture(expired(stoppingLasts - time.Second)), want: Healthy},
		"is not past its time":                {picture: picture(expired(-time.Hour)), want: Healthy},
		"while an answer goes on":             {picture: picture(long, request(target, time.Hour, 10*time.Minute)), want: Healthy},
		"while somebody else's answer does":   {picture: picture(long, pulse(working())), want: Healthy},
		"while the GPU works":                 {picture: picture(long, gpuActive(30*time.Second)), want: Healthy},
		"while another model streams":         {picture: picture(long, request("other:latest", time.Hour, 30*time.Second)), want: Healthy},
		"when something moved a moment ago":   {picture: picture(long, pulse(workedUntil(stoppingLasts-time.Second))), want: Healthy},
		"where nothing is seen":               {picture: picture(long, unseen), want: Healthy},
		"where the server's clock has jumped": {picture: picture(long, jumped(30*time.Minute)), want: Healthy},
		"where it jumped before that run":     {picture: picture(long, jumped(2*time.Hour)), want: Wedged, need: Mend, model: target},
		"by a list without a time":            {picture: picture(long, func(p *Picture) { p.Server.Loaded[0].SeenAt = time.Time{} }), want: Healthy},
		"by a list without an end":            {picture: picture(long, func(p *Picture) { p.Server.Loaded[0].ExpiresAt = time.Time{} }), want: Healthy},
		"and whose runner died":               {picture: picture(long, crashes(1)), want: Crashed, model: target},
	})
}
