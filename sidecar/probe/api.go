package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// APISpec says what the API probe asks and expects.
type APISpec struct {
	Path    string // answered with a list of models, as GET /api/tags is
	Status  int
	Model   string // in any spelling that Ollama takes for it
	Timeout time.Duration
}

// Names are those of a list, in its order; nil for no list.
func Names(list []watch.Listed) []string {
	if list == nil {
		return nil
	}
	names := make([]string, 0, len(list))
	for _, m := range list {
		names = append(names, m.Name)
	}
	return names
}

// API asks for the list of models and returns it. Without the
// wanted model among them the result is a Failure with Missing set; an answer
// that is no list at all is a Failure too.
func API(ctx context.Context, client *ollama.Client, spec APISpec) (evidence.ProbeResult, []watch.Listed) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, spec.Timeout)
	defer cancel()
	status, body, err := client.Get(ctx, spec.Path)
	result := evidence.ProbeResult{Probe: evidence.ProbeAPI, Outcome: evidence.Failure, At: time.Now(), Took: time.Since(began)}
	if err != nil {
		result.Reason = fmt.Sprintf("GET %s: %s", spec.Path, plain(err, spec.Timeout))
		result.Refused, result.Unresolved = refused(err), unresolved(err)
		return result, nil
	}
	result.Answered = true
	if status != spec.Status {
		result.Reason = fmt.Sprintf("GET %s answered %d instead of %d", spec.Path, status, spec.Status)
		return result, nil
	}
	list, err := listed(body)
	_, has := ollama.NewListed(Names(list)).Model(ollama.NormalizeModel(spec.Model))
	switch {
	case err != nil:
		result.Reason = fmt.Sprintf("GET %s answered something that is no list of models: %s", spec.Path, err)
	case !has:
		result.Missing = true
		result.Reason = fmt.Sprintf("Ollama does not have the model %q", spec.Model)
	default:
		result.Outcome = evidence.Success
	}
	return result, list
}

// listed reads a list of models.
func listed(body []byte) ([]watch.Listed, error) {
	var reply struct {
		Models *[]struct {
			Name string          `json:"name"`
			Size json.RawMessage `json:"size"`
			Host any             `json:"remote_host"`
		} `json:"models"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, err
	}
	if reply.Models == nil {
		return nil, errors.New(`it has no field "models"`)
	}
	list := make([]watch.Listed, 0, len(*reply.Models))
	for _, m := range *reply.Models {
		bytes, err := strconv.ParseUint(string(m.Size), 10, 64)
		if err != nil { // it serves as an estimate, and is not asked for where the path is another
			bytes = 0
		}
		list = append(list, watch.Listed{Name: m.Name, Bytes: bytes, Remote: m.Host != nil && m.Host != ""})
	}
	return list, nil
}
