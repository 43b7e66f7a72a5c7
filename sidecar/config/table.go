package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// WriteTable writes all variables with their defaults and meanings as a
// Markdown table.
func WriteTable(w io.Writer) error {
	var table strings.Builder
	table.WriteString("| Variable | Default | Meaning |\n|---|---|---|\n")
	fields := reflect.TypeFor[Config]()
	for i, name := range variables() {
		tag := fields.Field(i).Tag
		value := "empty"
		if tag.Get("default") != "" {
			value = "`" + tag.Get("default") + "`"
		}
		meaning := strings.ReplaceAll(tag.Get("desc"), "|", `\|`)
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", name, value, meaning)
	}
	if _, err := io.WriteString(w, table.String()); err != nil {
		return fmt.Errorf("cannot write the table of variables: %w", err)
	}
	return nil
}
