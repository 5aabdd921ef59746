package examples_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func unescape(s string) string { return html.UnescapeString(s) }

// asCurl makes the test binary the curl of machines that have none.
const asCurl = "EXAMPLES_AS_CURL"

// paste runs the lines that a program printed to be pasted, all in one shell, and returns the status that each curl was answered
// with; curls whose output goes on to another command have none.
func paste(t *testing.T, said string) []string {
	t.Helper()
	var script strings.Builder
	for line := range strings.Lines(said) {
		if text, ok := strings.CutPrefix(line, "  "); ok {
			script.WriteString(strings.ReplaceAll(text, `curl -iw '\n'`, "curl -s -o /dev/null -w '%{http_code}\\n'"))
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu")
	cmd.Stdin = strings.NewReader(script.String())
	cmd.Env = os.Environ()
	if _, err := exec.LookPath("curl"); err != nil {
		cmd.Env = append(cmd.Env, asCurl+"=1", "PATH="+standIn(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s%v: %s", &script, err, out)
	}
	return strings.Fields(string(out))
}

// standIn returns a folder in which this test binary is called curl.
func standIn(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "curl")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// curl is as much of curl as the examples print.
func curl(args []string) int {
	method, form := http.MethodGet, url.Values{}
	var target, user, format string
	header := http.Header{}
	for i := 0; i < len(args); i++ {
		next := func() string { i++; return args[i] }
		switch args[i] {
		case "-s":
		case "-o":
			next()
		case "-w":
			format = next()
		case "-u":
			user = next()
		case "-H":
			name, value, _ := strings.Cut(next(), ":")
			header.Set(name, strings.TrimSpace(value))
		case "-d":
			name, value, _ := strings.Cut(next(), "=")
			form.Add(name, value)
			method = http.MethodPost
		default:
			target = args[i]
		}
	}
	req, err := http.NewRequest(method, target, strings.NewReader(form.Encode())) //nolint:noctx // a program of its own
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	req.Header = header
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if name, password, ok := strings.Cut(user, ":"); ok {
		req.SetBasicAuth(name, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 7
	}
	defer func() { _ = resp.Body.Close() }()
	if format != "" {
		fmt.Println(resp.StatusCode)
		return 0
	}
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		return 23
	}
	return 0
}
