package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure are the packages that only reckon: the same input gives the same output. They
// are fed with times and results, and never ask for any.
var pure = []string{"../../sidecar/watch", "../../sidecar/verdict", "../../sidecar/policy"}

// impure are packages through which the world gets in, or something gets out.
var impure = []string{"context", "log", "log/slog", "net", "net/http", "os", "sync", "sync/atomic", "math/rand", "math/rand/v2", "crypto/rand", "io"}

func TestThePolicyIsPure(t *testing.T) {
	for _, folder := range pure {
		files := token.NewFileSet()
		parsed, err := parser.ParseDir(files, folder, func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0) //nolint:staticcheck // build tags do not matter here
		if err != nil || len(parsed) == 0 {
			t.Fatalf("cannot read %s: %v", folder, err)
		}
		for _, found := range parsed {
			for _, file := range found.Files {
				for _, what := range impurities(file) {
					t.Errorf("%s: %s", filepath.Base(folder), files.Position(what.Pos()))
				}
			}
		}
	}
}

// impurities are a clock that is read, a timer, a goroutine, a channel, and imports
// that have any of them.
func impurities(file *ast.File) (found []ast.Node) {
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if slices.Contains(impure, path) {
			found = append(found, spec)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
			found = append(found, node)
		case *ast.SelectorExpr:
			if readsClock(node) {
				found = append(found, node)
			}
		}
		return true
	})
	return found
}

func readsClock(node *ast.SelectorExpr) bool {
	from, named := node.X.(*ast.Ident)
	if !named || from.Name != "time" {
		return false
	}
	switch node.Sel.Name {
	case "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick":
		return true
	}
	return false
}

func TestImpuritiesAreFound(t *testing.T) {
	const code = `package p
import ("context"; "time")
var c chan int
func f(ctx context.Context) { go f(ctx); select {}; _ = time.Now() }`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	if found := impurities(file); len(found) != 5 {
		t.Errorf("%d are found, want 5", len(found))
	}
}
