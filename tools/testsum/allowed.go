package main

import (
	"fmt"
	"os"
	"strings"
)

// test names one test or subtest.
type test struct {
	Package string
	Name    string
}

// readAllowed reads the tests that may be skipped; no name means none. Every line needs a reason.
func readAllowed(name string) (map[test]string, error) {
	allowed := map[test]string{}
	if name == "" {
		return allowed, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read skips: %w", err)
	}
	n := 0
	for line := range strings.SplitSeq(string(body), "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if len(words) < 3 {
			return nil, fmt.Errorf("%s:%d: want \"package test reason\", got %q", name, n, line)
		}
		allowed[test{words[0], words[1]}] = strings.Join(words[2:], " ")
	}
	return allowed, nil
}
