package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics() (*Metrics, *prometheus.Registry) {
	registry := prometheus.NewPedanticRegistry()
	return NewMetrics(registry), registry
}

// expect compares the named metrics, all series of them, with the exposition in
// want. Lines of HELP and TYPE are not compared.
func expect(t *testing.T, registry *prometheus.Registry, want string) {
	t.Helper()
	var wanted []string
	names := map[string]bool{}
	for line := range strings.Lines(want) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		wanted = append(wanted, line)
		names[line[:strings.IndexAny(line, "{ ")]] = true
	}
	exposition := exposed(t, registry)
	var found []string
	for line := range strings.Lines(exposition) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") && names[line[:strings.IndexAny(line, "{ ")]] {
			found = append(found, line)
		}
	}
	if got, want := strings.Join(found, "\n"), strings.Join(wanted, "\n"); got != want {
		t.Errorf("exposed\n%s\nwant\n%s", got, want)
	}
}

func exposed(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	return get(t, New(Config{Gatherer: registry}), "/metrics").Body.String()
}

// useAll makes every metric have a series.
func useAll(m *Metrics) {
	m.SetListedModels([]string{"qwen3:32b"})
	m.SetLoadedModels([]evidence.LoadedModel{{Name: "qwen3:32b", Size: 100, SizeVRAM: 40}})
	m.ModelLoad("qwen3:32b", "recovery")
	m.FirstChunk("qwen3:32b", time.Second)
	m.Tokens("qwen3:32b", 10, 20, 30)
	m.SetGPU(gpuView(), evidence.GPUOwner{ContainerID: "own"})
	m.GPUXid(evidence.Xid{GPU: "GPU-a", Code: 79})
}

func TestEveryPromisedMetricIsThereAndLintsClean(t *testing.T) {
	metrics, registry := newMetrics()
	useAll(metrics)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, family := range families {
		found[family.GetName()] = true
	}
	for _, name := range strings.Fields(`
		state verdict probe_total probe_duration_seconds requests_total request_duration_seconds first_chunk_seconds
		generation_tokens_per_second tokens_total requests_in_flight requests_queued requests_held
		requests_replayed_total requests_refused_total streams_cut_total buffered_bytes recoveries_total
		recovery_duration_seconds detection_seconds restart_budget_remaining container_starts_total
		container_oom_killed_total container_cpu_seconds_total gpu_up gpu_memory_bytes gpu_process_memory_bytes
		gpu_memory_leaked_bytes gpu_xid_total gpu_throttle gpu_utilization_ratio model_loaded model_vram_ratio
		model_loads_total build_info`) {
		if !found["clawgate_"+name] {
			t.Errorf("clawgate_%s is missing", name)
		}
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if !found[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestOneStateAndOneVerdictIsSetAtATime(t *testing.T) {
	metrics, registry := newMetrics()
	expect(t, registry, stateIs("starting"))
	metrics.SetState("isolated")
	expect(t, registry, stateIs("isolated"))
	metrics.SetState("ready")
	expect(t, registry, stateIs("ready"))

	if got := ones(t, registry, "clawgate_verdict"); len(got) != 1 || got[0] != `clawgate_verdict{verdict="unproven"} 1` {
		t.Errorf("before the first verdict %q is 1, want unproven alone", got)
	}
	metrics.SetVerdict("wedged")
	if got := ones(t, registry, "clawgate_verdict"); len(got) != 1 || got[0] != `clawgate_verdict{verdict="wedged"} 1` {
		t.Errorf("%q is 1, want wedged alone", got)
	}
	metrics.SetVerdict("a verdict of a later version")
	if got := ones(t, registry, "clawgate_verdict"); len(got) != 1 || !strings.Contains(got[0], "later version") {
		t.Errorf("%q is 1, want the unforeseen verdict alone", got)
	}
}

func stateIs(current string) string {
	var lines strings.Builder
	for _, state := range []string{
		"backoff", "exhausted", "isolated", "loading", "ready", "recovering", "starting", "stopped", "verifying",
	} {
		value := " 0\n"
		if state == current {
			value = " 1\n"
		}
		lines.WriteString(`clawgate_state{state="` + state + `"}` + value)
	}
	return lines.String()
}

func ones(t *testing.T, registry *prometheus.Registry, name string) (series []string) {
	t.Helper()
	for line := range strings.Lines(exposed(t, registry)) {
		if strings.HasPrefix(line, name+"{") && strings.HasSuffix(line, " 1\n") {
			series = append(series, strings.TrimSpace(line))
		}
	}
	return series
}

func TestModelsThatOllamaDoesNotListAreCountedTogether(t *testing.T) {
	metrics, registry := newMetrics()
	metrics.SetListedModels([]string{"qwen3:32b"})
	metrics.Tokens("qwen3:32b", 5, 7, 0)
	for range 1000 {
		metrics.Tokens("made-up:"+strings.Repeat("x", 10), 1, 2, 0)
	}
	metrics.Tokens("\xff\xfe", 1, -1, 0)
	expect(t, registry, `
		clawgate_tokens_total{kind="generated",model="other"} 2000
		clawgate_tokens_total{kind="generated",model="qwen3:32b"} 7
		clawgate_tokens_total{kind="prompt",model="other"} 1001
		clawgate_tokens_total{kind="prompt",model="qwen3:32b"} 5`)
}

func TestAModelThatIsListedNoMoreLosesItsSeries(t *testing.T) {
	metrics, registry := newMetrics()
	metrics.SetListedModels([]string{"a:latest", "b:latest"})
	metrics.ModelLoad("a:latest", "client")
	metrics.ModelLoad("b:latest", "client")
	metrics.SetListedModels([]string{"b:latest"})
	expect(t, registry, `clawgate_model_loads_total{cause="client",model="b:latest"} 1`)
}

func TestNoNumberOfListedModelsMakesTheLabelUnbounded(t *testing.T) {
	metrics, registry := newMetrics()
	names := make([]string, 500)
	for i := range names {
		names[i] = strings.Repeat("x", i+1)
	}
	metrics.SetListedModels(names)
	for _, name := range names {
		metrics.ModelLoad(name, "client")
	}
	if got := testutil.CollectAndCount(metrics.loads); got != maxModels+1 {
		t.Errorf("%d series for 500 models, want %d", got, maxModels+1)
	}
	if problems, err := registry.Gather(); err != nil {
		t.Errorf("cannot gather %d families: %v", len(problems), err)
	}
}

func TestLoadedModelsShowTheShareOnTheGPU(t *testing.T) {
	metrics, registry := newMetrics()
	metrics.SetListedModels([]string{"qwen3:32b", "tiny:latest"})
	metrics.SetLoadedModels([]evidence.LoadedModel{
		{Name: "qwen3:32b", Size: 200, SizeVRAM: 50},
		{Name: "unlisted:1", Size: 100, SizeVRAM: 100},
		{Name: "unlisted:2", Size: 300, SizeVRAM: 0},
		{Name: "unlisted:3"},
	})
	expect(t, registry, `
		clawgate_model_loaded{model="other"} 1
		clawgate_model_loaded{model="qwen3:32b"} 1
		clawgate_model_loaded{model="tiny:latest"} 0
		clawgate_model_vram_ratio{model="other"} 0.25
		clawgate_model_vram_ratio{model="qwen3:32b"} 0.25`)
}

func TestCPUTimeAddsUpOverRunsOfTheContainer(t *testing.T) {
	metrics, registry := newMetrics()
	for _, total := range []time.Duration{3 * time.Second, 5 * time.Second, time.Second, 4 * time.Second} {
		metrics.ContainerCPU(total)
	}
	expect(t, registry, `clawgate_container_cpu_seconds_total 9`)
}

func TestRequestsAreCountedByRouteAndCode(t *testing.T) {
	metrics, _ := newMetrics()
	metrics.Request("/api/chat", 200, time.Second)
	metrics.Request("/api/chat", 200, time.Second)
	for _, nonsense := range []int{-1, 0, 99, 600, 1 << 30} {
		metrics.Request("other", nonsense, 0)
	}
	if got := testutil.ToFloat64(metrics.requests.WithLabelValues("/api/chat", "200")); got != 2 {
		t.Errorf("requests_total = %v, want 2", got)
	}
	if got := testutil.ToFloat64(metrics.requests.WithLabelValues("other", "other")); got != 5 {
		t.Errorf("requests_total of impossible codes = %v, want 5", got)
	}
}

func TestTheLoadIsReadAtTheScrape(t *testing.T) {
	metrics, registry := newMetrics()
	expect(t, registry, "clawgate_requests_in_flight 0")
	metrics.ReadLoad(func() wire.Load { return wire.Load{InFlight: 2, Queued: 3, Held: 4, BufferedBytes: 5} })
	expect(t, registry, `
		clawgate_buffered_bytes 5
		clawgate_requests_held 4
		clawgate_requests_in_flight 2
		clawgate_requests_queued 3`)
}

func TestTheHotPathDoesNotAllocate(t *testing.T) {
	metrics, _ := newMetrics()
	metrics.SetListedModels([]string{"qwen3:32b"})
	metrics.FirstChunk("qwen3:32b", 0)
	allocations := testing.AllocsPerRun(100, func() {
		metrics.Request("/api/chat", 200, time.Second)
		metrics.FirstChunk("qwen3:32b", time.Second)
	})
	if allocations != 0 {
		t.Errorf("%v allocations a request, want none", allocations)
	}
}
