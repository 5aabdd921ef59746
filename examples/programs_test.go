package examples_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// frameworks are those that every task has a program for.
var frameworks = []string{"gin", "echo", "fiber"}

// built has the programs; build makes them, once.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Getenv(asCurl) != "" {
		os.Exit(curl(os.Args[1:]))
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func build(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "examples"); built.err != nil { //nolint:usetesting // outlives the test that comes first
			return
		}
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-buildvcs=false", "-o", built.dir, "./...").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

// program is an example that runs.
type program struct {
	base string // its URL
	said string // what it printed
}

// start builds an example and runs it on a free port until the test ends.
func start(t *testing.T, name string) program {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, filepath.Join(build(t), name), "-addr", addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := program{base: "http://" + addr}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) {
			cancel()
			_ = cmd.Wait()
			t.Fatalf("%s does not listen on %s: %s", name, addr, errs.String())
		}
		select {
		case line, open := <-lines:
			if !open {
				_ = cmd.Wait()
				t.Fatalf("%s ended: %s", name, errs.String())
			}
			p.said += line + "\n"
		case <-time.After(20 * time.Millisecond):
		}
	}
	for { // what it printed before it listened
		select {
		case line, open := <-lines:
			if open {
				p.said += line + "\n"
				continue
			}
		case <-time.After(100 * time.Millisecond):
		}
		return p
	}
}

// browser keeps cookies and follows redirects.
type browser struct {
	t *testing.T
	*http.Client
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{t, &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

// page is what a browser shows.
type page struct {
	url    *url.URL
	status int
	header http.Header
	text   string
}

func (b browser) open(target string) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b browser) do(req *http.Request) page {
	b.t.Helper()
	req.Header.Set("Accept", "text/html")
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{resp.Request.URL, resp.StatusCode, resp.Header, string(body)}
}

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// submit posts the form of p with its hidden fields, and more.
func (b browser) submit(p page, more url.Values) page {
	b.t.Helper()
	action := formAction.FindStringSubmatch(p.text)
	if action == nil {
		b.t.Fatalf("%s has no form: %d %s", p.url, p.status, p.text)
	}
	form := url.Values{}
	for _, f := range hidden.FindAllStringSubmatch(p.text, -1) {
		form.Set(f[1], unescape(f[2]))
	}
	maps.Copy(form, more)
	target, err := p.url.Parse(unescape(action[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

// want ends the test unless p has the status and says text.
func (p page) want(t *testing.T, status int, text string) page {
	t.Helper()
	if p.status != status || !strings.Contains(p.text, text) {
		t.Fatalf("%s = %d %s, want %d with %q", p.url, p.status, p.text, status, text)
	}
	return p
}
