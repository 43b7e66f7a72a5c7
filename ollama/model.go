package ollama

import "strings"

// What newer releases of Ollama take at the end of a name for the place where the
// model runs, and not for a part of its name (internal/modelref of 0.32.14).
const (
	localSource = "local"
	cloudSource = "cloud"
)

// NormalizeModel gives every spelling of one model's name one form: defaults
// left out in front, the tag always there, lower case, no blanks around it.
// "Qwen3", " qwen3:latest" and "registry.ollama.ai/library/qwen3" are all
// "qwen3:latest". An empty name stays empty, and a name that no release takes for
// any model's stays as it is: it is no model's, whatever it looks like.
//
// Where releases differ, what one of them refuses is taken as the other reads it:
// nobody can have a model of that name. So "qwen3:32b:local" is "qwen3:32b", and
// "gpt-oss:20b:cloud" is "gpt-oss:20b-cloud". "qwen3:local" stays what it is: for
// newer releases it is "qwen3:latest", but for 0.9.6 it is a model of its own, and
// trouble with one of two models must not close the other; see [localReading]. And
// "http://qwen3:32b" is "qwen3:32b": so 0.9.6 reads it where /api/chat unloads
// (ParseModelPath in server/modelpath.go), and nowhere else.
func NormalizeModel(name string) string {
	trimmed := strings.TrimSpace(name)
	if trimmed == "" {
		return ""
	}
	parts := parseName(foldName(withoutSource(trimmed)))
	if _, after, found := strings.Cut(name, "://"); found && !strings.Contains(after, "://") && parts.check() != nil {
		parts = parseName(foldName(after))
	}
	if parts.check() != nil {
		return name
	}
	return parts.short()
}

// withoutSource takes a source off the end of a name that has a tag before it.
func withoutSource(name string) string {
	base, source := cutSource(name)
	_, nested := cutSource(base)
	switch {
	case source == "" || nested != "" || Remote(base): // two of them are refused by all
		return name
	case !hasTag(base):
		return base + ":" + source // without blanks, in small letters
	case source == cloudSource:
		return base + "-" + cloudSource
	}
	return base
}

// cutSource splits a name before its last colon, if a source follows.
func cutSource(name string) (base, source string) {
	colon := strings.LastIndexByte(name, ':')
	if colon < 0 {
		return name, ""
	}
	switch source = strings.ToLower(strings.TrimSpace(name[colon+1:])); source {
	case localSource, cloudSource:
		return name[:colon], source
	}
	return name, ""
}

// hasTag says that a name has one; a colon before a slash is a host's.
func hasTag(name string) bool {
	return strings.LastIndexByte(name, ':') > strings.LastIndexByte(name, '/')
}

// localReading is the other model that a normalised name may mean: newer releases
// of Ollama take "qwen3:local" for "qwen3:latest" that is on this machine.
func localReading(model string) (other string, ambiguous bool) {
	base, ambiguous := strings.CutSuffix(model, ":"+localSource)
	return base + ":" + defaultTag, ambiguous
}

// MayMean says that some release of Ollama takes a name, as a client wrote it, for
// a model, which is normalised.
func MayMean(name, model string) bool {
	normal := NormalizeModel(name)
	other, ambiguous := localReading(normal)
	return normal == model || ambiguous && other == model
}

// Remote says that a name, as a client wrote it, is one of those that newer
// releases of Ollama have another machine run, on its owner's account: with the
// tag "cloud", or one that ends in "-cloud" (internal/modelref of 0.32.14).
func Remote(name string) bool {
	colon := strings.LastIndexByte(name, ':')
	if colon < 0 {
		return false
	}
	tag := strings.ToLower(strings.TrimSpace(name[colon+1:]))
	return tag == cloudSource || strings.HasSuffix(tag, "-"+cloudSource) && !strings.Contains(tag, "/")
}
