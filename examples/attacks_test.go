package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAttacks holds the table of attacks in docs/security.md against the tests: each name there begins the name of a test, and the other way round.
func TestAttacks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../conformance/adaptertest/attack_*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests of attacks: %v", err)
	}
	tested := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"([^":]+): .*"\]?(?::| =) func\(t \*testing\.T, a Adapter\)`).FindAllSubmatch(text, -1) {
			tested[string(m[1])] = true
		}
	}
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## Attacks and their tests")
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && !strings.HasPrefix(cells[1], "-") && cells[1] != " area " {
			for name := range strings.SplitSeq(cells[2], ",") {
				told = append(told, strings.TrimSpace(name))
			}
		}
	}
	for _, name := range told {
		if !tested[name] {
			t.Errorf("docs/security.md names the attack %q, and no test does", name)
		}
	}
	for name := range tested {
		if !slices.Contains(told, name) {
			t.Errorf("docs/security.md does not name the attack %q, which has a test", name)
		}
	}
}
