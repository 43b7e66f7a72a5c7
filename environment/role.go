// Package environment reads settings from environment variables into the struct
// of a role, the sidecar's or the gateway's.
//
// [Role.Load] reports all mistakes together: names that no role knows, values
// that cannot be read, and settings that contradict each other. The struct's
// tags are the only place where names, defaults and meanings are written;
// [Role.WriteTable] prints them:
//
//   - split_words:"true" stands at every field: envconfig makes the name.
//   - default and desc are what the table shows.
//   - rule is "empty" where an empty value means something, "positive", or
//     "interval" (not shorter than makes sense).
//   - secret:"true" lets the variable X be given as X_FILE, too.
//   - shared:"true" marks a variable that both roles have: its name lacks the
//     role.
//
// What stands around a value by the way in which it came is taken off first, see
// [Text]; a secret keeps its quotes.
//
// A type of the role's own reads its value by UnmarshalText. Its errors must not
// show what may be secret.
//
// The package reads secret files and nothing else of the outside world.
package environment

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// Prefix begins every variable, followed by an underscore.
const Prefix = "CLAWGATE"

// Role is what has settings; T is their struct.
type Role[T any] struct {
	// Prefix begins the names of the role's own variables.
	Prefix string
	// Contradictions are the rules beyond those of the single values.
	Contradictions func(T) []Contradiction
}

// Load reads the settings from environ, in the form of [os.Environ]. The names
// in others are passed over: they are another role's, so that one env file
// serves both. The error holds every mistake, one line each; it names the
// variable and what would be right, and never shows a secret. The settings are
// of use only when the error is nil.
//
// A secret X may be given as X_FILE, the name of a file that holds it.
func (r Role[T]) Load(environ, others []string) (T, error) {
	given := parse(environ)
	var settings T
	var mistakes []error
	bad := map[string]bool{}
	value := reflect.ValueOf(&settings).Elem()
	for i, v := range r.variables() {
		if err := load(v, value.Field(i), given); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", v.name, err))
			bad[v.name] = true
		}
	}
	mistakes = append(mistakes, unknown(given, slices.Concat(r.Variables(), others))...)
	mistakes = append(mistakes, broken(r.Prefix, r.Contradictions(settings), bad)...)
	return settings, errors.Join(mistakes...)
}

// Default returns the settings of an empty environment.
func (r Role[T]) Default() T {
	settings, err := r.Load(nil, nil)
	if err != nil {
		panic("environment: the defaults are wrong: " + err.Error()) // a test loads them
	}
	return settings
}

// Variables names all variables of the role, those of secret files after the
// others.
func (r Role[T]) Variables() []string {
	var names, files []string
	for _, v := range r.variables() {
		names = append(names, v.name)
		if v.secret() {
			files = append(files, v.name+fileSuffix)
		}
	}
	return append(names, files...)
}

// variable is a field of the settings and its name in the environment.
type variable struct {
	name  string
	field reflect.StructField
}

func (v variable) secret() bool { return v.field.Tag.Get("secret") == "true" }

// variables are in the order of the struct's fields. envconfig makes the names,
// so that the table and the errors agree with it.
func (r Role[T]) variables() []variable {
	var names strings.Builder
	if err := envconfig.Usagef(r.Prefix, new(T), &names, "{{range .}}{{usage_key .}}\n{{end}}"); err != nil {
		panic("environment: " + err.Error()) // the template above is wrong
	}
	var all []variable
	for i, name := range strings.Fields(names.String()) {
		field := reflect.TypeFor[T]().Field(i)
		if field.Tag.Get("shared") == "true" {
			name = Prefix + strings.TrimPrefix(name, r.Prefix)
		}
		all = append(all, variable{name, field})
	}
	return all
}
