package dockerctl

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/pause"
)

const (
	// eventsOpenLimit bounds the opening of the stream; the open stream is
	// silent for as long as nothing happens.
	eventsOpenLimit = 5 * time.Second

	// A stream that has lasted this long is opened again at once when it ends;
	// after a shorter one, and after a failure, there is a pause first.
	eventsStable   = 10 * time.Second
	eventsMinPause = 200 * time.Millisecond
	eventsMaxPause = 5 * time.Second
)

// Events posts what happens to the container until ctx ends, and then returns
// nil. It opens the stream again whenever it ends, and asks for what it missed.
// Each time that the stream is open it posts evidence.Resync, and when it cannot
// be opened because the engine is away evidence.EngineLost, once. Events of
// kinds that package evidence does not know are left out.
//
// The calls of post come one after the other from one goroutine. Events that
// wait for a slow post are dropped by the engine, so post should only pass them
// on. Silence proves nothing: the engine may be gone without the connection
// having noticed, and only Inspect tells.
func (c *Container) Events(ctx context.Context, post func(evidence.ContainerEvent)) error {
	s := subscription{container: c, post: post, since: c.since}
	if s.since.IsZero() {
		s.since = time.Now()
	}
	for ctx.Err() == nil {
		s.openedAt = time.Time{}
		err := s.follow(ctx)
		if ctx.Err() == nil {
			s.ended(err)
			_ = pause.For(ctx, s.pause)
		}
	}
	return nil
}

// subscription is the state of one call of Events.
type subscription struct {
	container *Container
	post      func(evidence.ContainerEvent)
	since     time.Time     // nothing before it is asked for again
	openedAt  time.Time     // zero while this attempt has not opened the stream
	failing   bool          // the last attempt did not open the stream
	lost      bool          // EngineLost is the last that was posted of the engine
	pause     time.Duration // before the next attempt
}

// follow opens the stream, posts from it until it ends, and returns why it did.
func (s *subscription) follow(ctx context.Context) error {
	engine := s.container.engine
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opening := time.AfterFunc(eventsOpenLimit, cancel)
	defer opening.Stop()
	conn, err := engine.negotiated(ctx)
	if err != nil {
		return whyNotOpen(opening, err)
	}
	defer engine.forget(conn) // what comes back may be another version

	open := false
	messages, errs := conn.Events(whenOpen(ctx, func() { open = true }), s.query())
	defer func() {
		for range errs { // closed when the SDK's goroutine is through
		}
	}()
	if !open {
		return whyNotOpen(opening, <-errs)
	}
	opening.Stop()
	s.opened(time.Now())
	for {
		select {
		case message := <-messages:
			s.received(message)
		case err := <-errs:
			return classify(err)
		}
	}
}

// whyNotOpen explains an error of the attempt to open the stream: a cancellation
// by the timer means that the engine does not answer.
func whyNotOpen(opening *time.Timer, err error) error {
	if !opening.Stop() {
		return fmt.Errorf("%w: no event stream within %s", ErrEngineAway, eventsOpenLimit)
	}
	return classify(err)
}

// query asks for the events of this container alone. The guard compares it with
// one exact text: the SDK writes the filter's keys sorted.
func (s *subscription) query() events.ListOptions {
	return events.ListOptions{
		Since: fmt.Sprintf("%d.%09d", s.since.Unix(), s.since.Nanosecond()),
		Filters: filters.NewArgs(
			filters.Arg("container", s.container.name),
			filters.Arg("type", string(events.ContainerEventType)),
		),
	}
}

func (s *subscription) opened(at time.Time) {
	if s.failing {
		s.container.log.Info("docker event stream is open again", "container", s.container.name)
	}
	s.openedAt, s.failing, s.lost = at, false, false
	s.post(evidence.ContainerEvent{At: at, Action: evidence.Resync})
}

func (s *subscription) received(message events.Message) {
	at := time.Unix(0, message.TimeNano)
	if message.TimeNano == 0 {
		at = time.Unix(message.Time, 0)
	}
	if !at.Before(s.since) {
		s.since = at.Add(1) // the engine repeats what happened at the given time
	}
	if event, ok := translated(message, s.container.name); ok {
		event.At = at
		s.post(event)
	}
}

// ended notes why the stream has ended or could not be opened, and sets the
// pause before the next attempt.
func (s *subscription) ended(err error) {
	if !s.openedAt.IsZero() && time.Since(s.openedAt) >= eventsStable {
		s.pause = 0
		return
	}
	backoff := min(max(2*s.pause, eventsMinPause), eventsMaxPause)
	s.pause = backoff/2 + rand.N(backoff/2)
	if s.openedAt.IsZero() {
		s.failed(err)
	}
}

// failed reports the first of several failures to open the stream.
func (s *subscription) failed(err error) {
	if !s.failing {
		s.container.log.Warn("cannot follow docker events, trying again", "container", s.container.name, "err", err)
	}
	s.failing = true
	if errors.Is(err, ErrEngineAway) && !s.lost {
		s.lost = true
		s.post(evidence.ContainerEvent{At: time.Now(), Action: evidence.EngineLost})
	}
}

// reported are the kinds of events that package evidence knows.
var reported = map[events.Action]evidence.ContainerAction{
	events.ActionCreate:  evidence.ActionCreate,
	events.ActionStart:   evidence.ActionStart,
	events.ActionDie:     evidence.ActionDie,
	events.ActionOOM:     evidence.ActionOOM,
	events.ActionKill:    evidence.ActionKill,
	events.ActionStop:    evidence.ActionStop,
	events.ActionPause:   evidence.ActionPause,
	events.ActionUnPause: evidence.ActionResume,
	events.ActionRename:  evidence.ActionRename,
	events.ActionDestroy: evidence.ActionRemove,
}

// translated leaves out what is not about the container: the engine's filter
// lets every name through that begins with the given one.
func translated(message events.Message, name string) (evidence.ContainerEvent, bool) {
	action, known := reported[message.Action]
	attributes := message.Actor.Attributes
	if !known || (attributes["name"] != name && attributes["oldName"] != "/"+name) {
		return evidence.ContainerEvent{}, false
	}
	event := evidence.ContainerEvent{ID: message.Actor.ID, Action: action}
	switch action {
	case evidence.ActionKill:
		event.Signal = attributes["signal"]
	case evidence.ActionDie:
		event.ExitCode, _ = strconv.Atoi(attributes["exitCode"]) // absent: 0, and the inspection knows
	}
	return event, true
}
