package nethttp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// adapter is a package whose exported names must be those of all adapters.
type adapter struct {
	dir   string
	names map[string]string // of the framework's types: C, F (middleware and handler) and R
	own   []string          // what only this one exports
	lacks string            // a field of Config that only the others have
}

// TestParity compares the exported declarations of the adapters and of this package, with the types of the frameworks
// replaced by their roles.
func TestParity(t *testing.T) {
	t.Parallel()
	adapters := map[string]adapter{
		"gin":   {"../../adapters/gin", map[string]string{"*gin.Context": "C", "gin.HandlerFunc": "F", "*gin.Engine": "R"}, nil, ""},
		"echo":  {"../../adapters/echo", map[string]string{"echo.Context": "C", "echo.HandlerFunc": "F", "echo.MiddlewareFunc": "F", "*echo.Echo": "R"}, nil, ""},
		"fiber": {"../../adapters/fiber", map[string]string{"*fiber.Ctx": "C", "fiber.Handler": "F", "*fiber.App": "R"}, nil, ""},
		"nethttp": {
			".",
			map[string]string{"*http.Request": "C", "http.Handler": "F", "func(http.Handler) http.Handler": "F", "Router": "R"},
			[]string{"Check", "CheckFor", "CheckRequest", "Enter", "LoadUser", "MarkPrivate", "PageFailed", "Register", "Router", "Serve", "Write", "WriteFields"},
			", Raise bool", // net/http has no way of errors
		},
	}
	want := exported(t, adapters["gin"])
	if len(want) < 20 {
		t.Fatalf("the Gin adapter exports %d names, want all of them", len(want))
	}
	for name, a := range adapters {
		got := exported(t, a)
		for _, own := range a.own {
			if _, ok := got[own]; !ok {
				t.Errorf("%s: %s is listed as its own and does not exist", name, own)
			}
			delete(got, own)
		}
		for _, symbol := range slices.Sorted(maps.Keys(want)) {
			expect := want[symbol]
			if symbol == "Config" && a.lacks != "" {
				expect = strings.Replace(expect, a.lacks, "", 1)
			}
			if got[symbol] != expect {
				t.Errorf("%s: %s is %q, in gin %q", name, symbol, got[symbol], expect)
			}
			delete(got, symbol)
		}
		for _, symbol := range slices.Sorted(maps.Keys(got)) {
			t.Errorf("%s alone has %s", name, symbol)
		}
	}
}

// exported returns the exported symbols of a package and what they are.
func exported(t *testing.T, a adapter) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(a.dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	symbols := map[string]string{}
	fset := token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			a.declare(symbols, decl)
		}
	}
	return symbols
}

func (a adapter) declare(symbols map[string]string, decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			receiver := strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")
			if !ast.IsExported(receiver) {
				return
			}
			name = receiver + "." + name
		}
		if d.Name.IsExported() {
			symbols[name] = a.show(d.Type)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					symbols[s.Name.Name] = a.show(s.Type)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() {
						symbols[n.Name] = d.Tok.String()
					}
				}
			}
		}
	}
}

// show is a type with the framework's types replaced.
func (a adapter) show(e ast.Expr) string {
	text := types.ExprString(e)
	if role, ok := a.names[text]; ok {
		return role
	}
	switch e := e.(type) {
	case *ast.FuncType:
		params, results := a.list(e.Params), a.list(e.Results)
		if strings.HasPrefix(params, "C") && (results == "" || results == "error") {
			results = "E" // handlers return an error where the framework's do
		}
		return "func(" + params + ") (" + results + ")"
	case *ast.StructType:
		return "struct{" + a.list(e.Fields) + "}"
	case *ast.Ellipsis:
		return "..." + a.show(e.Elt)
	case *ast.ArrayType:
		return "[]" + a.show(e.Elt)
	}
	return text
}

func (a adapter) list(fields *ast.FieldList) string {
	var list []string
	if fields == nil {
		return ""
	}
	for _, f := range fields.List {
		shown := a.show(f.Type)
		if shown == "http.ResponseWriter" { // it makes one C with the request that follows
			continue
		}
		for _, n := range f.Names {
			if n.IsExported() {
				shown = n.Name + " " + a.show(f.Type)
			}
			list = append(list, shown)
		}
		if f.Names == nil {
			list = append(list, shown)
		}
	}
	return strings.Join(list, ", ")
}

// TestFiles holds the adapters to the same files, so that who knows one finds his way in all.
func TestFiles(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"../../adapters/gin", "../../adapters/echo", "../../adapters/fiber", "."} {
		for _, file := range []string{"doc.go", "auth.go", "require.go", "with.go", "current.go", "mount.go", "example_test.go"} {
			if matches, err := filepath.Glob(filepath.Join(dir, file)); err != nil || len(matches) != 1 {
				t.Errorf("%s has no %s", dir, file)
			}
		}
	}
}
