package watch

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"testing"
	"time"

	"github.com/clawdbot/clawgate/ollama"
)

// filled sets every field of a value, however deep.
func filled(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 28, 12, 0, 0, 123, time.UTC)))
			return
		}
		if v.Type() == reflect.TypeFor[ollama.Catalogue]() {
			if err := json.Unmarshal([]byte(`[{"title":"m:1","place":"sha256-1","names":["m:1"],"digests":["1"]}]`), v.Addr().Interface()); err != nil {
				panic(err)
			}
			return
		}
		for i := range v.NumField() {
			filled(v.Field(i))
		}
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(1 << 31)
	case reflect.Float64:
		v.SetFloat(1.0 / 3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0))
		filled(v.Index(1))
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		filled(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), value)
	default:
		panic("a field of a kind that the test does not know: " + v.Kind().String())
	}
}

// Every observation is written down with all that it holds, and read back.
func TestObservationsAreReadBack(t *testing.T) {
	for kind, zero := range kinds {
		whole := reflect.New(reflect.TypeOf(zero)).Elem()
		filled(whole)
		for name, seen := range map[string]Observation{"empty": zero, "whole": whole.Interface().(Observation)} {
			text, err := json.Marshal(seen)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Read(KindOf(seen), text)
			if err != nil || !reflect.DeepEqual(back, seen) {
				t.Errorf("%s, %s: %v\n%+v\nis read back as\n%+v", kind, name, err, seen, back)
			}
		}
	}
}

// Every type that is an observation has a kind.
func TestObservationsHaveAKind(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "observation.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	types := 0
	for _, declared := range file.Decls {
		if method, is := declared.(*ast.FuncDecl); is && method.Name.Name == "observation" {
			types++
		}
	}
	if types != len(kinds) {
		t.Errorf("%d types are observations, and %d have a kind", types, len(kinds))
	}
}

func TestWhatIsNoObservation(t *testing.T) {
	for kind, text := range map[string]string{"unheard of": "{}", "inspection": `{"asked": 7}`, "sign": `{`} {
		if seen, err := Read(kind, []byte(text)); err == nil {
			t.Errorf("%s %s is read as %+v", kind, text, seen)
		}
	}
}
