package ollama

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// What Ollama assumes where a model's name leaves a part out
// (types/model/name.go of Ollama).
const (
	defaultHost      = "registry.ollama.ai"
	defaultNamespace = "library"
	defaultTag       = "latest"
)

// The longest parts of a name that Ollama takes, in bytes (types/model/name.go).
const (
	longestHost = 350
	longestPart = 80
)

// nameParts is a name as Ollama takes it apart (ParseName in types/model/name.go,
// the same in 0.9.6 and 0.32.14).
type nameParts struct{ host, namespace, model, tag string }

// noPart stands for what a separator promises before it and that is not there: it is
// not left out, which would be well. No part may hold its character.
const noPart = "!"

// parseName takes a name apart. What comes of a wrong one is for check.
func parseName(name string) nameParts {
	parts := nameParts{host: defaultHost, namespace: defaultNamespace, tag: defaultTag}
	rest, tag, tagged := cutPromised(name, ':')
	if tagged && !strings.Contains(tag, "/") { // a colon before a slash is a host's
		name, parts.tag = rest, tag
	}
	rest, model, more := cutPromised(name, '/')
	if parts.model = model; !more {
		return parts
	}
	rest, parts.namespace, more = cutPromised(rest, '/')
	if !more {
		return parts
	}
	if _, host, found := strings.Cut(rest, "://"); found {
		rest = host
	}
	parts.host = cmp.Or(rest, defaultHost)
	return parts
}

// cutPromised splits s at its last separator. Without one, all of it is the last part.
func cutPromised(s string, separator byte) (before, last string, found bool) {
	i := strings.LastIndexByte(s, separator)
	if i < 0 {
		return "", s, false
	}
	return cmp.Or(s[:i], noPart), s[i+1:], true
}

// check says what makes Ollama call the name invalid, and names the character.
func (n nameParts) check() error {
	for _, part := range []struct {
		what, text string
		longest    int
		also       string // what it may hold beside letters, digits, _ and -
	}{
		{"host", n.host, longestHost, ".:"},
		{"namespace", n.namespace, longestPart, ""},
		{"model", n.model, longestPart, "."},
		{"tag", n.tag, longestPart, "."},
	} {
		if err := checkPart(part.text, part.longest, part.also); err != nil {
			return fmt.Errorf("the part for the %s %w", part.what, err)
		}
	}
	return nil
}

func checkPart(text string, longest int, also string) error {
	switch {
	case text == "" || text == noPart:
		return errors.New("is empty")
	case len(text) > longest:
		return fmt.Errorf("has more than %d bytes", longest)
	}
	for at, r := range text {
		letter := r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		switch {
		case letter:
		case r != '-' && !strings.ContainsRune(also, r):
			return fmt.Errorf("holds %q (%U)", r, r)
		case at == 0:
			return fmt.Errorf("begins with %q", r)
		}
	}
	return nil
}

// short is the name with its defaults left out in front (DisplayShortest).
func (n nameParts) short() string {
	short := n.model + ":" + n.tag
	switch {
	case n.host != defaultHost:
		return n.host + "/" + n.namespace + "/" + short
	case n.namespace != defaultNamespace:
		return n.namespace + "/" + short
	}
	return short
}

// CheckName says what makes Ollama call a model's name invalid (types/model/name.go
// of 0.9.6 and 0.32.14), and names the character. Blanks around the name, and a
// source at its end, are none of it.
func CheckName(name string) error {
	return parseName(withoutSource(strings.TrimSpace(name))).check()
}

// foldName writes a name so that two that Ollama takes for one are the same text: it
// compares without regard to case (strings.EqualFold in getExistingName), for which
// two signs beyond ASCII are letters. Others it takes for nobody's name.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == 'ſ':
			return 's'
		case r == '\u212a': // the sign for kelvin
			return 'k'
		}
		return r
	}, name)
}
