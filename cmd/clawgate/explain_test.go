package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestEveryVerdictIsExplained(t *testing.T) {
	var text strings.Builder
	if err := writeEntries(&text, verdict.Table); err != nil {
		t.Fatal(err)
	}
	var named []verdict.Verdict
	for _, entry := range verdict.Table {
		named = append(named, entry.Verdict)
		if entry.Signs == "" || entry.Remedy == "" {
			t.Errorf("%s is not explained: %+v", entry.Verdict, entry)
		}
		if !strings.Contains(text.String(), entry.Signs) || !strings.Contains(text.String(), entry.Remedy) {
			t.Errorf("what is known of %s is not printed", entry.Verdict)
		}
	}
	if !slices.Equal(named, verdict.All) {
		t.Errorf("the table has %q, the verdicts are %q", named, verdict.All)
	}
}

func TestExplainTakesTheNameOfOneVerdict(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{{nil, exitOK}, {[]string{"wedged"}, exitOK}, {[]string{"unwell"}, exitUsage}, {[]string{"wedged", "down"}, exitUsage}} {
		if got := runExplain(t.Context(), test.args); got != test.want {
			t.Errorf("explain %q: exit %d, want %d", test.args, got, test.want)
		}
	}
}
