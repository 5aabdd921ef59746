package examples_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	snippetStart = regexp.MustCompile(`^\s*// doc:start (\S+)$`)
	snippetEnd   = regexp.MustCompile(`^\s*// doc:end$`)
	snippetUse   = regexp.MustCompile(`^<!-- code: (\S+) -->$`)
	goRun        = regexp.MustCompile(`go run \./examples/(\S+)`)
)

// TestMarkdown holds the Go code of README.md and docs/ against the examples, which are compiled: every block comes after a line
// "<!-- code: name -->" and is what stands between "// doc:start name" and "// doc:end". GOLDEN=write copies it.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	snippets := readSnippets(t)
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		want, problems := render(string(text), snippets, used)
		for _, p := range problems {
			t.Errorf("%s: %s", page, p)
		}
		switch {
		case want == string(text):
		case os.Getenv("GOLDEN") == "write":
			if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s has other code than the examples: run GOLDEN=write go test ./examples", page)
		}
	}
	for name := range snippets {
		if !used[name] {
			t.Errorf("no page uses the code called %s", name)
		}
	}
}

// readSnippets returns the marked code of all examples, by name.
func readSnippets(t *testing.T) map[string]string {
	t.Helper()
	snippets := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path) // #nosec G122 -- the repository's own files
		if err != nil {
			return err
		}
		name, from := "", 0
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			switch m := snippetStart.FindStringSubmatch(line); {
			case m != nil && name != "":
				return fmt.Errorf("%s:%d: %s begins within %s", path, i+1, m[1], name)
			case m != nil && snippets[m[1]] != "":
				return fmt.Errorf("%s:%d: %s is there twice", path, i+1, m[1])
			case m != nil:
				name, from = m[1], i+1
			case snippetEnd.MatchString(line) && name == "":
				return fmt.Errorf("%s:%d: nothing ends here", path, i+1)
			case snippetEnd.MatchString(line):
				snippets[name], name = dedent(lines[from:i]), ""
			}
		}
		if name != "" {
			return fmt.Errorf("%s: %s does not end", path, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return snippets
}

// dedent returns lines without empty ones around them and the indentation that all share.
func dedent(lines []string) string {
	text := strings.Trim(strings.Join(lines, "\n"), "\n")
	lines = strings.Split(text, "\n")
	for !slices.ContainsFunc(lines, func(l string) bool { return l != "" && !strings.HasPrefix(l, "\t") }) {
		for i := range lines {
			lines[i] = strings.TrimPrefix(lines[i], "\t")
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// render returns page with the code that its markers name, and what is wrong with it.
func render(page string, snippets map[string]string, used map[string]bool) (text string, problems []string) {
	var out strings.Builder
	marker, skipping := "", false
	for i, line := range strings.SplitAfter(page, "\n") {
		bare := strings.TrimSuffix(line, "\n")
		if m := goRun.FindStringSubmatch(bare); m != nil {
			if _, err := os.Stat(strings.Trim(m[1], "`.,;")); err != nil {
				problems = append(problems, fmt.Sprintf("line %d: %v", i+1, err))
			}
		}
		switch {
		case skipping && bare == "```":
			skipping = false
		case skipping:
			continue
		case bare == "```go" && marker == "":
			problems = append(problems, fmt.Sprintf("line %d: code without <!-- code: name -->", i+1))
		case bare == "```go":
			code, ok := snippets[marker]
			if !ok {
				problems = append(problems, fmt.Sprintf("line %d: no code is called %s", i+1, marker))
				marker = ""
				break
			}
			out.WriteString(line + code)
			used[marker], marker, skipping = true, "", true
			continue
		}
		if m := snippetUse.FindStringSubmatch(bare); m != nil {
			marker = m[1]
		}
		out.WriteString(line)
	}
	return out.String(), problems
}
