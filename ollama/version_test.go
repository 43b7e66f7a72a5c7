package ollama

import (
	"slices"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	padded := " 0.33.0\n"
	for text, want := range map[string]string{
		"0.9.6": "0.9.6", padded: "0.33.0", "v0.31": "0.31.0", "1.2.3+build": "1.2.3",
		"0.32.4-rc1": "0.32.4 (not released)", "0.9.6-3-gabc1234": "0.9.6 (not released)",
		"0.0.0": "unknown", "": "unknown", "0": "unknown", "0.9.": "unknown", "0.9.6.1": "unknown",
		"0.-9.6": "unknown", "latest": "unknown", "0.99999999": "unknown", "<html>": "unknown",
	} {
		v := ParseVersion(text)
		if v.String() != want || v.Known() != (want != "unknown") {
			t.Errorf("%q: %s, known %v, want %s", text, v, v.Known(), want)
		}
	}
}

func TestVersionsHaveAnOrder(t *testing.T) {
	inOrder := []string{"", "0.9.6-rc0", "0.9.6", "0.9.10", "0.32.3", "0.32.4-rc1", "0.32.4", "0.33", "1.0"}
	for i, a := range inOrder {
		for j, b := range inOrder {
			got := ParseVersion(a).Compare(ParseVersion(b))
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%q to %q: %d", a, b, got)
			}
		}
	}
}

func TestTheListBlocksInNewerReleasesAndInNoneThatIsNotKnown(t *testing.T) {
	for text, want := range map[string]bool{
		"0.1.0": false, "0.9.6": false, "0.17.4": false, "0.32.3": false, "0.32.4-rc1": false,
		"0.32.4": true, "0.32.14": true, "2.0.0": true, "0.0.0": false, "": false,
	} {
		if got := ParseVersion(text).PsBlocks(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestTheTableOfReleases(t *testing.T) {
	var table strings.Builder
	if err := WriteReleases(&table); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(table.String()) {
		if strings.Count(line, "|") != 5 || !strings.HasSuffix(line, "|\n") {
			t.Errorf("no row of four cells: %q", line)
		}
	}
	for _, text := range []string{
		"| `GET /api/ps` while a model loads or is unloaded | 0.9 | may crash",
		"|  | 0.32.4 | answers when that is over | ollama#17376;",
	} {
		if !strings.Contains(table.String(), text) {
			t.Errorf("the table lacks %q:\n%s", text, table.String())
		}
	}
}

func TestTheVersionIsLearnedOncePerRun(t *testing.T) {
	s := serve(t, map[string][]exchange{"GET /api/version": {{500, "no"}, {200, `{"version":"0.9.6"}`}, {200, `{"version":"0.33.0"}`}}})
	if v, err := s.client.Release(t.Context()); err == nil || v.Known() {
		t.Errorf("%s, %v after a failure", v, err)
	}
	for range 3 {
		if v, err := s.client.Release(t.Context()); err != nil || v.String() != "0.9.6" {
			t.Errorf("%s, %v", v, err)
		}
	}
	s.client.Forget()
	if v, err := s.client.Release(t.Context()); err != nil || v.String() != "0.33.0" {
		t.Errorf("%s, %v after the next start", v, err)
	}
	if want := slices.Repeat([]string{"GET /api/version"}, 3); !slices.Equal(s.calls, want) {
		t.Errorf("it called %q", s.calls)
	}
}

func TestAnAnswerFromTheRunBeforeIsNotKept(t *testing.T) {
	var c Client
	_, _, runs := c.release.recall()
	c.Forget()
	c.release.keep(ParseVersion("0.9.6"), runs)
	if v, known, _ := c.release.recall(); known {
		t.Errorf("%s is remembered", v)
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, seed := range []string{"0.9.6", "v0.32.4-rc1+x", "0..", "-", "0.65536.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := ParseVersion(text)
		if again := ParseVersion(text); v.Compare(again) != 0 || v.Known() && v.Compare(Version{}) <= 0 {
			t.Errorf("%q is not in order", text)
		}
	})
}
