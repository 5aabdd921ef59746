package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const goodMod = `module github.com/go-mandate/mandate/stores/memory

go 1.26.0

require github.com/go-mandate/mandate/core v0.1.0

replace github.com/go-mandate/mandate/core => ../../core
`

// tree is a repository in which nothing is wrong.
func tree() map[string]string {
	return map[string]string{
		"README.md":             "# Title here\n\nSee [docs](docs/a.md#the-point), [folder](docs/) and [web](https://example.com/x).\n",
		"docs/a.md":             "# A\n\n## The point\n\n[back](../README.md#title-here)\n",
		"go.work":               "go 1.26.0\n\nuse (\n\t./core\n\t./stores/memory\n)\n",
		"core/go.mod":           "module github.com/go-mandate/mandate/core\n\ngo 1.26.0\n",
		"core/core.go":          "package mandate\n\n// Curve is P-256, and context.TO" + "DO() is a name.\n",
		"stores/memory/go.mod":  goodMod,
		"stores/memory/m.go":    "package memstore\n",
		".golangci.yml":         `files: ["**/core/*.go", "**/stores/memory/**/*.go"]` + "\n",
		"core/testdata/long.go": strings.Repeat("x\n", 1000),
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, text string
		want       string // part of the only finding; empty: none
	}{
		"nothing wrong":              {},
		"path of a machine":          {"docs/b.md", "run /ro" + "ot/x\n", "path of a machine"},
		"path in quotes":             {"core/x.go", "package mandate\n\nvar x = \"/ho" + "me/me/x\"\n", "core/x.go:3: path of a machine"},
		"folder of another name":     {"docs/b.md", "framework/x and a.example/ro" + "ot/x\n", ""},
		"registry":                   {"Makefile", "curl https://proxy." + "golang.org/x\n", "host name of a package registry"},
		"planning id":                {"core/x.go", "package mandate // X" + "-12\n", "planning id"},
		"planning id with a section": {"docs/b.md", "see S0" + "-01\n", "planning id"},
		"note":                       {"core/x.go", "package mandate // TO" + "DO: later\n", "without an issue number"},
		"note with an issue":         {"core/x.go", "package mandate // TO" + "DO(#12): later\n", ""},
		"second note on a line":      {"core/x.go", "package mandate // TO" + "DO(#12), FIX" + "ME\n", "FIX" + "ME without"},
		"long source":                {"core/x.go", "package mandate\n" + strings.Repeat("\n", 400), "warning: 401 lines"},
		"very long source":           {"core/x.go", "package mandate\n" + strings.Repeat("\n", 600), "core/x.go: 601 lines, at most 600"},
		"long test":                  {"core/x_test.go", "package mandate\n" + strings.Repeat("\n", 599), ""},
		"very long test":             {"core/x_test.go", "package mandate\n" + strings.Repeat("\n", 600), "601 lines, at most 600"},
		"dead link":                  {"docs/b.md", "[x](c.md)\n", `link "c.md": no such file`},
		"dead reference":             {"docs/b.md", "[x]: ../core/none.go\n", "no such file"},
		"dead heading":               {"docs/b.md", "[x](a.md#no-point)\n", "no such heading"},
		"absolute link":              {"docs/b.md", "[x](/docs/a.md)\n", "absolute path"},
		"link in a block":            {"docs/b.md", "```\n[x](c.md)\n```\n", ""},
		"link in code":               {"docs/b.md", "`[x](c.md)`\n", ""},
		"placeholder version":        {"stores/memory/go.mod", strings.Replace(goodMod, "v0.1.0", "v0.0.0-00010101000000-000000000000", 1), "go.mod:5: github.com/go-mandate/mandate/core is required at a placeholder"},
		"no replace":                 {"stores/memory/go.mod", strings.Split(goodMod, "replace")[0], "has no replace"},
		"replace elsewhere":          {"stores/memory/go.mod", strings.Replace(goodMod, "../../core", "../gorm", 1), "which is stores/gorm"},
		"old go line":                {"stores/memory/go.mod", strings.Replace(goodMod, "go 1.26.0", "go 1.25.0", 1), `go line is "1.25.0"`},
		"module of another name":     {"stores/memory/go.mod", strings.Replace(goodMod, "stores/memory", "memory", 1), "module is"},
		"module outside go.work":     {"go.work", "go 1.26.0\n\nuse ./core\n", "in go.work: false, want true"},
		"tools outside go.work":      {"tools/go.mod", "module github.com/go-mandate/mandate/tools\n\ngo 1.26.0\n", ""},
		"folder without a rule":      {"core/new/x.go", "package x\n", "core/new: no depguard rule"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := tree()
			if tc.path != "" {
				all[tc.path] = tc.text
			}
			var files []file
			for _, path := range sorted(all) {
				files = append(files, file{Path: path, Text: all[path]})
			}
			found := inspect(files)
			switch {
			case tc.want == "" && len(found) > 0:
				t.Errorf("inspect = %v, want nothing", found)
			case tc.want != "" && len(found) != 1:
				t.Errorf("inspect = %v, want one finding with %q", found, tc.want)
			case tc.want != "" && !strings.Contains(found[0].String(), tc.want):
				t.Errorf("inspect = %v, want %q", found, tc.want)
			}
		})
	}
}

// TestSiblingVersions is apart: it needs three modules to disagree.
func TestSiblingVersions(t *testing.T) {
	t.Parallel()
	files := []file{{Path: "go.work", Text: "use (\n./a\n./b\n)\n"}}
	for dir, version := range map[string]string{"a": "v0.1.0", "b": "v0.2.0"} {
		files = append(files, file{Path: dir + "/go.mod", Text: "module " + prefix + dir + "\ngo 1.26.0\nrequire " + prefix + "core " + version + "\nreplace " + prefix + "core => ../core\n"})
	}
	found := checkModules(files)
	if len(found) != 1 || !strings.Contains(found[0].Text, "elsewhere siblings are at") {
		t.Errorf("checkModules = %v, want one finding about versions", found)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range tree() {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "git", "init", "-q", root).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	var out bytes.Buffer
	if code := run(t.Context(), root, &out, &out); code != 0 {
		t.Errorf("run = %d, want 0: %s", code, &out)
	}
	if err := os.WriteFile(filepath.Join(root, "core", "planted.md"), []byte("cd /fa"+"rm/x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := run(t.Context(), root, &out, &out); code != 1 || !strings.Contains(out.String(), "core/planted.md:1: path of a machine") {
		t.Errorf("run = %d, want 1 and the planted file: %s", code, &out)
	}
	if code := run(t.Context(), filepath.Join(root, "none"), &out, &out); code != 2 {
		t.Errorf("run outside a repository = %d, want 2", code)
	}
}
