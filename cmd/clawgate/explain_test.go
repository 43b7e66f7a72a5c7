package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

func TestEveryVerdictIsExplained(t *testing.T) {
	var text strings.Builder
	if err := writeRecords(&text, verdict.Records); err != nil {
		t.Fatal(err)
	}
	var named []verdict.Verdict
	for _, record := range verdict.Records {
		named = append(named, record.Verdict)
		if record.Signs == "" || record.Remedy == "" {
			t.Errorf("%s is not explained: %+v", record.Verdict, record)
		}
		if !strings.Contains(text.String(), record.Signs) || !strings.Contains(text.String(), record.Remedy) {
			t.Errorf("what is known of %s is not printed", record.Verdict)
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
