package sidecar_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/simulation"
)

// namesake is what the engine has under the configured name in place of the
// world's container, whose server goes on answering.
type namesake struct {
	mu    sync.Mutex
	other *stranger // nil: the world's own, unless gone
	gone  bool      // nothing
}

// stranger is another container of the same engine.
type stranger struct {
	id     string
	status evidence.Status
	policy string
	began  time.Time
	died   time.Time
	code   int
	// cpu and tx are what it uses and sends a second, for others; no network means
	// that it has counters of none.
	cpu       time.Duration
	tx        uint64
	networked bool
	// wakes is in how many of a hundred seconds it has something to do.
	wakes    int
	restarts int    // by the engine's policy
	held     uint64 // bytes of GPU memory
}

// is gives the name to a stranger; nil to nobody.
func (n *namesake) is(other *stranger) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.other, n.gone = other, other == nil
	if other != nil && other.began.IsZero() {
		other.began = time.Now()
	}
}

// own gives the name back to the world's container.
func (n *namesake) own() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.other, n.gone = nil, false
}

// ends lets the stranger end by itself.
func (n *namesake) ends(code int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ended := *n.other
	ended.status, ended.died, ended.code = evidence.Exited, time.Now(), code
	n.other = &ended
}

// taken says that the name is not the world's container's now.
func (n *namesake) taken() (other *stranger, taken bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.other, n.other != nil || n.gone
}

func (o *stranger) inspected(name string) evidence.Container {
	if o == nil {
		return evidence.Container{SeenAt: time.Now(), Name: name, Status: evidence.Absent}
	}
	return evidence.Container{
		Identity: evidence.Identity{ID: o.id, StartedAt: o.began}, SeenAt: time.Now(), Name: name, Image: "postgres:17",
		Status: o.status, FinishedAt: o.died, ExitCode: o.code, RestartPolicy: o.policy, RestartCount: o.restarts,
	}
}

func (o *stranger) activity() (evidence.Activity, error) {
	switch {
	case o == nil:
		return evidence.Activity{}, simulation.ErrAbsent
	case o.status != evidence.Running:
		return evidence.Activity{}, simulation.ErrNotRunning
	}
	ran := time.Since(o.began)
	activity := evidence.Activity{SeenAt: time.Now(), CPU: time.Second + time.Duration(ran.Seconds()*float64(o.cpu))}
	woken := uint64(0)
	for second := range int(ran.Seconds()) {
		if rand.New(rand.NewPCG(1, uint64(second))).IntN(100) < o.wakes {
			activity.CPU += time.Millisecond
			woken += 500
		}
	}
	if o.networked {
		activity.NetRx, activity.NetTx = 4096, 4096+uint64(ran.Seconds()*float64(o.tx))+woken
	}
	return activity, nil
}

// holds adds what the stranger holds to a view of the GPUs.
func (o *stranger) holds(view evidence.GPUView) evidence.GPUView {
	if o == nil || o.held == 0 || len(view.GPUs) == 0 {
		return view
	}
	view.GPUs = slices.Clone(view.GPUs)
	first := &view.GPUs[0]
	first.Processes = slices.Clone(first.Processes)
	for pid := range 2 {
		first.Processes = append(first.Processes, evidence.GPUProcess{PID: 4242 + pid, ContainerID: o.id, Bytes: o.held / 2, BytesKnown: true})
	}
	first.UsedBytes += o.held
	return view
}
