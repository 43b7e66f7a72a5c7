package ollama

import (
	"fmt"
	"strings"
)

// The longest parts of a name that Ollama takes, in bytes (types/model/name.go).
const (
	longestHost = 350
	longestPart = 80
)

// CheckName says what makes Ollama call a model's name invalid (types/model/name.go
// of 0.9.6 and 0.32.14), and names the character. Blanks around the name, and a
// source at its end, are none of it.
func CheckName(name string) error {
	rest, tag := cutTag(withoutSource(strings.TrimSpace(name)))
	rest, model := cutLast(rest)
	host, namespace := cutLast(rest)
	if _, after, found := strings.Cut(host, "://"); found {
		host = after
	}
	for _, part := range []struct {
		what, text string
		longest    int
		needed     bool
		also       string // what it may hold beside letters, digits, _ and -
	}{
		{"host", host, longestHost, false, ".:"},
		{"namespace", namespace, longestPart, false, ""},
		{"model", model, longestPart, true, "."},
		{"tag", tag, longestPart, false, "."},
	} {
		if part.text == "" && !part.needed {
			continue
		}
		if err := checkPart(part.text, part.longest, part.also); err != nil {
			return fmt.Errorf("the part for the %s %w", part.what, err)
		}
	}
	if strings.HasSuffix(strings.TrimSpace(name), ":") {
		return fmt.Errorf("the part for the tag is empty")
	}
	return nil
}

func checkPart(text string, longest int, also string) error {
	switch {
	case text == "":
		return fmt.Errorf("is empty")
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
