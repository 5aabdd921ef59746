// Command check refuses what a compiler and a linter do not see: traces of somebody's machine in
// the text, notes without an issue, files that have grown too long, links that lead nowhere,
// go.mod files that disagree, and folders that no import rule covers.
//
//	go run ./check [-C root]
//
// It reads the files that git tracks (and those it would track), prints one line per finding and
// exits with 1 if one of them is more than a warning.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

func main() {
	root := flag.String("C", ".", "root of the repository")
	flag.Parse()
	os.Exit(run(context.Background(), *root, os.Stdout, os.Stderr))
}

// file is one text file of the repository.
type file struct {
	Path string // relative to the root, with slashes
	Text string
}

// finding is one thing that is wrong, or with Warn only large.
type finding struct {
	Path string
	Line int // 0: the file as a whole
	Text string
	Warn bool
}

// String is the line that is printed: a form that editors make clickable.
func (f finding) String() string {
	text := f.Text
	if f.Warn {
		text = "warning: " + text
	}
	if f.Line == 0 {
		return f.Path + ": " + text
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, text)
}

// run checks the repository at root and returns the exit code.
func run(ctx context.Context, root string, out, errs io.Writer) int {
	files, err := tracked(ctx, root)
	if err != nil {
		fmt.Fprintln(errs, "check:", err)
		return 2
	}
	var refused, warned int
	for _, f := range inspect(files) {
		fmt.Fprintln(out, f)
		if f.Warn {
			warned++
		} else {
			refused++
		}
	}
	fmt.Fprintf(out, "check: %d files, %d findings, %d warnings\n", len(files), refused, warned)
	if refused > 0 {
		return 1
	}
	return 0
}

// inspect runs every check.
func inspect(files []file) []finding {
	var all []finding
	for _, f := range files {
		all = append(all, checkText(f)...)
		all = append(all, checkLength(f)...)
	}
	all = append(all, checkLinks(files)...)
	all = append(all, checkModules(files)...)
	all = append(all, checkRules(files)...)
	return all
}

// tracked reads the text files that git tracks or would track. Binary files have no line to check,
// and are left out.
func tracked(ctx context.Context, root string) ([]file, error) {
	cmd := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list files of %s: %w", root, err)
	}
	var files []file
	for path := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		body, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		if os.IsNotExist(err) {
			continue // deleted, but not yet committed
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if bytes.IndexByte(body, 0) >= 0 || !utf8.Valid(body) {
			continue
		}
		files = append(files, file{Path: path, Text: string(body)})
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no files in %s", root)
	}
	return files, nil
}
