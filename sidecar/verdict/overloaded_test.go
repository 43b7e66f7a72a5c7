package verdict

import (
	"testing"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// refused is a row of refusals that began and ended the given times ago, the last of
// them of Clawgate's own request.
func refused(first, last time.Duration) func(*Picture) {
	return func(p *Picture) {
		p.Refused = watch.Refusals{First: ago(first), Last: ago(last), Count: 40, Own: ago(last)}
	}
}

// ownRefusal is when Clawgate was refused; the zero time for never.
func ownRefusal(at time.Time) func(*Picture) { return func(p *Picture) { p.Refused.Own = at } }

func gpuActive(d time.Duration) func(*Picture) {
	return func(p *Picture) { p.Devices.WorkedAt = ago(d) }
}

// probed is a container that rests but for a probe's work every half minute, the
// last of it the time d ago.
func probed(d time.Duration) func(*Picture) {
	var probed watch.Pulse
	var cpu time.Duration
	for at := time.Hour; at >= 0; at -= 2 * time.Second {
		if at >= d && (at-d)%(30*time.Second) < 4*time.Second {
			cpu += time.Second
		}
		probed = probed.Add(evidence.Activity{SeenAt: ago(at), CPU: cpu})
	}
	return pulse(probed)
}

func TestAServerThatRefuses(t *testing.T) {
	row := refused(10*time.Minute, time.Second)
	find(t, map[string]finding{
		"and works is overloaded":              {picture: picture(row, pulse(working())), want: Overloaded, words: "refused 40 requests as busy, the last 1s ago, and works"},
		"and streams is overloaded":            {picture: picture(row, request("other:latest", time.Hour, 30*time.Second)), want: Overloaded},
		"and whose GPU works is overloaded":    {picture: picture(row, gpuActive(time.Second)), want: Overloaded},
		"and is not seen is overloaded":        {picture: picture(row, unseen), want: Overloaded},
		"for a while is overloaded":            {picture: picture(refused(idleQueue, 2*time.Second)), want: Overloaded},
		"and stands still is stuck":            {picture: picture(row), want: Wedged, need: Mend, model: target, words: "refused 40 requests as busy for 10m0s and does nothing"},
		"and answers nothing but the probe":    {picture: picture(row, probed(6*time.Second), gpuActive(25*time.Second)), want: Wedged, need: Mend, model: target},
		"and has just answered the probe":      {picture: picture(row, probed(2*time.Second)), want: Overloaded},
		"and has come to rest":                 {picture: picture(row, workedLong(idleQueue-10*time.Second)), want: Overloaded},
		"and loads":                            {picture: picture(row, unloaded, ourLoadFor(time.Minute)), want: Loading, model: target},
		"by clients' word alone":               {picture: picture(row, ownRefusal(time.Time{})), want: Overloaded},
		"and refused Clawgate in another row":  {picture: picture(row, ownRefusal(ago(11*time.Minute))), want: Overloaded},
		"and refused Clawgate before that row": {picture: picture(row, pulse(stillFor(time.Hour)), ownRefusal(ago(11*time.Minute))), want: Overloaded},
		"and has worked since it refused us":   {picture: picture(row, ownRefusal(ago(5*time.Minute)), workedLong(2*time.Minute)), want: Overloaded},
		"and has not worked since":             {picture: picture(row, ownRefusal(ago(time.Minute)), workedLong(2*time.Minute)), want: Wedged, need: Mend, model: target},
		"no more":                              {picture: picture(refused(10*time.Minute, refusedLately)), want: Healthy},
		"and fails its probes":                 {picture: picture(refused(10*time.Minute, time.Second), unseen, wedged), want: Wedged, need: Mend, model: target, words: "probes failed"},
		"and stands still without the engine":  {picture: picture(row, engineAway), want: EngineAway, model: target},
	})
}

// workedLong is a container that worked for a minute until the time d ago.
func workedLong(d time.Duration) func(*Picture) {
	var worked watch.Pulse
	var cpu time.Duration
	for at := time.Hour; at >= 0; at -= 2 * time.Second {
		if at >= d && at < d+time.Minute {
			cpu += time.Second
		}
		worked = worked.Add(evidence.Activity{SeenAt: ago(at), CPU: cpu})
	}
	return pulse(worked)
}

func TestARequestThatIsNeverScheduled(t *testing.T) {
	const other, third = "other:latest", "third:latest"
	stall := 10 * time.Minute
	stuck := request(other, stall, 0)
	find(t, map[string]finding{
		"in a still server":                  {picture: picture(stuck), want: Wedged, need: MakeRoom, model: other, words: "has waited 10m0s and nothing is loaded for it"},
		"beside a model that answers probes": {picture: picture(stuck, probed(6*time.Second)), want: Wedged, need: MakeRoom, model: other},
		"after room was made":                {picture: picture(stuck), after: []Help{Room}, want: Wedged, need: Mend, model: other},
		"for a moment":                       {picture: picture(request(other, stall-time.Second, 0)), want: Healthy},
		"while its model loads":              {picture: picture(stuck, workedLong(stall-10*time.Second)), want: Healthy},
		"while a GPU works":                  {picture: picture(stuck, gpuActive(time.Second)), want: Healthy},
		"behind another's long answer":       {picture: picture(stuck, request(third, time.Hour, 30*time.Second)), want: Healthy},
		"whose model is loaded":              {picture: picture(stuck, loadedToo(other)), want: Healthy},
		"whose answer has begun":             {picture: picture(request(other, time.Hour, 11*time.Minute)), want: Healthy},
		"where the models are not known":     {picture: picture(stuck, func(p *Picture) { p.Server.LoadedKnown = false }), want: Healthy},
		"where nothing is seen":              {picture: picture(stuck, unseen), want: Healthy},
		"while Clawgate's own load goes on":  {picture: picture(stuck, ourLoadFor(time.Minute)), want: Loading, model: target},
		"and no model is named in it":        {picture: picture(request("", time.Hour, 0)), want: Healthy},
		"without the engine":                 {picture: picture(stuck, engineAway), want: EngineAway, model: other},
	})
}
