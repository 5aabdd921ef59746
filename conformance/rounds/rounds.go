// Package rounds says how often the tests of this repository run their races.
package rounds

import (
	"os"
	"strconv"
	"testing"
)

// From returns the number that the environment variable called name has, or fallback where it is not set. Anything else in it ends the test.
func From(tb testing.TB, name string, fallback int) int {
	tb.Helper()
	text := os.Getenv(name) //nolint:forbidigo // only tests call it
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return n
}
