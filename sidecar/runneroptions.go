package sidecar

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/recovery"
)

// runnerOptions finds out what a loaded model's runner was started with, so that
// a probe sends the same: any other would make Ollama kill that runner and load
// the model again (measured). Three sources, the surest first: /api/ps
// (context_length, since 0.11), the runner's command line, and the options of
// the live request that got an answer last.
//
// It stands beside the models' records, because workers ask it at any time. Each of its
// facts has one owner: the relay, what the last live request had the runner started with,
// which an unload or a load by a client ends; known, what a probe found, which outlives
// them, for the model is loaded again with the same; blobs, where the weights lie.
type runnerOptions struct {
	processes recovery.View
	client    *ollama.Client
	traffic   func(model string) (ollama.RunnerOptions, bool)

	changed func() time.Time // when a name may have come to stand for other weights last

	mu      sync.Mutex
	blobs   map[string]string // weights by model, for the present run of the server
	blobsOf time.Time         // when the first of them was asked for
	known   map[string]ollama.RunnerOptions
}

// of is called by the readiness probe's worker for a model that is loaded.
func (o *runnerOptions) of(loaded evidence.LoadedModel) ollama.RunnerOptions {
	remembered := o.remembered(loaded.Name)
	length := loaded.ContextLength
	if length == 0 {
		length = o.contextOnCommandLine(loaded.Name)
	}
	options := withContext(remembered, length)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[loaded.Name] = options
	return options
}

// remembered is what is known without asking the server.
func (o *runnerOptions) remembered(model string) ollama.RunnerOptions {
	model = ollama.NormalizeModel(model)
	if options, found := o.traffic(model); found {
		return options
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.known[model]
}

// offGPU are those of the models that were asked to stay off the GPU.
func (o *runnerOptions) offGPU(models ...string) (off []string) {
	for _, model := range models {
		if offGPU(o.remembered(model)) && !slices.Contains(off, model) {
			off = append(off, model)
		}
	}
	return off
}

// offGPU says that a runner with these options uses no GPU.
func offGPU(options ollama.RunnerOptions) bool { return string(options["num_gpu"]) == "0" }

// forget is called when the runners are gone. The options by which a model was
// loaded stay known: it is loaded again with the same.
func (o *runnerOptions) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.blobs = map[string]string{}
}

// withContext are the remembered options, unless the runner has another context
// length: then it was loaded by a request that the relay did not see.
func withContext(remembered ollama.RunnerOptions, length int) ollama.RunnerOptions {
	if length == 0 || string(remembered["num_ctx"]) == strconv.Itoa(length) {
		return remembered
	}
	return ollama.RunnerOptions{"num_ctx": json.RawMessage(strconv.Itoa(length))}
}

// contextOnCommandLine reads "--ctx-size" of the model's runner, which is for
// all its slots together. It is 0 where that cannot be found out.
func (o *runnerOptions) contextOnCommandLine(model string) int {
	ctx, cancel := context.WithTimeout(context.Background(), engineDeadline)
	defer cancel()
	blob := o.blob(ctx, model)
	if blob == "" {
		return 0
	}
	processes, err := o.processes.Processes(ctx)
	if err != nil {
		return 0
	}
	for _, p := range processes {
		if strings.Contains(p.Command, blob) {
			return numberAfter(p.Command, "--ctx-size") / max(numberAfter(p.Command, "--parallel"), 1)
		}
	}
	return 0
}

// tells says that the server has told a model's weights, now or before.
func (o *runnerOptions) tells(ctx context.Context, model string) bool {
	o.blob(ctx, model)
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.blobs[model]
	return known
}

func (o *runnerOptions) blob(ctx context.Context, model string) string {
	changed := o.changed()
	o.mu.Lock()
	if !changed.Before(o.blobsOf) {
		o.blobs, o.blobsOf = map[string]string{}, time.Now()
	}
	blob, found := o.blobs[model]
	o.mu.Unlock()
	if found {
		return blob
	}
	blob, err := o.client.Blob(ctx, model)
	if err != nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.blobs[model] = blob
	return blob
}

// weights are the paths of models' weights: of those that are named, which are asked
// for where they are not known, and of all that are known already.
func (o *runnerOptions) weights(ctx context.Context, models []string) map[string]string {
	for _, model := range models {
		if !o.tells(ctx, model) {
			break // of a server that does not tell, no more is asked at a time
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.blobs)
}

func numberAfter(command, flag string) int {
	words := strings.Fields(command)
	for i := range len(words) - 1 {
		if words[i] == flag {
			number, err := strconv.Atoi(words[i+1])
			if err == nil && number > 0 {
				return number
			}
		}
	}
	return 0
}
