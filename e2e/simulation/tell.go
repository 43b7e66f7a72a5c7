//go:build e2e

package simulation

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// says tells what an answer means, and not how it is written: the two generations
// write some of them differently.
func (v *visit) says(c call) string {
	v.Helper()
	r := v.ask(c)
	if r.status == 0 {
		return r.trouble
	}
	var reply struct {
		Error      any
		Done       bool
		DoneReason string `json:"done_reason"`
		Embeddings [][]float32
		Embedding  []float32
		Data       []struct{ Embedding []float32 }
		Status     string
	}
	if len(r.lines) > 0 {
		_ = json.Unmarshal([]byte(r.lines[len(r.lines)-1]), &reply) // what is none says nothing
	}
	told := []string{fmt.Sprint(r.status)}
	switch {
	case reply.Error != nil:
		told = append(told, constant(fmt.Sprint(reply.Error)))
	case reply.DoneReason != "":
		told = append(told, reply.DoneReason)
	case len(reply.Embeddings)+len(reply.Embedding)+len(reply.Data) > 0:
		told = append(told, "vectors")
	case reply.Status != "":
		told = append(told, reply.Status)
	}
	return strings.Join(told, " ")
}

// changing are the parts of errors that differ from file to file and run to run.
var changing = []struct {
	form *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`sha256-[0-9a-f]{64}`), "sha256-…"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:…"},
	{regexp.MustCompile(`tensor "[^"]*"`), `tensor "…"`},
	{regexp.MustCompile(`\(\d+\)`), "(…)"},
}

func constant(text string) string {
	for _, c := range changing {
		text = c.form.ReplaceAllString(text, c.word)
	}
	return text
}

// running are the loaded models by /api/ps, each with the digest of its manifest.
func (v *visit) running() (names, digests []string) {
	v.Helper()
	return v.names("/api/ps")
}

// names are those of a list of models, in order, with the digests of their manifests.
func (v *visit) names(path string) (names, digests []string) {
	v.Helper()
	var reply struct {
		Models []struct{ Name, Digest string }
	}
	text := strings.Join(v.ask(call{path: path}).lines, "")
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		v.Fatalf("cannot read %s: %v: %s", path, err, text)
	}
	slices.SortFunc(reply.Models, func(a, b struct{ Name, Digest string }) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range reply.Models {
		names, digests = append(names, m.Name), append(digests, m.Digest)
	}
	return names, digests
}

// digestOf is that of the manifest that a name has now.
func (v *visit) digestOf(name string) string {
	v.Helper()
	names, digests := v.names("/api/tags")
	at := slices.Index(names, name)
	if at < 0 {
		v.Fatalf("%s is not among %q", name, names)
	}
	return digests[at]
}

// about is what /api/show tells of a model, as far as somebody goes by it.
func (v *visit) about(model string) string {
	v.Helper()
	r := v.ask(to("/api/show", model, nil))
	var reply struct {
		Error                 string
		Modelfile, Parameters string
		Capabilities          []string
	}
	if err := json.Unmarshal([]byte(strings.Join(r.lines, "")), &reply); err != nil {
		v.Fatalf("cannot read what %s is: %v", model, err)
	}
	if reply.Error != "" {
		return fmt.Sprintf("%d %s", r.status, constant(reply.Error))
	}
	told := fmt.Sprintf("%q", reply.Capabilities)
	for line := range strings.Lines(reply.Modelfile) {
		line = strings.TrimSpace(line)
		if word, _, _ := strings.Cut(line, " "); slices.Contains([]string{"#", "FROM", "ADAPTER", "SYSTEM"}, word) {
			told += "\n" + constant(line)
		}
	}
	for line := range strings.Lines(reply.Parameters) {
		if strings.HasPrefix(line, "num_") {
			told += "\n" + strings.TrimSpace(line)
		}
	}
	return told
}

// served asks and tells by whom it was answered: the one runner that there was, or
// another one that is the only one now.
func (v *visit) served(c call) string {
	v.Helper()
	before := v.runners(v.T)
	told := v.says(c)
	after := v.runners(v.T)
	slices.Sort(before)
	slices.Sort(after)
	switch {
	case slices.Equal(before, after):
		told += ", the same runners"
	default:
		stay := slices.ContainsFunc(after, func(pid int) bool { return slices.Contains(before, pid) })
		told += fmt.Sprintf(", %d runners of which one was there before: %t", len(after), stay)
	}
	names, _ := v.running()
	return fmt.Sprintf("%s, listed as %q", told, names)
}

// empty has nothing in memory. Each behaviour begins so.
func (v *visit) empty() {
	v.Helper()
	names, _ := v.running()
	for _, name := range names {
		v.ask(to("/api/generate", name, []string{`"keep_alive":0`}))
	}
	v.await("all models to be unloaded", func() bool { return len(v.runners(v.T)) == 0 && v.listed() == "[]" })
}
