package sidecar

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/runners"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// secondView looks into what errors hint at. An error text is never proof, because
// Ollama quotes its clients: what counts is that a runner which was seen is gone, and
// that nothing which was asked of Ollama explains it. Where that cannot be told, the
// model is asked, or loaded.
type secondView struct {
	ledger *runners.Ledger
	// hints are those of each model that have not been looked into.
	hints map[string]hints
	// unclear are those that the processes did not decide, until the model has shown
	// what is true of it.
	unclear map[string]evidence.Sign
	last    runners.Look
	// gone are models whose runner was missed without a cause and has not been
	// seen to live since: the hint may come after the look. Lives are those whose
	// runner the last look found as it was.
	gone    map[string]time.Time
	lives   map[string]bool
	began   [lookBurst]time.Time // when the last looks did, the newest first
	looking bool
	failed  time.Time // when a look brought nothing last
	// wanted are the models whose runners have not been seen since they were loaded.
	wanted []string
	// unlisted says that a model was loaded since Ollama last told how long they stay.
	unlisted bool
	blamed   []uint64 // requests of which a crash was counted, newest last
	// askedBeside is when a model was asked beside its clients last, because of a doubt.
	askedBeside time.Time
}

const (
	// lookBurst looks are taken in a lookPause at most: each is an event in the engine's
	// ring of 256. The last lookSpare of them are for hints.
	lookBurst = 5
	lookSpare = 2
	lookPause = 3 * time.Second
	// mostHints bounds the models that are looked into at a time, and mostBlamed the
	// requests that are remembered.
	mostHints  = 16
	mostBlamed = 64
	// unclearFor is how long a hint that decided nothing is reason to look closer.
	unclearFor = time.Minute
)

// forget drops what speaks of a run of the server that is over. A look that is
// under way brings nothing any more.
func (v *secondView) forget(now time.Time) {
	v.ledger.Forget(now)
	v.hints, v.unclear, v.wanted, v.last, v.looking = nil, nil, nil, runners.Look{}, false
	v.gone, v.lives = map[string]time.Time{}, nil
}

// hints are the oldest and the newest of one model's.
type hints struct{ oldest, newest evidence.Sign }

// note keeps a hint, if there is room: what is left out comes again if it is true. For
// one model there always is.
func (v *secondView) note(sign evidence.Sign, always bool) {
	if v.hints == nil {
		v.hints = map[string]hints{}
	}
	if pending, known := v.hints[sign.Model]; known {
		v.hints[sign.Model] = hints{pending.oldest, sign}
	} else if always || len(v.hints) < mostHints {
		v.hints[sign.Model] = hints{sign, sign}
	}
}

// want asks for a look at the runner of a model that may have been loaded.
func (v *secondView) want(model string) {
	if !slices.Contains(v.wanted, model) && len(v.wanted) < mostHints {
		v.wanted = append(v.wanted, model)
	}
}

// counted says that a crash was counted for this request already, and remembers it.
// A request that kills the runner is sent once more: that is the same crash.
func (v *secondView) counted(request uint64) bool {
	if request == 0 {
		return false
	}
	if slices.Contains(v.blamed, request) {
		return true
	}
	v.blamed = append(v.blamed, request)
	v.blamed = v.blamed[max(0, len(v.blamed)-mostBlamed):]
	return false
}

// hinted takes an error that may mean that a model's runner died, or found no memory.
func (s *supervisor) hinted(sign evidence.Sign) {
	s.kicks.inspect.kick() // it may be the whole container that ends
	if sign.Model == "" || verdict.InCloud(sign.Model) {
		return // nobody can tell whose runner that is, or it is another server's
	}
	s.log.Debug("an error hints at trouble with a model", "model", sign.Model, "kind", sign.Kind, "detail", sign.Detail)
	s.view.note(sign, sign.Model == s.mainModel())
}

// mayLook says that a look is wanted, and that there have not been too many of late.
func (v *secondView) mayLook(now time.Time) bool {
	most := lookBurst
	if len(v.hints) == 0 {
		if most -= lookSpare; now.Sub(v.failed) < inspectInterval {
			return false
		}
	}
	return len(v.hints)+len(v.wanted) > 0 && now.Sub(v.began[most-1]) >= lookPause
}

// lookCloser takes a look at the processes where one is wanted.
func (s *supervisor) lookCloser(now time.Time) {
	v := &s.view
	if !v.last.At.IsZero() && v.ledger.Outdated(v.last, now) {
		v.want(s.mainModel()) // and whatever else has a runner
	}
	if v.looking || s.machine.State == policy.Recovering || !v.mayLook(now) {
		return
	}
	names := append([]string{s.mainModel()}, v.wanted...)
	for _, m := range s.seen.loaded {
		names = append(names, m.Name)
	}
	for model := range v.hints {
		names = append(names, model)
	}
	v.unlisted = v.unlisted || len(v.wanted) > 0
	v.looking, v.wanted = true, nil
	copy(v.began[1:], v.began[:])
	v.began[0] = now
	s.spawn(func(ctx context.Context, post func(func())) {
		limited, cancel := context.WithTimeout(ctx, engineDeadline)
		defer cancel()
		look := runners.Look{At: time.Now(), Mark: s.view.ledger.Mark()}
		var err error
		look.Processes, err = s.options.processes.Processes(limited)
		weights := s.options.weights(limited, names)
		post(func() { s.sawProcesses(time.Now(), look, weights, err) })
	})
}

// sawProcesses compares a look with the one before, and decides what was hinted at
// before it. A look that failed decides nothing.
func (s *supervisor) sawProcesses(now time.Time, look runners.Look, weights map[string]string, err error) {
	v := &s.view
	v.looking = false
	if err == nil {
		v.compare(now, look, weights)
	} else {
		v.failed = now
		v.ledger.Saw(runners.Look{}, weights)
	}
	for model, pending := range v.hints {
		finding := runners.Unclear
		switch {
		case err != nil:
		case now.Sub(v.gone[model]) < unclearFor:
			finding = runners.Ended
			delete(v.gone, model) // one end is one crash
		case v.lives[model]:
			finding = runners.Lives
		}
		hint, decided := pending.decidedBy(look, finding)
		if !decided {
			continue // the next look is for it
		}
		if delete(v.hints, model); finding != runners.Ended && pending.newest.At.After(look.At) {
			v.hints[model] = hints{pending.newest, pending.newest}
		}
		s.log.Info("looked into a hint", "model", model, "kind", hint.Kind, "runner", finding)
		s.decideHint(now, hint, finding)
	}
}

// decidedBy is the hint that a look decides: one from before it. A runner that is gone
// decides a younger one, too.
func (h hints) decidedBy(look runners.Look, finding runners.Finding) (evidence.Sign, bool) {
	return h.oldest, !h.oldest.At.After(look.At) || finding == runners.Ended
}

// compare takes a new look, and notes whose runners have gone without a cause since
// the one before.
func (v *secondView) compare(now time.Time, look runners.Look, weights map[string]string) {
	unchanged := runners.Unchanged(v.last, look, weights)
	v.lives = map[string]bool{}
	for model, path := range weights {
		explained := v.ledger.Explains(model, v.last, now, unchanged)
		switch runners.Compare(v.last, look, path, explained) {
		case runners.Ended:
			v.gone[model] = now
		case runners.Lives:
			v.lives[model] = true
			delete(v.gone, model)
		case runners.Unclear:
			if len(look.Serving(path)) > 0 {
				delete(v.gone, model)
			}
		}
	}
	v.last = look
	v.ledger.Saw(look, weights)
}

// decideHint: a runner that is gone without a cause is a crash; one that lives refutes
// the hint; and else the model itself decides. Want of memory may be a load's, whatever
// lives: a server that has forgotten a runner starts another one beside it.
func (s *supervisor) decideHint(now time.Time, hint evidence.Sign, finding runners.Finding) {
	memory := hint.Kind == evidence.SignOutOfMemory
	switch {
	case finding == runners.Ended && memory:
		s.noRoom(hint)
	case finding == runners.Ended:
		s.died(hint)
	case finding == runners.Unclear, memory:
		s.askAbout(now, hint)
	}
}

// askAbout has the model show what an unclear hint was about. It is asked at once,
// but not more often than after a failure, or clients could have it asked without end.
func (s *supervisor) askAbout(now time.Time, hint evidence.Sign) {
	maps.DeleteFunc(s.view.unclear, func(_ string, h evidence.Sign) bool { return now.Sub(h.At) >= unclearFor })
	if s.view.unclear == nil {
		s.view.unclear = map[string]evidence.Sign{}
	}
	if len(s.view.unclear) < mostHints || hint.Model == s.readiness.target {
		s.view.unclear[hint.Model] = hint
	}
	if hint.Model != s.readiness.target {
		return
	}
	if soonest := s.readiness.asked.Add(s.config.RecheckInterval); s.readiness.next.After(soonest) {
		s.readiness.next = soonest
	}
}

// doubtful says that an error hinted at trouble with a model a moment ago, and that
// nothing has decided it since.
func (v *secondView) doubtful(model string, now, answered time.Time) bool {
	hint, found := v.unclear[model]
	return found && now.Sub(hint.At) < unclearFor && hint.At.After(answered)
}

// inDoubt says so of the model that the probe looks at.
func (s *supervisor) inDoubt(now time.Time) bool {
	return s.view.doubtful(s.readiness.target, now, s.focus().succeeded())
}

// doubtPause is between two probes that are sent beside clients because of a doubt.
const doubtPause = 30 * time.Second

// asksInDoubt says that the model is to be asked beside a client that waits for it:
// the processes did not decide a hint, and the clients, whose requests may have it
// loaded and replaced again and again, get no token.
func (s *supervisor) asksInDoubt(p verdict.Picture) bool {
	if !s.inDoubt(p.Now) || p.Now.Sub(s.view.askedBeside) < doubtPause {
		return false
	}
	return slices.ContainsFunc(p.Traffic.InFlight, func(r evidence.Request) bool { return r.Model == p.Target && r.FirstChunkAt.IsZero() })
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
