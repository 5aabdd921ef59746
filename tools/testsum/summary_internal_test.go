package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	const pass = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	const fail = `{"Action":"output","Package":"q","Test":"TestB","Output":"    b_test.go:1: got 1, want 2\n"}
{"Action":"fail","Package":"q","Test":"TestB"}
{"Action":"output","Package":"q","Output":"FAIL\tq\t0.1s\n"}
{"Action":"fail","Package":"q"}
`
	const skip = `{"Action":"output","Package":"p","Test":"TestS","Output":"    s_test.go:1: no browser\n"}
{"Action":"skip","Package":"p","Test":"TestS"}
`
	for name, tc := range map[string]struct {
		in, skips string
		code      int
		want      []string
		not       string
	}{
		"all pass":                {in: pass, want: []string{"ok  \tp\t0.1s\n", "1 passed, 0 failed\n"}, not: "quiet"},
		"one fails":               {in: pass + fail, code: 1, want: []string{"got 1, want 2", "!! failed: q TestB", "1 passed, 1 failed"}},
		"one is skipped":          {in: skip + pass, code: 1, want: []string{"no browser", "!! skipped: p TestS", "1 passed, 1 failed"}},
		"one is skipped, listed":  {in: skip + pass, skips: "# why\np TestS needs a browser\n", want: []string{"1 passed, 0 failed, 1 skipped as listed"}},
		"listed, but not skipped": {in: pass, skips: "p TestS needs a browser\n", code: 1, want: []string{"!! no longer skipped"}},
		"listed without a reason": {in: pass, skips: "p TestS\n", code: 2, want: []string{`want "package test reason"`}},
		"nothing ran":             {code: 1, want: []string{"!! no test ran"}},
		"does not build": {
			in:   `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: no\n"}` + "\n" + `{"ImportPath":"p","Action":"build-fail"}` + "\n" + pass,
			code: 1, want: []string{"p.go:1: no", "!! does not build: p"},
		},
		"the process dies": {
			in:   `{"Action":"output","Package":"q","Test":"TestD","Output":"panic: oh\n"}` + "\n" + `{"Action":"fail","Package":"q"}` + "\n",
			code: 1, want: []string{"panic: oh", "!! did not end: q TestD", "0 passed, 1 failed"},
		},
		"a word of the go command": {in: "go: no such pattern\n" + pass, want: []string{"go: no such pattern"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, skips := t.TempDir(), ""
			if tc.skips != "" {
				skips = filepath.Join(dir, "skips")
				if err := os.WriteFile(skips, []byte(tc.skips), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			log := filepath.Join(dir, "log")
			var out bytes.Buffer
			if code := run(skips, log, strings.NewReader(tc.in), &out, &out); code != tc.code {
				t.Errorf("run = %d, want %d: %s", code, tc.code, &out)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output %q does not have %q", &out, want)
				}
			}
			if tc.not != "" && strings.Contains(out.String(), tc.not) {
				t.Errorf("output %q has %q", &out, tc.not)
			}
			if body, err := os.ReadFile(log); tc.code != 2 && (err != nil || !strings.Contains(string(body), " passed, ")) {
				t.Errorf("log = %q, %v, want the count", body, err)
			}
		})
	}
}
