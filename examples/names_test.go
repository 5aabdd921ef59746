package examples_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packages are those whose names stand in the documentation.
var packages = map[string]string{
	"mandate": "core", "server": "core/server", "admin": "core/admin", "resource": "core/resource", "store": "core/store", "oauth2": "core/oauth2", "jose": "core/jose",
	"pages": "core/pages", "mandatetest": "core/mandatetest", "client": "core/client", "providers": "core/client/providers", "oauth1": "core/oauth1", "oidc": "core/oidc", "nethttp": "core/nethttp", "mandategin": "adapters/gin", "mandateecho": "adapters/echo",
	"mandatefiber": "adapters/fiber", "memstore": "stores/memory", "gormstore": "stores/gorm",
	"redisstore": "stores/redis", "mandateotel": "observe/otel", "cachestore": "stores/cache", "storetest": "conformance/storetest",
}

var (
	codeSpan  = regexp.MustCompile("`([^`]+)`")
	qualified = regexp.MustCompile(`\b([a-z][a-z0-9]*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
	member    = regexp.MustCompile(`(?:^|[^.\w])([A-Z]\w*)\.([A-Z]\w*)`)
)

// TestNames holds the names in the prose of README.md and docs/ against the packages: server.Config, server.Config.Issuer, Config.Issuer.
func TestNames(t *testing.T) {
	t.Parallel()
	known, members := map[string]bool{}, map[string]bool{}
	for name, dir := range packages {
		for _, n := range exported(t, filepath.Join("..", dir)) {
			known[name+"."+n] = true
			members[n] = true
		}
	}
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		block := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "```") {
				block = !block
			}
			if block {
				continue
			}
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				for _, m := range qualified.FindAllStringSubmatch(span[1], -1) {
					name := strings.TrimSuffix(m[1]+"."+m[2]+"."+m[3], ".")
					if packages[m[1]] != "" && !known[name] {
						t.Errorf("%s: there is no %s", page, name)
					}
					seen++
				}
				for _, m := range member.FindAllStringSubmatch(span[1], -1) {
					if name := m[1] + "." + m[2]; !members[name] && name != "Engine.UseRawPath" {
						t.Errorf("%s: there is no %s", page, name)
					}
					seen++
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d names found, want the documentation to have more", seen)
	}
}

// exported returns the exported names of the package in dir, and those of fields and methods behind their type's.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no package in %s: %v", dir, err)
	}
	var names []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				names = append(names, funcName(d))
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					names = append(names, specNames(spec)...)
				}
			}
		}
	}
	return names
}

// funcName returns "Func" or "Type.Method".
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if id, ok := of.(*ast.Ident); ok {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

// specNames returns a type with its fields or methods, or constants and variables.
func specNames(spec ast.Spec) []string {
	var names []string
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, id := range s.Names {
			names = append(names, id.Name)
		}
	case *ast.TypeSpec:
		names = append(names, s.Name.Name)
		var fields *ast.FieldList
		switch of := s.Type.(type) {
		case *ast.StructType:
			fields = of.Fields
		case *ast.InterfaceType:
			fields = of.Methods
		default:
			return names
		}
		for _, f := range fields.List {
			for _, id := range f.Names {
				names = append(names, s.Name.Name+"."+id.Name)
			}
		}
	}
	return names
}
