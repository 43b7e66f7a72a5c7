package environment

import (
	"fmt"
	"io"
	"strings"
)

// WriteTable writes the role's variables with their defaults and meanings as a
// Markdown table.
func (r Role[T]) WriteTable(w io.Writer) error {
	var table strings.Builder
	table.WriteString("| Variable | Default | Meaning |\n|---|---|---|\n")
	for _, v := range r.variables() {
		tag := v.field.Tag
		value := "empty"
		if tag.Get("default") != "" {
			value = "`" + tag.Get("default") + "`"
		}
		meaning := strings.ReplaceAll(tag.Get("desc"), "|", `\|`)
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", v.name, value, meaning)
	}
	if _, err := io.WriteString(w, table.String()); err != nil {
		return fmt.Errorf("cannot write the table of variables: %w", err)
	}
	return nil
}
