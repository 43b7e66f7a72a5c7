package environment

import (
	"fmt"
	"strings"
	"unicode"
)

const byteOrderMark = "\ufeff"

// Text is what a setting says, of which this is what was set: without what stands
// around it by the way in which it came. A line of a YAML list and an env file that
// no shell reads keep their quotes, one that was written on Windows its carriage
// returns, and some editors begin a file with a byte order mark. A quotation mark at
// one end alone stays: whoever reads the value says what is wrong.
func Text(set string) string {
	for {
		text := bare(set)
		if n := len(text); n >= 2 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
			set = text[1 : n-1]
			continue
		}
		return text
	}
}

// bare is a text without blanks, ends of lines and byte order marks around it.
// Quotes stay: a secret may begin and end with them.
func bare(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || string(r) == byteOrderMark })
}

// Lines are those of a secret that has several. What an editor may have put around
// each goes, and a line that begins with # is none.
func Lines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = bare(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// Stranger names the first character of a text that is not allowed in it, for the
// end of a sentence; it is empty where all are.
func Stranger(text string, allowed func(rune) bool) string {
	for _, character := range text {
		if !allowed(character) {
			return ": it holds " + nameOf(character)
		}
	}
	return ""
}

// OddInURL names the first character of a text that no URL of a host has and that is
// easily overlooked, for the end of a sentence.
func OddInURL(text string) string {
	return Stranger(text, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !quotes(r) })
}

func quotes(r rune) bool { return r == '"' || r == '\'' || unicode.In(r, unicode.Pi, unicode.Pf) }

// halfQuoted says of what cannot be read that it has a quotation mark at one end.
func halfQuoted(text string, err error) error {
	for _, mark := range []string{`"`, "'"} {
		if strings.HasPrefix(text, mark) != strings.HasSuffix(text, mark) {
			return fmt.Errorf("%w; a quotation mark stands at one end of it", err)
		}
	}
	return err
}

// nameOf names a character, and shows it only where it is one of the marks that
// slip into a value unnoticed: all others may be part of a secret.
func nameOf(character rune) string {
	switch {
	case character == ' ':
		return "a space"
	case character == '\t':
		return "a tab"
	case character == '\n':
		return "a line break"
	case character == '\r':
		return "a carriage return, as Windows ends lines"
	case string(character) == byteOrderMark:
		return "a byte order mark (U+FEFF)"
	case quotes(character):
		return fmt.Sprintf("a quotation mark (%c)", character)
	case character > ' ' && character <= '~':
		return fmt.Sprintf("%q", character)
	case unicode.IsGraphic(character) && !unicode.IsSpace(character) && character != unicode.ReplacementChar:
		return "one that is not ASCII" // which one would be part of the secret
	}
	return fmt.Sprintf("one that cannot be seen (%U)", character)
}
