package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/clawdbot/clawgate/gateway"
	"github.com/clawdbot/clawgate/gateway/config"
	"github.com/clawdbot/clawgate/ollama"
	"github.com/clawdbot/clawgate/sidecar/admin"
	"github.com/clawdbot/clawgate/sidecar/policy"
	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is what stands between a heading and the next.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(text, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", heading)
	}
	before, _, _ := strings.Cut(after, "\n## ")
	return before
}

func TestReadmeHasTheTablesThatTheCodeHas(t *testing.T) {
	for mark, table := range map[string]func(io.Writer) error{
		"env": writeEnv, "releases": ollama.WriteReleases, "verdicts": writeVerdicts,
	} {
		begin, end := "<!-- clawgate "+mark+" -->\n", "<!-- /clawgate "+mark+" -->\n"
		_, after, found := strings.Cut(readme(t), begin)
		got, _, ended := strings.Cut(after, end)
		if !found || !ended {
			t.Fatalf("README.md lacks the lines %q and %q", begin, end)
		}
		var want strings.Builder
		if err := table(&want); err != nil {
			t.Fatal(err)
		}
		if got != want.String() {
			t.Errorf("README.md differs from the code: put this between the marks (table %q)\n%s", mark, want.String())
		}
	}
}

// writeVerdicts writes README's table of the verdicts. Those that follow one another
// and of which the same is said share a row.
func writeVerdicts(w io.Writer) error {
	text, last := "| Verdict | Means | What Clawgate does |\n|---|---|---|\n", ""
	for _, record := range verdict.Records {
		says := fmt.Sprintf(" | %s | %s |\n", record.Means, record.Does)
		if says == last {
			text = strings.TrimSuffix(text, says) + ", `" + string(record.Verdict) + "`" + says
			continue
		}
		text, last = text+"| `"+string(record.Verdict)+"`"+says, says
	}
	_, err := io.WriteString(w, text)
	return err
}

// described collects the names of what is registered, also of metrics that have
// no series yet.
type described map[string]bool

var metricName = regexp.MustCompile(`fqName: "clawgate_([a-z_]+)"`)

func (d described) Register(c prometheus.Collector) error {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		c.Describe(descriptions)
	}()
	for description := range descriptions {
		if name := metricName.FindStringSubmatch(description.String()); name != nil {
			d[name[1]] = true
		}
	}
	return nil
}

func (d described) MustRegister(collectors ...prometheus.Collector) {
	for _, c := range collectors {
		_ = d.Register(c) // nil, always
	}
}

func (d described) Unregister(prometheus.Collector) bool { return false }

func TestReadmeNamesEveryMetricAndNoOther(t *testing.T) {
	exposed := described{}
	admin.NewMetrics(exposed)
	gateway.New(gateway.Parts{Config: config.Default(), Log: slog.New(slog.DiscardHandler), Registry: struct {
		described
		prometheus.Gatherer
	}{exposed, prometheus.NewRegistry()}})
	text, _, _ := strings.Cut(section(t, readme(t), "Metrics"), "Two alerts")
	named := map[string]bool{}
	for line := range strings.Lines(text) {
		names, _, _ := strings.Cut(strings.TrimPrefix(line, "| `"), " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		for name := range strings.SplitSeq(names, "`, `") {
			name, _, _ = strings.Cut(strings.Trim(name, "`"), "{")
			named[name] = true
		}
	}
	for name := range exposed {
		if !named[name] {
			t.Errorf("README.md does not name clawgate_%s", name)
		}
	}
	for name := range named {
		if !exposed[name] {
			t.Errorf("README.md names clawgate_%s, which does not exist", name)
		}
	}
}

// firstColumn are the names in the first column of a section's tables.
func firstColumn(text string) (names []string) {
	for line := range strings.Lines(text) {
		if cell, _, found := strings.Cut(strings.TrimPrefix(line, "| `"), " | "); found && strings.HasPrefix(line, "| `") {
			names = append(names, strings.Split(strings.Trim(cell, "`"), "`, `")...)
		}
	}
	slices.Sort(names)
	return names
}

func TestReadmeExplainsEveryVerdictAndEveryState(t *testing.T) {
	text := readme(t)
	var verdicts, states []string
	for _, name := range verdict.All {
		verdicts = append(verdicts, string(name))
	}
	for _, name := range policy.States {
		states = append(states, string(name))
	}
	for heading, want := range map[string][]string{"Verdicts": verdicts, "What happens when Ollama hangs": states} {
		slices.Sort(want)
		if got := firstColumn(section(t, text, heading)); !slices.Equal(got, want) {
			t.Errorf("%q explains %q, want %q", heading, got, want)
		}
	}
}

var diagramArrow = regexp.MustCompile(`(?m)^    (\S+) --> (\S+?)(:|$)`)

func TestReadmesDiagramHasEveryStateAndNoOther(t *testing.T) {
	drawn := map[string]bool{}
	for _, arrow := range diagramArrow.FindAllStringSubmatch(readme(t), -1) {
		drawn[arrow[1]], drawn[arrow[2]] = true, true
	}
	delete(drawn, "[*]")
	for _, state := range policy.States {
		if !drawn[string(state)] {
			t.Errorf("the diagram lacks %q", state)
		}
		delete(drawn, string(state))
	}
	if len(drawn) > 0 {
		t.Errorf("the diagram has states that do not exist: %v", drawn)
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^)#]+)\)`)

func TestReadmesLinksLeadSomewhere(t *testing.T) {
	for _, link := range markdownLink.FindAllStringSubmatch(readme(t), -1) {
		if target := link[1]; !strings.Contains(target, "://") {
			if _, err := os.Stat("../../" + target); err != nil {
				t.Errorf("README.md links to %s: %v", target, err)
			}
		}
	}
}
