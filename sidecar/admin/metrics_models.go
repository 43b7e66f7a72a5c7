package admin

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/evidence"
)

const (
	// otherModel stands for every model that Ollama does not list.
	otherModel = "other"
	// maxModels bounds the label even where somebody creates models without end.
	maxModels = 128
)

// modelMetrics are what is known of each model. A model that Ollama stops
// listing loses its series.
type modelMetrics struct {
	view       *modelCollector
	loads      *prometheus.CounterVec
	firstChunk *prometheus.HistogramVec
	tokens     *prometheus.CounterVec
	rate       *prometheus.HistogramVec
}

func newModelMetrics(reg prometheus.Registerer, f factory) *modelMetrics {
	metrics := &modelMetrics{
		view:  newModelCollector(),
		loads: f.counters("model_loads_total", "Loads of a model into memory that were seen, by what caused them.", "model", "cause"),
		firstChunk: f.histograms("first_chunk_seconds", "Time from sending a request to Ollama to the first chunk with content.",
			[]float64{.05, .1, .25, .5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300}, "model"),
		tokens: f.counters("tokens_total", "Tokens that Ollama counted: of prompts, and generated.", "model", "kind"),
		rate: f.histograms("generation_tokens_per_second", "Tokens generated per second, one observation an answer.",
			[]float64{.5, 1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 400}, "model"),
	}
	reg.MustRegister(metrics.view)
	return metrics
}

// SetListedModels sets the models that Ollama lists, by normalised name; the
// first 128 can be told apart, all others count as "other". Give only a list
// that Ollama really answered with: series of other models are dropped.
func (m *modelMetrics) SetListedModels(names []string) {
	for _, gone := range m.view.list(names) {
		labels := prometheus.Labels{"model": gone}
		m.loads.DeletePartialMatch(labels)
		m.firstChunk.DeletePartialMatch(labels)
		m.tokens.DeletePartialMatch(labels)
		m.rate.DeletePartialMatch(labels)
	}
}

// SetLoadedModels sets the models that Ollama holds in memory.
func (m *modelMetrics) SetLoadedModels(loaded []evidence.LoadedModel) { m.view.load(loaded) }

// ModelLoad counts a load of a model.
func (m *modelMetrics) ModelLoad(model, cause string) {
	m.loads.WithLabelValues(m.view.label(model), cause).Inc()
}

// FirstChunk records how long the first chunk with content took.
func (m *modelMetrics) FirstChunk(model string, took time.Duration) {
	m.firstChunk.WithLabelValues(m.view.label(model)).Observe(took.Seconds())
}

// Tokens takes an answer's figures as Ollama gives them at its end. perSecond 0
// means that they are not known.
func (m *modelMetrics) Tokens(model string, prompt, generated int, perSecond float64) {
	label := m.view.label(model)
	m.tokens.WithLabelValues(label, "prompt").Add(float64(max(0, prompt)))
	m.tokens.WithLabelValues(label, "generated").Add(float64(max(0, generated)))
	if perSecond > 0 {
		m.rate.WithLabelValues(label).Observe(perSecond)
	}
}

// modelCollector knows which models may be named, and shows which are loaded.
type modelCollector struct {
	loadedDesc, ratioDesc *prometheus.Desc

	mu     sync.RWMutex
	listed map[string]bool
	loaded []evidence.LoadedModel
}

func newModelCollector() *modelCollector {
	return &modelCollector{
		loadedDesc: newDesc("model_loaded", "1 for a listed model that is in memory, 0 for one that is not.", "model"),
		ratioDesc:  newDesc("model_vram_ratio", "Share of a loaded model that is in GPU memory, 0 to 1, as Ollama says.", "model"),
	}
}

func (c *modelCollector) list(names []string) (gone []string) {
	listed := make(map[string]bool, len(names))
	for _, name := range names[:min(len(names), maxModels)] {
		listed[name] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.listed {
		if !listed[name] {
			gone = append(gone, name)
		}
	}
	c.listed = listed
	return gone
}

func (c *modelCollector) load(loaded []evidence.LoadedModel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded = loaded
}

func (c *modelCollector) label(model string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.listed[model] {
		return model
	}
	return otherModel
}

func (c *modelCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.loadedDesc
	descs <- c.ratioDesc
}

func (c *modelCollector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	sizes := make(map[string]evidence.LoadedModel, len(c.loaded)) // by label: "other" may stand for several
	for _, model := range c.loaded {
		label := otherModel
		if c.listed[model.Name] {
			label = model.Name
		}
		sum := sizes[label]
		sum.Size += model.Size
		sum.SizeVRAM += model.SizeVRAM
		sizes[label] = sum
	}
	for label, sum := range sizes {
		metrics <- gaugeNow(c.loadedDesc, 1, label)
		if sum.Size > 0 {
			metrics <- gaugeNow(c.ratioDesc, float64(sum.SizeVRAM)/float64(sum.Size), label)
		}
	}
	for name := range c.listed {
		if _, loaded := sizes[name]; !loaded {
			metrics <- gaugeNow(c.loadedDesc, 0, name)
		}
	}
}
