package dockerctl

import (
	"strings"

	"github.com/clawdbot/clawgate/evidence"
)

// What Ollama logs of its GPUs, from 0.1 to 0.33. It writes slog's text format, in
// which a quotation mark within a value is escaped: no prompt or model name that
// it logs can hold one of these.
const (
	listening        = `msg="Listening on ` // its first word, before it looks for GPUs
	inferenceCompute = `msg="inference compute"`
	noCompatibleGPUs = `msg="no compatible GPUs were discovered"`
	libraryKey       = ` library=`
)

// hinted says what a log tells of the GPUs. One GPU among several devices is
// enough. The last run of the server counts; a last line that was cut may lack its
// library, and says nothing then.
func hinted(log string) evidence.GPUHint {
	hint := evidence.GPUHintUnknown
	for line := range strings.Lines(log) {
		switch {
		case strings.Contains(line, listening):
			hint = evidence.GPUHintUnknown
		case hint == evidence.GPUFound:
		case strings.Contains(line, noCompatibleGPUs):
			hint = evidence.GPUNotFound
		case strings.Contains(line, inferenceCompute) && strings.HasSuffix(line, "\n"):
			if library := libraryOf(line); library != "" {
				hint = hintOf(library)
			}
		}
	}
	return hint
}

func hintOf(library string) evidence.GPUHint {
	if strings.EqualFold(library, "cpu") {
		return evidence.GPUNotFound
	}
	return evidence.GPUFound
}

func libraryOf(line string) string {
	_, rest, _ := strings.Cut(line, libraryKey)
	library, _, _ := strings.Cut(rest, " ")
	return strings.Trim(library, "\"\r\n")
}
