package examples_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPresetsAreListed holds the table of docs/providers.md against the functions of core/client/providers.
func TestPresetsAreListed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../core/client/providers/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv == nil && fn.Name.IsExported() && returnsApp(fn) && !strings.Contains(string(page), "`"+fn.Name.Name+"(") {
				t.Errorf("docs/providers.md does not list providers.%s", fn.Name.Name)
			}
		}
	}
}

// returnsApp reports whether fn returns a struct of package client alone.
func returnsApp(fn *ast.FuncDecl) bool {
	if fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
		return false
	}
	of, ok := fn.Type.Results.List[0].Type.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	name, ok := of.X.(*ast.Ident)
	return ok && name.Name == "client" && (strings.HasPrefix(of.Sel.Name, "OAuth") || of.Sel.Name == "OpenID")
}
