package main

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

var (
	inlineLink    = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)
	referenceLink = regexp.MustCompile(`^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?`)
	heading       = regexp.MustCompile(`^ {0,3}#{1,6}\s+(.*?)\s*#*$`)
	anchorTag     = regexp.MustCompile(`<a\s+(?:id|name)="([^"]+)"`)
	notInSlug     = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
	codeSpan      = regexp.MustCompile("`[^`]*`")
)

// checkLinks finds relative links of Markdown files whose file or heading does not exist.
func checkLinks(files []file) []finding {
	exists := map[string]bool{"": true, ".": true}
	anchors := map[string]map[string]bool{}
	for _, f := range files {
		for p := f.Path; p != "."; p = path.Dir(p) {
			exists[p] = true
		}
		if strings.HasSuffix(f.Path, ".md") {
			anchors[f.Path] = anchorsOf(f.Text)
		}
	}
	var all []finding
	for _, f := range files {
		if !strings.HasSuffix(f.Path, ".md") || strings.Contains(f.Path, "/testdata/") {
			continue
		}
		prose(f.Text, func(n int, line string) {
			line = codeSpan.ReplaceAllString(line, "")
			found := inlineLink.FindAllStringSubmatch(line, -1)
			if m := referenceLink.FindStringSubmatch(line); m != nil {
				found = append(found, m)
			}
			for _, m := range found {
				if why := broken(f.Path, m[1], exists, anchors); why != "" {
					all = append(all, finding{Path: f.Path, Line: n, Text: fmt.Sprintf("link %q: %s", m[1], why)})
				}
			}
		})
	}
	return all
}

// broken says why a link of the file from leads nowhere, or "".
func broken(from, link string, exists map[string]bool, anchors map[string]map[string]bool) string {
	u, err := url.Parse(link)
	switch {
	case err != nil:
		return "not a URL"
	case u.Scheme != "" || u.Host != "":
		return "" // other sites are not visited
	case strings.HasPrefix(u.Path, "/"):
		return "absolute path"
	}
	target := from
	if u.Path != "" {
		target = path.Join(path.Dir(from), u.Path)
	}
	if !exists[target] {
		return "no such file"
	}
	if known, ok := anchors[target]; ok && u.Fragment != "" && !known[u.Fragment] {
		return "no such heading"
	}
	return ""
}

// anchorsOf are the fragments that a rendered Markdown text answers to.
func anchorsOf(text string) map[string]bool {
	set := map[string]bool{}
	prose(text, func(_ int, line string) {
		for _, m := range anchorTag.FindAllStringSubmatch(line, -1) {
			set[m[1]] = true
		}
		m := heading.FindStringSubmatch(line)
		if m == nil {
			return
		}
		title := inlineLink.ReplaceAllString(m[1], "]") // the text of a link counts, its target does not
		base := strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
		slug := base
		for i := 1; set[slug]; i++ {
			slug = fmt.Sprintf("%s-%d", base, i)
		}
		set[slug] = true
	})
	return set
}

// prose calls f with every line of text that is not in a fenced block.
func prose(text string, f func(n int, line string)) {
	fence := ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```"):
			fence = "```"
		case strings.HasPrefix(trimmed, "~~~"):
			fence = "~~~"
		default:
			f(i+1, line)
		}
	}
}
