package gpu

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/clawdbot/clawgate/evidence"
)

// ending is why a conversation with a child is over.
type ending struct {
	view  evidence.GPUView // unknown, with the reason
	calm  bool             // the child is expected to go by itself
	died  bool             // it went without a word; how it died is the reason
	renew bool             // the pending question wants another child
}

// conversation asks one child, one question at a time.
type conversation struct {
	client *Client
	child  *child
	ready  bool
	// deadline is set while something is waited for.
	deadline *time.Timer
}

func (t *conversation) run(ctx context.Context) ending {
	t.deadline = time.NewTimer(t.client.config.StartDeadline)
	defer t.deadline.Stop()
	for {
		asked := t.client.asked
		if !t.ready || t.client.pending != nil {
			asked = nil
		}
		var end *ending
		select {
		case <-ctx.Done():
			end = &ending{calm: true, view: unknown(errEnded.Error())}
		case <-t.deadline.C:
			end = &ending{view: unknown("NVML does not answer, a call hangs in the driver")}
		case q := <-asked:
			end = t.accept(q)
		case s := <-t.client.suspending:
			t.client.suspension = &s
			end = &ending{calm: true, view: suspended()}
		case m, open := <-t.child.messages:
			end = t.hear(m, open)
		}
		if end != nil {
			return *end
		}
	}
}

func (t *conversation) accept(q question) *ending {
	t.client.pending = &q
	if q.fresh {
		return &ending{calm: true, renew: true}
	}
	q.due = true
	return t.put()
}

// put puts the pending question to the child.
func (t *conversation) put() *ending {
	q := t.client.pending
	t.client.lastID++
	q.askID, q.askAt = t.client.lastID, time.Now()
	t.deadline.Reset(t.client.config.Deadline)
	// The pipe has room for a hundred such lines, so this never waits. An error
	// means that the child is dying, which its closed end tells better.
	_ = json.NewEncoder(t.child.stdin).Encode(request{ID: q.askID})
	return nil
}

func (t *conversation) hear(m message, open bool) *ending {
	if !open {
		return t.silence()
	}
	switch m.Kind {
	case kindReady:
		return t.begin()
	case kindXid:
		if t.client.config.OnXid != nil {
			m.Xid.At = time.Now()
			t.client.config.OnXid(*m.Xid)
		}
		return nil
	case kindUnavailable:
		view := unknown(m.View.Reason)
		view.Mismatch = m.View.Mismatch
		return &ending{calm: true, view: view}
	default:
		return t.answer(m)
	}
}

// silence is the end of the child's messages.
func (t *conversation) silence() *ending {
	if t.child.nonsense != nil {
		return &ending{view: unknown(fmt.Sprintf("the NVML process spoke nonsense: %v", t.child.nonsense))}
	}
	return &ending{calm: true, died: true}
}

func (t *conversation) begin() *ending {
	t.deadline.Stop()
	t.ready = true
	t.client.config.Log.Debug("nvml process ready", "pid", t.child.cmd.Process.Pid)
	if t.client.pending != nil {
		return t.put()
	}
	return nil
}

func (t *conversation) answer(m message) *ending {
	q := t.client.pending
	if q == nil || m.ID != q.askID {
		return &ending{view: unknown(fmt.Sprintf("the NVML process spoke nonsense: an answer to question %d", m.ID))}
	}
	t.deadline.Stop()
	m.View.SeenAt = q.askAt
	t.client.answer(*m.View)
	if !t.client.known {
		t.client.config.Log.Info("gpu view known", "driver", m.View.Driver, "gpus", len(m.View.GPUs))
	}
	t.client.known = true
	return nil
}
