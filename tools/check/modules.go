package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	prefix    = "github.com/go-mandate/mandate/"
	goVersion = "1.26.0"
)

var placeholder = regexp.MustCompile(`^v0\.0\.0-0001`)

// module is what one go.mod says about its siblings.
type module struct {
	Path     string // of the go.mod file
	Name     string
	Go       string
	Require  map[string]string // sibling to version
	Replace  map[string]string // sibling to folder
	Replaces map[string]int    // sibling to line
	Lines    map[string]int    // sibling to line
}

// checkModules finds go.mod files that do not fit together.
func checkModules(files []file) []finding {
	var all []finding
	used, version := workspace(files), ""
	for _, f := range files {
		if path.Base(f.Path) != "go.mod" || strings.Contains(f.Path, "/testdata/") {
			continue
		}
		m := readModule(f)
		add := func(line int, format string, args ...any) {
			all = append(all, finding{Path: f.Path, Line: line, Text: fmt.Sprintf(format, args...)})
		}
		dir := path.Dir(f.Path)
		if want := strings.TrimSuffix(prefix+dir, "/"); m.Name != want {
			add(1, "module is %s, want %s", m.Name, want)
		}
		if m.Go != goVersion {
			add(0, "go line is %q, want %s", m.Go, goVersion)
		}
		if used[dir] == alone(dir) {
			add(0, "in go.work: %v, want %v", used[dir], !used[dir])
		}
		for _, name := range sorted(m.Require) {
			v, line := m.Require[name], m.Lines[name]
			switch {
			case placeholder.MatchString(v):
				add(line, "%s is required at a placeholder: `make tidy` puts the release there", name)
			case version == "":
				version = v
			case v != version:
				add(line, "%s is required at %s, elsewhere siblings are at %s", name, v, version)
			}
			if to, ok := m.Replace[name]; !ok {
				add(line, "%s has no replace with its folder", name)
			} else if got := path.Join(dir, to); prefix+got != name {
				add(m.Replaces[name], "%s is replaced with %s, which is %s", name, to, got)
			}
		}
	}
	return all
}

// readModule reads the lines of a go.mod that checkModules needs.
func readModule(f file) module {
	m := module{
		Path: f.Path, Require: map[string]string{}, Replace: map[string]string{},
		Replaces: map[string]int{}, Lines: map[string]int{},
	}
	block := ""
	for i, line := range strings.Split(f.Text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case words[0] == ")":
			block = ""
			continue
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case block != "":
			words = append([]string{block}, words...)
		}
		switch {
		case words[0] == "module" && len(words) == 2:
			m.Name = words[1]
		case words[0] == "go" && len(words) == 2:
			m.Go = words[1]
		case words[0] == "require" && len(words) == 3 && strings.HasPrefix(words[1], prefix):
			m.Require[words[1]], m.Lines[words[1]] = words[2], i+1
		case words[0] == "replace" && len(words) >= 4 && strings.HasPrefix(words[1], prefix):
			m.Replace[words[1]], m.Replaces[words[1]] = words[len(words)-1], i+1
		}
	}
	return m
}

// alone reports whether the module in dir stays out of go.work: its dependencies must not raise
// those of the library.
func alone(dir string) bool {
	return slices.ContainsFunc([]string{"bench", "conformance/clients", "tools"}, func(a string) bool {
		return dir == a || strings.HasPrefix(dir, a+"/")
	})
}

// workspace is the set of folders that go.work names.
func workspace(files []file) map[string]bool {
	used := map[string]bool{}
	for _, f := range files {
		if f.Path != "go.work" {
			continue
		}
		for line := range strings.SplitSeq(f.Text, "\n") {
			word := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "use "))
			if strings.HasPrefix(word, "./") {
				used[path.Clean(word)] = true
			}
		}
	}
	return used
}

// checkRules finds folders of the library that no import rule of the linter covers.
func checkRules(files []file) []finding {
	rules := ""
	folders := map[string]bool{}
	for _, f := range files {
		if f.Path == ".golangci.yml" {
			rules = f.Text
		}
		top, _, _ := strings.Cut(f.Path, "/")
		if strings.HasSuffix(f.Path, ".go") && !strings.HasSuffix(f.Path, "_test.go") &&
			!strings.Contains(f.Path, "/testdata/") && slices.Contains([]string{"core", "stores", "adapters", "conformance"}, top) {
			folders[path.Dir(f.Path)] = true
		}
	}
	var all []finding
	for _, dir := range sorted(folders) {
		if !covered(rules, dir) {
			all = append(all, finding{Path: dir, Text: "no depguard rule in .golangci.yml says what this folder may import"})
		}
	}
	return all
}

// covered reports whether a rule names the folder, or everything below one of its parents.
func covered(rules, dir string) bool {
	if strings.Contains(rules, `"**/`+dir+`/*.go"`) {
		return true
	}
	for up := dir; up != "."; up = path.Dir(up) {
		if strings.Contains(rules, `**/`+up+`/**/*.go"`) {
			return true
		}
	}
	return false
}

// sorted are the keys of m in order, so that findings come in one order.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
