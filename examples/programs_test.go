package examples_test

import (
	"context"
	"fmt"
	"io"
	"maps"
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

	"github.com/go-mandate/mandate/conformance/freeport"
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
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-buildvcs=false", "-ldflags=-s", "-o", built.dir, "./...").CombinedOutput()
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

// start builds an example and runs it with args on a free port until the test ends. Somebody else may take the port first: then it tries
// another.
func start(t *testing.T, name string, args ...string) program {
	t.Helper()
	path := filepath.Join(build(t), name)
	var err error
	for range 5 {
		var p program
		if p, err = try(t, path, args...); err == nil {
			return p
		}
	}
	t.Fatalf("%s: %v", name, err)
	return program{}
}

func try(t *testing.T, path string, args ...string) (program, error) {
	t.Helper()
	addr := freeport.Address(t)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, path, append([]string{"-addr", addr}, args...)...)
	var out, errs output
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		cancel()
		return program{}, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed in the end
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	up := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 1000 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, nil)
		if err != nil {
			return program{}, err
		}
		resp, err := up.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		select {
		case <-ended:
			return program{}, fmt.Errorf("it ended: %s", errs.String())
		case <-time.After(10 * time.Millisecond):
		}
		if err == nil && strings.Contains(out.String(), addr) { // and not somebody else's
			return program{base: "http://" + addr, said: out.String()}, nil
		}
	}
	return program{}, fmt.Errorf("it does not listen on %s: %s", addr, errs.String())
}

// output is what a program prints, while it runs.
type output struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns what was printed until now.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
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
