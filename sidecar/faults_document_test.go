package sidecar_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

const (
	document   = "../docs/faults.md"
	tableBegin = "<!-- the table of faults, made by make faults -->"
	tableEnd   = "<!-- the end of the table of faults -->"
	namesBegin = "<!-- the verdicts, made by make faults -->"
	namesEnd   = "<!-- the end of the verdicts -->"

	tableHead = "| Fault | | When | Verdict | Found after | Remedies | Open again after | Served | Failed | Cut |\n" +
		"|---|---|---|---|--:|---|--:|--:|--:|--:|\n"
)

// compareDocument holds the outcomes against the table in docs/faults.md. With
// CLAWGATE_WRITE_FAULTS set it writes them there instead.
func compareDocument(t *testing.T, outcomes map[string]outcome) {
	t.Helper()
	if os.Getenv("CLAWGATE_WRITE_FAULTS") != "" {
		rewrite(t, tableBegin, tableEnd, tableHead+strings.Join(rows(outcomes), ""))
		rewrite(t, namesBegin, namesEnd, verdictsInWords())
		return
	}
	written := strings.SplitAfter(strings.TrimPrefix(between(t, tableBegin, tableEnd), tableHead), "\n")
	fresh := rows(outcomes)
	if len(written)-1 != len(fresh) {
		t.Errorf("docs/faults.md has %d rows of faults, want %d; run make faults", len(written)-1, len(fresh))
		return
	}
	for i := range fresh {
		if difference := differ(written[i], fresh[i]); difference != "" {
			t.Errorf("docs/faults.md is not what happens (%s); run make faults\nthere: %snow:   %s", difference, written[i], fresh[i])
		}
	}
}

// rows are the lines of the table, in the order of the faults.
func rows(outcomes map[string]outcome) []string {
	var lines []string
	for _, f := range faults() {
		for _, when := range circumstances {
			if why := cmp.Or(f.finding(when).omitted, f.finding(when).unwritten); why != "" {
				lines = append(lines, fmt.Sprintf("| %s | %s | %s | – %s | | | | | | |\n", f.id, f.name, when, why))
				continue
			}
			o := outcomes[f.key(when)]
			lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %d | %d | %d |\n", f.id, f.name, when,
				o.verdict(), o.found(), strings.Join(o.rungs, ", "), o.opened(), o.tally.served, o.tally.failed, o.tally.cut))
		}
	}
	return lines
}

func (o outcome) verdict() string { return strings.Join(o.verdicts, ", then ") }

func (o outcome) found() string {
	if len(o.verdicts) == 0 {
		return ""
	}
	return seconds(o.detected)
}

func (o outcome) opened() string {
	if !o.closed {
		return "stayed open"
	}
	return seconds(o.open)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// slacks are by how much what was measured may differ, in its unit and as a part
// of itself. Virtual time is exact; the order in which goroutines run within an
// instant is not, nor are the pauses between retries, which are random on purpose.
var slacks = map[string]struct{ least, part float64 }{
	"Found after": {1, 0.1}, "Open again after": {10, 0.35}, "Served": {10, 0.25}, "Failed": {5, 0.35}, "Cut": {2, 0.25},
}

// differ says which column of two rows differs.
func differ(written, fresh string) string {
	before, now := strings.Split(written, "|"), strings.Split(fresh, "|")
	if len(before) != len(now) {
		return "the number of columns"
	}
	for i, name := range strings.Split(tableHead, "|")[:len(now)-1] {
		name = strings.TrimSpace(name)
		was, is := measure(before[i]), measure(now[i])
		slack, measured := slacks[name]
		if !measured || math.IsNaN(was) || math.IsNaN(is) {
			if before[i] != now[i] {
				return name
			}
			continue
		}
		if math.Abs(was-is) > max(slack.least, slack.part*max(was, is)) {
			return name
		}
	}
	return ""
}

// measure reads a cell with a number; NaN when it is words.
func measure(cell string) float64 {
	text, _, _ := strings.Cut(strings.TrimSpace(cell), " ")
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return number
}

func verdictsInWords() string {
	var text strings.Builder
	for _, record := range verdict.Records {
		fmt.Fprintf(&text, "\n### `%s`\n\n", record.Verdict)
		for _, line := range [][2]string{{"Signs", record.Signs}, {"Remedy", record.Remedy}, {"Never", record.Never}, {"Faults", record.Faults}} {
			if line[1] != "" {
				fmt.Fprintf(&text, "- %s: %s\n", line[0], line[1])
			}
		}
	}
	return text.String() + "\n"
}

func TestDocumentHasTheVerdicts(t *testing.T) {
	t.Parallel()
	if os.Getenv("CLAWGATE_WRITE_FAULTS") == "" && between(t, namesBegin, namesEnd) != verdictsInWords() {
		t.Error("the verdicts in docs/faults.md are not those of the program; run make faults")
	}
}

// The rows that a record names are there, or it is said why not.
func TestDocumentHasTheFaultsOfTheVerdicts(t *testing.T) {
	t.Parallel()
	table, _, _ := strings.Cut(read(t), namesBegin)
	for _, record := range verdict.Records {
		for fault := range strings.SplitSeq(record.Faults, ", ") {
			if !strings.Contains(table, fault+" ") {
				t.Errorf("%s covers %q, of which docs/faults.md says nothing", record.Verdict, fault)
			}
		}
	}
}

func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// between is the part of the document between two lines.
func between(t *testing.T, begin, end string) string {
	t.Helper()
	_, after, found := strings.Cut(read(t), begin+"\n")
	part, _, ended := strings.Cut(after, end)
	if !found || !ended {
		t.Fatalf("docs/faults.md has no line %q, or none %q after it", begin, end)
	}
	return part
}

func rewrite(t *testing.T, begin, end, part string) {
	t.Helper()
	before, after, _ := strings.Cut(read(t), begin+"\n"+between(t, begin, end))
	if err := os.WriteFile(document, []byte(before+begin+"\n"+part+after), 0o600); err != nil {
		t.Fatal(err)
	}
}
