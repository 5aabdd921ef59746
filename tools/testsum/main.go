// Command testsum reads the output of go test -json, prints what go test prints without it (one
// line for a package, the full output of a test that fails) and counts.
//
//	go test -json work | testsum [-skips file] [-log file]
//
// A test that is skipped proves nothing, so it counts as a failure, unless the skips file names it:
// one line each, "package test reason". An entry that no longer applies is a failure too, when its
// package was tested. It exits with 1 if a test or a package failed, and if no test ran at all.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	skips := flag.String("skips", "", "`file` that names the tests that may be skipped")
	log := flag.String("log", "", "`file` to which the lines of the packages and the count are added")
	flag.Parse()
	os.Exit(run(*skips, *log, os.Stdin, os.Stdout, os.Stderr))
}

// run reads in to its end and returns the exit code.
func run(skips, log string, in io.Reader, out, errs io.Writer) int {
	allowed, err := readAllowed(skips)
	if err != nil {
		fmt.Fprintln(errs, "testsum:", err)
		return 2
	}
	s := newSummary(out, allowed)
	if err := s.read(in); err != nil {
		fmt.Fprintln(errs, "testsum:", err)
		return 2
	}
	ok := s.finish()
	if log != "" {
		if err := appendTo(log, s.lines.Bytes()); err != nil {
			fmt.Fprintln(errs, "testsum:", err)
			return 2
		}
	}
	if !ok {
		return 1
	}
	return 0
}

// appendTo adds text to the file called name.
func appendTo(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	if _, err := f.Write(text); err != nil {
		_ = f.Close() // the write's error says more
		return fmt.Errorf("write log: %w", err)
	}
	return f.Close()
}
