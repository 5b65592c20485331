package spec

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// reporters are the methods whose call is a diagnostic.
var reporters = []string{"add", "expected", "expect", "ident", "str", "number", "name"}

// Each line of this package that can report an error does so for a spec among the cases of moqgen, whose expected
// output is there to be read. A line that none of them reaches needs a case, or is dead.
func TestEveryDiagnosticHasACase(t *testing.T) {
	cases, err := filepath.Glob("../cmd/moqgen/testdata/*/spec/*.moq")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	reached := map[string]bool{}
	for _, path := range cases {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		read(path, string(text), &collector{found: func() { noteCallers(reached) }})
	}
	for _, site := range diagnostics(t) {
		if !reached[site] {
			t.Errorf("%s: no case in cmd/moqgen/testdata makes this report anything", site)
		}
	}
}

// noteCallers adds the lines on the stack, as file.go:12.
func noteCallers(reached map[string]bool) {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		f, more := frames.Next()
		reached[fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)] = true
		if !more {
			return
		}
	}
}

// diagnostics are the lines of the sources that call a reporter, but for the reporters themselves.
func diagnostics(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var sites []string
	fset := gotoken.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := goparser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || slices.Contains(reporters, f.Name.Name) {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && reports(call) {
					sites = append(sites, fmt.Sprintf("%s:%d", name, fset.Position(call.Pos()).Line))
				}
				return true
			})
		}
	}
	if len(sites) < 100 {
		t.Errorf("only %d lines report errors; the search is broken", len(sites))
	}
	return slices.Compact(sites)
}

func reports(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(reporters, method.Sel.Name) {
		return false
	}
	on, ok := method.X.(*ast.Ident)
	return method.Sel.Name == "add" || ok && on.Name == "p"
}
