package sidecar

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// catalogue finds out what the names of models stand for: from /api/tags, whatever
// API_PATH is, and from /api/show, which is asked once a manifest and never for a
// request. One worker reads it; what was found may be asked by any goroutine.
type catalogue struct {
	client    *ollama.Client
	first     []string // these names are the titles of what they stand for
	directory ollama.Directory
	asked     bool
	found     atomic.Pointer[ollama.Catalogue]
}

const (
	// describeDeadline bounds what one reading of the list may take to describe what is
	// new on it, and mostDescribed how many models that is. The rest follows with the next.
	describeDeadline = 10 * time.Second
	mostDescribed    = 32
	// describePause is between two readings while there is something left to describe.
	describePause = time.Second
)

func newCatalogue(client *ollama.Client, first ...string) *catalogue {
	c := &catalogue{client: client, first: first}
	c.found.Store(&ollama.Catalogue{})
	return c
}

// is says what was found last.
func (c *catalogue) is() ollama.Catalogue { return *c.found.Load() }

// read asks anew. It says whether there is something new to be told, which the first
// reading always is, and whether something is left to be asked.
func (c *catalogue) read(ctx context.Context, timeout time.Duration) (changed, left bool, err error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	changed, c.asked = !c.asked, true
	tags, err := c.client.Tags(limited)
	if err != nil {
		return changed, false, fmt.Errorf("cannot read the list of models: %w", err)
	}
	c.directory.List(tags)
	left, err = c.describe(ctx)
	before := c.is()
	now := c.directory.Catalogue(before, c.first...)
	c.found.Store(&now)
	return changed || !reflect.DeepEqual(before, now), left, err
}

// describe asks what the models are of which that is not known, those first that
// Clawgate is there for. An answer that refuses one is no reason to ask nothing of the
// others; it is asked again with the next reading.
func (c *catalogue) describe(ctx context.Context) (left bool, err error) {
	limited, cancel := context.WithTimeout(ctx, describeDeadline)
	defer cancel()
	unknown := c.directory.Unknown()
	slices.SortStableFunc(unknown, func(a, b ollama.Tag) int { return c.rank(a) - c.rank(b) })
	told := map[ollama.Tag]ollama.Description{}
	for _, tag := range unknown[:min(len(unknown), mostDescribed)] {
		is, failure := c.client.Describe(limited, tag.Name, tag.Digest)
		if failure != nil {
			err = fmt.Errorf("cannot find out what %q is: %w", tag.Name, failure)
		}
		if failure != nil && !ollama.IsAnswer(failure) {
			break
		}
		if failure == nil {
			told[tag] = is
		}
	}
	return len(unknown) > mostDescribed, errors.Join(err, c.learn(limited, told))
}

// rank is where a model stands among those that are to be described.
func (c *catalogue) rank(tag ollama.Tag) int {
	if i := slices.Index(c.first, tag.Name); i >= 0 {
		return i
	}
	return len(c.first)
}

// learn takes descriptions of names that stand for the same as before: one that was made
// anew meanwhile was perhaps described as what it is now.
func (c *catalogue) learn(ctx context.Context, told map[ollama.Tag]ollama.Description) error {
	if len(told) == 0 {
		return nil
	}
	again, err := c.client.Tags(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the list of models again: %w", err)
	}
	for _, tag := range again {
		if is, found := told[tag]; found {
			c.directory.Learn(tag.Digest, is)
		}
	}
	c.directory.List(again)
	return nil
}

// readModels reads the catalogue, and tells the relay and the keeper of changes.
func (s *supervisor) readModels(ctx context.Context) time.Duration {
	changed, left, err := s.parts.catalogue.read(ctx, s.config.APITimeout)
	if err != nil {
		s.log.Debug("not all is known of the models", "err", err)
	}
	if changed {
		now := s.parts.catalogue.is()
		s.post(ctx, 0, func() watch.Observation {
			s.report.listed(now)
			s.parts.relay.SetModels(now)
			return watch.ModelsTold{Catalogue: now}
		})
	}
	switch {
	case left && err == nil:
		return describePause
	case err != nil:
		return min(s.config.APIInterval, s.config.RecheckInterval)
	}
	return s.config.APIInterval
}

// runnerOf says of models in memory whether they have the runner of a model's place, and
// by which name that is asked. The model itself goes by the name that Ollama was asked to
// load it by.
func (c *catalogue) runnerOf(title, asked string) func(evidence.LoadedModel) (name string, its bool) {
	now := c.is()
	of := now.Titled(title)
	return func(loaded evidence.LoadedModel) (name string, its bool) {
		is := now.Loaded(loaded)
		if is.Title == title {
			return asked, true
		}
		return is.Title, is.Shares(of)
	}
}
