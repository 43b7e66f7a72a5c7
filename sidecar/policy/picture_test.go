package policy

import (
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/verdict"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

const (
	target    = "qwen3:32b"
	other     = "other:latest"
	mib       = 1 << 20
	modelSize = 20_000 * mib
)

var now = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// change is one thing that is otherwise in a picture.
type change = func(*verdict.Picture)

// picture is a server without a GPU that runs, answers and does nothing, as seen for
// ten minutes, changed by each of the given changes.
func picture(changes ...change) verdict.Picture {
	p := verdict.Picture{
		Moment: verdict.Moment{Now: now, Limit: verdict.Limits{FailureThreshold: 3, SuccessThreshold: 1, FirstChunk: 3 * time.Second, LoadStall: 10 * time.Minute}},
		Target: target, Main: target,
		Container: watch.Container{Known: true, Seen: evidence.Container{
			Identity: evidence.Identity{ID: "c1", StartedAt: ago(time.Hour)},
			Status:   evidence.Running, RestartPolicy: "unless-stopped", SeenAt: now,
		}},
		Server: watch.Server{
			Reached: true, Answered: true,
			TCP:    watch.Streak{Successes: 1, Last: evidence.ProbeResult{Outcome: evidence.Success}},
			API:    watch.Streak{Successes: 1, Last: evidence.ProbeResult{Outcome: evidence.Success, Answered: true}},
			Loaded: []evidence.LoadedModel{{Name: target}}, LoadedKnown: true,
			Pulse: watched(0),
		},
		Model: watch.Model{Streak: watch.Streak{Successes: 1, Last: evidence.ProbeResult{Outcome: evidence.Success, Answered: true}}},
	}
	for _, change := range changes {
		change(&p)
	}
	return p
}

// onCard is the same with all of the model on the container's GPU.
func onCard(changes ...change) verdict.Picture {
	return picture(append([]change{card}, changes...)...)
}

func card(p *verdict.Picture) {
	p.Container.Seen.GPURequested = true
	p.Server.Loaded = []evidence.LoadedModel{{Name: target, Size: modelSize, SizeVRAM: modelSize}}
	p.Devices = watch.Devices{View: viewOf(gpuWith(holding(modelSize))), OwnSeen: true, Hint: evidence.GPUFound}
	p.Model.BestRatio, p.Model.UsedThisRun = 1, true
}

// watched is a container that was seen to use so much CPU a second for ten minutes.
func watched(perSecond time.Duration) (pulse watch.Pulse) {
	for _, t := range []time.Duration{10 * time.Minute, 2 * time.Second, 0} {
		pulse = pulse.Add(evidence.Activity{SeenAt: ago(t), CPU: time.Duration((10*time.Minute - t).Seconds() * float64(perSecond))})
	}
	return pulse
}

func works(p *verdict.Picture)    { p.Server.Pulse = watched(time.Second) }
func unseen(p *verdict.Picture)   { p.Server.Pulse = watch.Pulse{} }
func unread(p *verdict.Picture)   { p.Model.Streak = watch.Streak{} }
func doubt(p *verdict.Picture)    { p.Model.Streak.Inconclusive = "waiting while the container works" }
func unloaded(p *verdict.Picture) { p.Server.Loaded = nil }
func apart(p *verdict.Picture)    { p.Apart = "it is another one" }

func engineAway(p *verdict.Picture) { p.Container.EngineAway = ago(time.Minute) }
func jumped(d time.Duration) change { return func(p *verdict.Picture) { p.ClockJumpedAt = ago(d) } }

// exited is a container that ended by itself the time d ago.
func exited(d time.Duration) change {
	return func(p *verdict.Picture) { p.Container.Seen.Status, p.Container.GoneSince = evidence.Exited, ago(d) }
}

func failures(n int, last evidence.ProbeResult) watch.Streak {
	last.Outcome, last.Reason = evidence.Failure, "no answer"
	return watch.Streak{Last: last, Failures: n, FailingSince: ago(time.Minute)}
}

// failing is a number of readiness probes without an answer, silent a model that is
// wedged in a still server, serverSilent the whole server as probes of the model and of
// the API show it.
func failing(n int) change {
	return func(p *verdict.Picture) { p.Model.Streak = failures(n, evidence.ProbeResult{}) }
}
func silent(p *verdict.Picture) { failing(3)(p) }
func serverSilent(p *verdict.Picture) {
	p.Model.Streak = failures(3, evidence.ProbeResult{Server: true})
}
func apiSilent(p *verdict.Picture) { p.Server.API = failures(3, evidence.ProbeResult{}) }

func missing(p *verdict.Picture) {
	p.Server.API = failures(1, evidence.ProbeResult{Answered: true, Missing: true})
}

// nobodyListens refuses every connection.
func nobodyListens(p *verdict.Picture) {
	p.Server.TCP = failures(9, evidence.ProbeResult{Refused: true})
}

func loading(d time.Duration) change { return func(p *verdict.Picture) { p.LoadSince = ago(d) } }

func loadedToo(p *verdict.Picture) {
	p.Server.Loaded = append(p.Server.Loaded, evidence.LoadedModel{Name: other})
}

// stuck is a request for another model that has waited for so long.
func stuck(p *verdict.Picture) {
	p.Traffic.InFlight = append(p.Traffic.InFlight, evidence.Request{Model: other, SentAt: ago(10 * time.Minute), PromptTokens: 10})
}

func crashes(n int) change {
	return func(p *verdict.Picture) {
		for i := range n {
			at := ago(time.Duration(n-1-i)*10*time.Second + time.Second)
			p.Model.Crashed(at, "llama runner process has terminated", func() bool { return false })
		}
	}
}

// inspectedBefore is a container that was last looked at the time d ago.
func inspectedBefore(d time.Duration) change {
	return func(p *verdict.Picture) { p.Container.Seen.SeenAt = ago(d) }
}

// noRoom is a number of loads that failed for want of memory.
func noRoom(loads int) change {
	return func(p *verdict.Picture) {
		for i := range loads {
			p.Model.FoundNoRoom(ago(time.Duration(loads-i)*10*time.Second), "cudaMalloc failed")
		}
	}
}

func hollow(p *verdict.Picture) {
	p.Model.Hollow = watch.Hollow{Answers: 3, Prompts: make([]uint64, 2), Confirmed: "one symbol over and over"}
}
func hollowAgain(p *verdict.Picture) { hollow(p); p.Model.Hollow.Again = true }

func refused(p *verdict.Picture) {
	p.Refused = watch.Refusals{First: ago(time.Second), Last: ago(time.Second), Count: 40}
}

// late is a model that used to be quicker until an hour ago.
func late(p *verdict.Picture) {
	p.Model.Streak.Last.Late, p.Model.Streak.Last.Reason, p.Model.Streak.Last.At = true, "the first chunk came after 10s", now
	p.Model.LateSince, p.Model.Timely = ago(time.Hour), true
}

func throttled(p *verdict.Picture) {
	p.Devices.ThrottledSince, p.Devices.ThrottledBy = ago(time.Minute), []string{"hardware_thermal"}
}

// leaking is what an orphan that has been there for an hour makes of the count.
func leaking(p *verdict.Picture) {
	for at := time.Hour; at >= 0; at -= 10 * time.Second {
		view := viewOf(gpuWith(holding(9000 * mib)))
		view.SeenAt = ago(at)
		p.Devices.Leak = p.Devices.Leak.Add(view, "c1", nil, false, 512*mib)
	}
}

func holding(bytes uint64) evidence.GPUProcess {
	return evidence.GPUProcess{PID: 7, Bytes: bytes, BytesKnown: true, ContainerID: "c1", Command: "/usr/bin/ollama runner"}
}

// gpuWith is a GPU on which these processes hold memory, and nobody else.
func gpuWith(processes ...evidence.GPUProcess) evidence.GPU {
	g := evidence.GPU{UUID: "GPU-1", Name: "a card", MemoryKnown: true, ProcessesKnown: true, Processes: processes, TotalBytes: 48_000 * mib}
	for _, p := range processes {
		g.UsedBytes += p.Bytes
	}
	g.FreeBytes = g.TotalBytes - g.UsedBytes
	return g
}

func viewOf(gpus ...evidence.GPU) evidence.GPUView {
	return evidence.GPUView{SeenAt: now, Known: true, GPUs: gpus}
}

func view(gpus ...evidence.GPU) change {
	return func(p *verdict.Picture) { p.Devices.View = viewOf(gpus...) }
}

func noView(p *verdict.Picture) {
	p.Devices.View = evidence.GPUView{SeenAt: now, Reason: "the driver does not answer"}
}

// mismatch is what a fresh look at the driver finds after an upgrade of it.
func mismatch(p *verdict.Picture) { p.Devices.View = evidence.GPUView{SeenAt: now, Mismatch: true} }

// lost is a GPU that the driver has given up.
func lost(p *verdict.Picture) { view(evidence.GPU{UUID: "GPU-1", Name: "a card", Lost: true})(p) }

// xid is an error of the device class, and what the driver says of it.
func xid(advice evidence.GPUAdvice) change {
	return func(p *verdict.Picture) {
		p.Devices.SawXid(evidence.Xid{At: ago(time.Minute), GPU: "GPU-1", Code: 119})
		g := gpuWith(holding(modelSize))
		g.Advice = advice
		view(g)(p)
	}
}

// onCPU is a model that has left its GPU, as Ollama and the driver see it. neverThere
// and meantSo are what is known of the time before.
func onCPU(p *verdict.Picture) {
	p.Server.Loaded[0].SizeVRAM = 0
	view(gpuWith())(p)
}
func neverThere(p *verdict.Picture) { p.Model.UsedThisRun = false }
func meantSo(p *verdict.Picture) {
	p.Model.BestRatio, p.Model.UsedThisRun, p.Devices.OwnSeen = 0, false, false
}

func paceFallen(p *verdict.Picture) {
	for _, speed := range []float64{40, 40, 40, 3, 3, 3} {
		p.Model.Pace = p.Model.Pace.Add(speed)
	}
}
