package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

const prefix = "CLAWGATE"

// Load reads the sidecar's settings from environ, in the form of [os.Environ].
// The error holds every mistake, one line each; it names the variable and what
// would be right, and never shows a secret. The Config is of use only when the
// error is nil.
//
// A secret X may be given as X_FILE, the name of a file that holds it.
func Load(environ []string) (Config, error) {
	given := parse(environ)
	var config Config
	var mistakes []error
	bad := map[string]bool{}
	value := reflect.ValueOf(&config).Elem()
	for i, name := range variables() {
		if err := load(name, value.Type().Field(i), value.Field(i), given); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", name, err))
			bad[name] = true
		}
	}
	mistakes = append(mistakes, unknown(given)...)
	mistakes = append(mistakes, contradictions(config, bad)...)
	return config, errors.Join(mistakes...)
}

func parse(environ []string) map[string]string {
	given := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, text, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, prefix+"_") {
			given[name] = text
		}
	}
	return given
}

// load sets one field from its variable or its default.
func load(name string, field reflect.StructField, value reflect.Value, given map[string]string) error {
	text, ok := given[name]
	if value.Type() == reflect.TypeFor[Secret]() {
		var err error
		if text, ok, err = secretText(name, given); err != nil {
			return err
		}
	}
	if !ok {
		text = field.Tag.Get("default")
	}
	if text == "" {
		if ok && field.Tag.Get("rule") != "empty" {
			return fmt.Errorf("is set but empty; remove it for its default %q", field.Tag.Get("default"))
		}
		return nil // the zero value is what empty means
	}
	if err := decode(field, value, text); err != nil {
		return err
	}
	return inRange(field.Tag.Get("rule"), value)
}

// secretText reads the secret from its variable or from the file that
// name_FILE names.
func secretText(name string, given map[string]string) (text string, ok bool, err error) {
	text, ok = given[name]
	file, fromFile := given[name+fileSuffix]
	switch {
	case ok && fromFile:
		return "", false, fmt.Errorf("is set together with %s; remove one of them", name+fileSuffix)
	case !fromFile:
		return text, ok, nil
	case file == "":
		return "", false, fmt.Errorf("%s is set but empty; give the name of a file or remove it", name+fileSuffix)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", false, fmt.Errorf("cannot read the file of %s: %w", name+fileSuffix, err)
	}
	text = strings.TrimSpace(string(content))
	if text == "" {
		return "", false, fmt.Errorf("the file %q of %s is empty", file, name+fileSuffix)
	}
	return text, true, nil
}

// decode sets value from text by envconfig's rules.
//
// envconfig reads the process's own environment and stops at its first error.
// So it gets a struct of this field alone, whose default is the text and whose
// variable cannot exist, because no name holds a "=".
func decode(field reflect.StructField, value reflect.Value, text string) error {
	field.Tag = reflect.StructTag("default:" + strconv.Quote(text))
	one := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	err := envconfig.Process("=", one.Interface())
	if err == nil {
		value.Set(one.Elem().Field(0))
		return nil
	}
	if parse := (*envconfig.ParseError)(nil); errors.As(err, &parse) {
		err = parse.Err // ParseError itself prints the value, secret or not
	}
	return wanted(value.Type(), text, err)
}

// variables names the variables in the order of Config's fields. envconfig
// makes the names, so that the table and the errors agree with it.
func variables() []string {
	var names strings.Builder
	if err := envconfig.Usagef(prefix, &Config{}, &names, "{{range .}}{{usage_key .}}\n{{end}}"); err != nil {
		panic("config: " + err.Error()) // the template above is wrong
	}
	return strings.Fields(names.String())
}

// secretVariables names the variables that may also be given as a file.
func secretVariables() []string {
	var names []string
	fields := reflect.TypeFor[Config]()
	for i, name := range variables() {
		if fields.Field(i).Type == reflect.TypeFor[Secret]() {
			names = append(names, name)
		}
	}
	return names
}
