package recovery

import (
	"context"
	"errors"
	"fmt"
)

// errInUse says that a model stays, because somebody uses it.
var errInUse = errors.New("it is in use now")

// errNoOther says that there is no memory to be had in this way.
var errNoOther = errors.New("no other model is loaded")

// MakeRoom unloads the other models, one by one, so that keep finds the memory
// that it lacks. The caller names those that are loaded and that nobody uses; one
// that has come into use since then stays. One that cannot be unloaded does not
// keep the next from it; the report fails all the same.
func (l *Ladder) MakeRoom(ctx context.Context, keep string, others []string) Report {
	var room Report
	var errs []error
	unloaded := 0
	for _, model := range others {
		if model == keep || ctx.Err() != nil {
			continue
		}
		report := l.unload(ctx, model, func(report *Report) {
			report.do("see that nobody uses it", func() (string, error) { return "", l.unused(model) })
		})
		if unloaded++; unloaded == 1 {
			room.Snapshot = report.Snapshot
		}
		for _, step := range report.Steps {
			step.Detail = about(model, step.Detail)
			room.Steps = append(room.Steps, step)
		}
		if report.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", model, report.Err))
		}
	}
	switch {
	case ctx.Err() != nil:
		errs = append(errs, ctx.Err())
	case unloaded == 0:
		errs = append(errs, errNoOther)
	}
	room.Err = errors.Join(errs...)
	return room
}

// unused is an error for a model that has come into use since it was named.
func (l *Ladder) unused(model string) error {
	if l.InUse != nil && l.InUse(model) {
		return errInUse
	}
	return nil
}

func about(model, detail string) string {
	if detail == "" {
		return model
	}
	return model + ": " + detail
}
