package main

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// The patterns are put together from parts, so that this file does not match itself.
var (
	machinePath = regexp.MustCompile(`(^|[^\w.*~-])/(` + strings.Join([]string{"wo" + "rk", "fa" + "rm", "ro" + "ot", `home/\w+`, "Users/" + `\w+`}, "|") + `)/`)
	registry    = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
		`proxy\.` + `golang\.org`, `sum\.` + `golang\.org`, `goproxy\.` + `(io|cn)`,
		`registry\.` + `npmjs\.org`, `registry\.` + `yarnpkg\.com`,
		`pypi\.` + `(org|python\.org)`, `files\.` + `pythonhosted\.org`,
		`(artifactory|nexus|devpi|athens)\.` + `[\w.-]+`,
	}, "|") + `)\b`)
	planningID = regexp.MustCompile(`\b(S[0-4]|X|P|V)-` + `[0-9]{2,3}\b`)
	curve      = regexp.MustCompile(`^P-(224|256|384|521)$`)
	note       = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b(\(#[0-9]+\))?`)
)

// checkText finds words that do not belong in the repository.
func checkText(f file) []finding {
	if path.Base(f.Path) == "go.sum" {
		return nil
	}
	var all []finding
	code := strings.HasSuffix(f.Path, ".go") || strings.HasSuffix(f.Path, ".md")
	for i, line := range strings.Split(f.Text, "\n") {
		add := func(format string, args ...any) {
			all = append(all, finding{Path: f.Path, Line: i + 1, Text: fmt.Sprintf(format, args...)})
		}
		if m := machinePath.FindString(line); m != "" {
			add("path of a machine: %q", strings.TrimSpace(m))
		}
		if m := registry.FindString(line); m != "" {
			add("host name of a package registry: %q; clients know their registry", m)
		}
		if !code {
			continue
		}
		for _, m := range planningID.FindAllString(line, -1) {
			if !curve.MatchString(m) {
				add("planning id %q: say what it is about instead", m)
			}
		}
		for _, at := range note.FindAllStringSubmatchIndex(line, -1) {
			numbered := at[4] >= 0
			if !numbered && !strings.HasSuffix(line[:at[0]], "context.") {
				add("%s without an issue number: write %[1]s(#123), or do it", line[at[2]:at[3]])
			}
		}
	}
	return all
}

const (
	sourceLines = 400 // more than this is a warning
	testLines   = 600 // more than this, also for a source file, is refused
)

// checkLength finds Go files that hold more than one noun.
func checkLength(f file) []finding {
	if !strings.HasSuffix(f.Path, ".go") || strings.Contains(f.Path, "/testdata/") ||
		strings.HasPrefix(f.Text, "// Code generated ") {
		return nil
	}
	switch n := strings.Count(f.Text, "\n"); {
	case n > testLines:
		return []finding{{Path: f.Path, Text: fmt.Sprintf("%d lines, at most %d: split it by noun", n, testLines)}}
	case n > sourceLines && !strings.HasSuffix(f.Path, "_test.go"):
		return []finding{{Path: f.Path, Text: fmt.Sprintf("%d lines, better at most %d", n, sourceLines), Warn: true}}
	}
	return nil
}
