package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	FailedBuild string
}

// summary collects the events of one run.
type summary struct {
	out     io.Writer
	allowed map[test]string

	lines   bytes.Buffer      // what go test says about packages, and the count
	output  map[test][]string // of tests that have not ended
	tested  map[string]bool
	skipped map[test]bool
	wrong   []string

	passed, failed int
}

func newSummary(out io.Writer, allowed map[test]string) *summary {
	return &summary{
		out: out, allowed: allowed,
		output: map[test][]string{}, tested: map[string]bool{}, skipped: map[test]bool{},
	}
}

// read takes all events of in. A line that is not an event is passed on: it comes from the go
// command itself.
func (s *summary) read(in io.Reader) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if bytes.HasPrefix(line, []byte("{")) && json.Unmarshal(line, &e) == nil {
				s.add(e)
			} else {
				s.print(string(line))
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
}

func (s *summary) add(e event) {
	if e.Test == "" {
		s.addPackage(e)
		return
	}
	at := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		if !frame(e.Output) {
			s.output[at] = append(s.output[at], e.Output)
		}
	case "pass":
		s.passed++
		delete(s.output, at)
	case "skip":
		s.skipped[at] = true
		if s.allowed[at] == "" {
			s.failed++
			s.print(s.output[at]...)
			s.fail("skipped: %s %s", at.Package, at.Name)
		}
		delete(s.output, at)
	case "fail":
		s.failed++
		s.print(s.output[at]...)
		s.fail("failed: %s %s", at.Package, at.Name)
		delete(s.output, at)
	}
}

// addPackage takes an event that belongs to no test.
func (s *summary) addPackage(e event) {
	switch e.Action {
	case "build-output":
		s.print(e.Output)
	case "build-fail":
		s.fail("does not build: %s", e.ImportPath)
	case "output":
		if frame(e.Output) || e.Output == "PASS\n" {
			return
		}
		s.print(e.Output)
		for _, start := range []string{"ok  \t", "FAIL\t", "---", "?   \t"} {
			if strings.HasPrefix(e.Output, start) {
				s.lines.WriteString(e.Output)
			}
		}
	case "pass":
		s.tested[e.Package] = true
	case "fail":
		// A test that was running when its process died has no event of its own.
		for _, at := range s.running(e.Package) {
			s.failed++
			s.print(s.output[at]...)
			s.fail("did not end: %s %s", at.Package, at.Name)
			delete(s.output, at)
		}
		s.fail("failed: %s", e.Package)
	}
}

// running are the tests of a package that have not ended.
func (s *summary) running(pkg string) []test {
	var all []test
	for at := range s.output {
		if at.Package == pkg {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, func(a, b test) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// finish prints the count and reports whether all is well.
func (s *summary) finish() bool {
	for at := range s.allowed {
		if s.tested[at.Package] && !s.skipped[at] {
			s.fail("no longer skipped, remove it from the list: %s %s", at.Package, at.Name)
		}
	}
	if s.passed+s.failed == 0 {
		s.fail("no test ran")
	}
	for _, w := range s.wrong {
		fmt.Fprintln(s.out, "!!", w)
	}
	allowed := 0
	for at := range s.skipped {
		if s.allowed[at] != "" {
			allowed++
		}
	}
	count := fmt.Sprintf("%d passed, %d failed", s.passed, s.failed)
	if allowed > 0 {
		count += fmt.Sprintf(", %d skipped as listed", allowed)
	}
	s.lines.WriteString(count + "\n")
	fmt.Fprintln(s.out, count)
	return len(s.wrong) == 0
}

func (s *summary) fail(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

func (s *summary) print(text ...string) {
	for _, t := range text {
		fmt.Fprint(s.out, t)
	}
}

// frame reports whether a line only tells that a test starts, stops or goes on.
func frame(line string) bool {
	for _, word := range []string{"RUN", "PAUSE", "CONT", "NAME"} {
		if strings.HasPrefix(line, "=== "+word) {
			return true
		}
	}
	return false
}
