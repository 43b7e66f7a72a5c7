package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// recorded has one of each type, which TestEveryTypeIsTried makes sure of.
var recorded = []any{
	Identity{}, Container{}, Activity{}, Process{}, ContainerEvent{},
	GPUView{}, GPU{}, GPUProcess{}, Xid{}, GPUOwner{}, LeakReport{}, GPULeak{},
	ProbeResult{}, LoadedModel{}, Traffic{}, Request{}, Sign{}, Answer{},
}

func TestWhatWasSeenCanBeWrittenDownAndReadBack(t *testing.T) {
	for _, empty := range recorded {
		kind := reflect.TypeOf(empty)
		whole, filled := reflect.New(kind).Elem(), 0
		fill(t, whole, &filled)
		for _, value := range []any{empty, whole.Interface()} {
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			read, decoder := reflect.New(kind), json.NewDecoder(bytes.NewReader(text))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(read.Interface()); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if got := read.Elem().Interface(); !reflect.DeepEqual(got, value) {
				t.Errorf("%s\ncame back as %+v\nand was       %+v", text, got, value)
			}
		}
	}
}

// What was seen to be empty is another thing than what was not seen.
func TestAnEmptyListIsNoMissingOne(t *testing.T) {
	text, err := json.Marshal(Container{Env: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	var container Container
	if err := json.Unmarshal(text, &container); err != nil || container.Env == nil {
		t.Errorf("%s came back as %+v, %v", text, container, err)
	}
	if text, err = json.Marshal(GPUView{GPUs: []GPU{}}); err != nil {
		t.Fatal(err)
	}
	var view GPUView
	if err := json.Unmarshal(text, &view); err != nil || view.GPUs == nil {
		t.Errorf("%s came back as %+v, %v", text, view, err)
	}
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func TestEveryFieldHasAName(t *testing.T) {
	for _, value := range recorded {
		kind := reflect.TypeOf(value)
		for i := range kind.NumField() {
			field := kind.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if field.Anonymous && name == "" {
				continue // its fields stand among the others
			}
			if !field.IsExported() || !snakeCase.MatchString(name) {
				t.Errorf("%s.%s is called %q in a record", kind, field.Name, name)
			}
			if field.Type == reflect.TypeFor[time.Duration]() && !strings.HasSuffix(name, "_ns") {
				t.Errorf("%s.%s is called %q, which does not say that it is in nanoseconds", kind, field.Name, name)
			}
		}
	}
}

func TestEveryTypeIsTried(t *testing.T) {
	tried := map[string]bool{}
	for _, value := range recorded {
		tried[reflect.TypeOf(value).Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			if spec, is := node.(*ast.TypeSpec); is {
				if _, is := spec.Type.(*ast.StructType); is && !tried[spec.Name.Name] {
					t.Errorf("%s is not among what is written down and read back", spec.Name.Name)
				}
			}
			return true
		})
	}
}

// fill sets everything in a value to something that is not zero, and differs.
func fill(t *testing.T, value reflect.Value, filled *int) {
	t.Helper()
	*filled++
	n := *filled
	switch value.Kind() {
	case reflect.Bool:
		value.SetBool(true)
	case reflect.String:
		value.SetString(fmt.Sprint("text ", n))
	case reflect.Int, reflect.Int64:
		value.SetInt(int64(n))
	case reflect.Uint32:
		value.SetUint(uint64(n))
	case reflect.Uint64:
		value.SetUint(1<<63 + uint64(n)) // more than a float holds
	case reflect.Float64:
		value.SetFloat(float64(n) / 3)
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(t, value.Elem(), filled)
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		fill(t, value.Index(0), filled)
		fill(t, value.Index(1), filled)
	case reflect.Map:
		value.Set(reflect.ValueOf(map[string]string{"name": fmt.Sprint("text ", n)}))
	case reflect.Struct:
		if value.Type() == reflect.TypeFor[time.Time]() {
			value.Set(reflect.ValueOf(time.Date(2026, 7, 1, 10, 0, n, 123456789, time.UTC)))
			return
		}
		for i := range value.NumField() {
			fill(t, value.Field(i), filled)
		}
	default:
		t.Fatalf("nobody has tried whether %s can be written down and read back", value.Type())
	}
}
