package environment

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

const fileSuffix = "_FILE"

func parse(environ []string) map[string]string {
	given := make(map[string]string, len(environ))
	for _, entry := range environ {
		// A byte order mark at the beginning of an env file is not of the name.
		entry = strings.TrimPrefix(entry, byteOrderMark)
		if name, text, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, Prefix+"_") {
			given[name] = text
		}
	}
	return given
}

// load sets value, the field of v, from its variable or its default.
func load(v variable, value reflect.Value, given map[string]string) error {
	field := v.field
	text, ok := given[v.name]
	text = Text(text)
	if v.secret() {
		var err error
		if text, ok, err = secretText(v.name, given); err != nil {
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
		if v.secret() {
			return err
		}
		return halfQuoted(text, err)
	}
	return inRange(field.Tag.Get("rule"), value)
}

// secretText reads the secret from its variable or from the file that
// name_FILE names. Quotes around it are its own.
func secretText(name string, given map[string]string) (text string, ok bool, err error) {
	text, ok = given[name]
	file, fromFile := given[name+fileSuffix]
	switch {
	case ok && fromFile:
		return "", false, fmt.Errorf("is set together with %s; remove one of them", name+fileSuffix)
	case !fromFile && text != "" && bare(text) == "":
		return "", false, errors.New("holds nothing but white space; remove it, or set it")
	case !fromFile:
		return bare(text), ok, nil
	case Text(file) == "":
		return "", false, fmt.Errorf("%s is set but empty; give the name of a file or remove it", name+fileSuffix)
	}
	text, err = readSecret(name+fileSuffix, Text(file))
	return text, err == nil, err
}

// decode sets value from text by envconfig's rules.
//
// envconfig reads the process's own environment and stops at its first error.
// So it gets a struct of this field alone, whose default is the text and whose
// variable cannot exist, because no name holds a "=".
func decode(field reflect.StructField, value reflect.Value, text string) error {
	alone := field
	alone.Tag = reflect.StructTag("default:" + strconv.Quote(text))
	one := reflect.New(reflect.StructOf([]reflect.StructField{alone}))
	err := envconfig.Process("=", one.Interface())
	if err == nil {
		value.Set(one.Elem().Field(0))
		return nil
	}
	if parse := (*envconfig.ParseError)(nil); errors.As(err, &parse) {
		err = parse.Err // ParseError itself prints the value, secret or not
	}
	return wanted(field, text, err)
}
