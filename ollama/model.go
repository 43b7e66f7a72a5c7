package ollama

import (
	"cmp"
	"strings"
)

// What Ollama assumes where a model's name leaves a part out
// (types/model/name.go of Ollama).
const (
	defaultHost      = "registry.ollama.ai"
	defaultNamespace = "library"
	defaultTag       = "latest"
)

// What newer releases of Ollama take at the end of a name for the place where the
// model runs, and not for a part of its name (internal/modelref of 0.32.14).
const (
	localSource = "local"
	cloudSource = "cloud"
)

// NormalizeModel gives every spelling of one model's name one form: defaults
// left out in front, the tag always there, lower case, no blanks around it.
// "Qwen3", " qwen3:latest" and "registry.ollama.ai/library/qwen3" are all
// "qwen3:latest". Ollama compares names without regard to case, so a gate by
// model that did not could be walked around. An empty name stays empty.
//
// Where releases differ, what one of them refuses is taken as the other reads it:
// nobody can have a model of that name. So "qwen3:32b:local" is "qwen3:32b", and
// "gpt-oss:20b:cloud" is "gpt-oss:20b-cloud". "qwen3:local" stays what it is: for
// newer releases it is "qwen3:latest", but for 0.9.6 it is a model of its own, and
// trouble with one of two models must not close the other; see [localReading].
func NormalizeModel(name string) string {
	name = withoutSource(strings.TrimSpace(name))
	if name == "" {
		return ""
	}
	rest, tag := cutTag(name)
	rest, model := cutLast(rest)
	host, namespace := cutLast(rest)
	if _, after, found := strings.Cut(host, "://"); found {
		host = after
	}
	host = strings.ToLower(cmp.Or(host, defaultHost))
	namespace = strings.ToLower(cmp.Or(namespace, defaultNamespace))
	short := strings.ToLower(model) + ":" + strings.ToLower(cmp.Or(tag, defaultTag))
	switch {
	case host != defaultHost:
		return host + "/" + namespace + "/" + short
	case namespace != defaultNamespace:
		return namespace + "/" + short
	}
	return short
}

// withoutSource takes a source off the end of a name that has a tag before it.
func withoutSource(name string) string {
	for {
		base, source := cutSource(name)
		if _, tag := cutTag(base); source == "" || tag == "" {
			if source != "" {
				name = base + ":" + source // without blanks, in small letters
			}
			return name
		}
		if source == cloudSource {
			return base + "-" + cloudSource
		}
		name = base
	}
}

// cutSource splits a name before its last colon, if a source follows.
func cutSource(name string) (base, source string) {
	colon := strings.LastIndexByte(name, ':')
	if colon < 0 {
		return name, ""
	}
	switch source = strings.ToLower(strings.TrimSpace(name[colon+1:])); source {
	case localSource, cloudSource:
		return strings.TrimSpace(name[:colon]), source
	}
	return name, ""
}

// cutTag splits a name before its tag; a colon before a slash is a host's.
func cutTag(name string) (rest, tag string) {
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[:colon], name[colon+1:]
	}
	return name, ""
}

// cutLast splits s at its last slash; without one, all of it is the last part.
func cutLast(s string) (before, last string) {
	if slash := strings.LastIndexByte(s, '/'); slash >= 0 {
		return s[:slash], s[slash+1:]
	}
	return "", s
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
