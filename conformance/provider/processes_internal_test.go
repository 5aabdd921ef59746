package main

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/go-mandate/mandate/conformance/freeport"
)

// program is built once, for all tests that start it.
var program struct {
	once sync.Once
	path string
	said string
}

// built returns the path of the program.
func built(t *testing.T) string {
	t.Helper()
	program.once.Do(func() {
		program.path = filepath.Join(scratch, "provider")
		if out, err := exec.CommandContext(context.Background(), "go", "build", "-ldflags=-s", "-o", program.path, ".").CombinedOutput(); err != nil {
			program.said = err.Error() + "\n" + string(out)
		}
	})
	if program.said != "" {
		t.Fatalf("go build: %s", program.said)
	}
	return program.path
}

// process is a provider in a process of its own.
type process struct {
	addr    string
	control string
	cmd     *exec.Cmd
}

// run starts the program and waits until it is ready. It ends with the test.
func (f flags) run(t *testing.T, content map[string]any) *process {
	t.Helper()
	p := &process{addr: freeport.Address(t), control: freeport.Address(t)}
	p.cmd = exec.CommandContext(t.Context(), built(t), "-framework", f.framework, "-store", f.store, "-dsn", f.dsn,
		"-config", file(t, content), "-listen", p.addr, "-control", p.control, "-log", "json")
	var said bytes.Buffer
	p.cmd.Stderr = &said
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the provider says %q, %v; %s", line, err, &said)
	}
	p.control = "http://" + p.control
	return p
}

// Two processes on one store are one server: with every request at the other, a user comes through, and sees the bytes that one process
// on memory answers.
func TestProcessesShareAStore(t *testing.T) {
	t.Parallel()
	alone := newVisitor(t, start(t, "nethttp", basis(), nil).addr)
	visit(alone)
	for i, name := range storeNames()[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := basis()
			f := settle(t, flags{framework: frameworkNames()[i%4]}, name, content)
			g := f
			g.framework = frameworkNames()[(i+1)%4]
			a, b := f.run(t, content), g.run(t, content)
			v := newVisitor(t, a.addr)
			v.other = b.addr
			visit(v)
			same(t, name+" on two processes", v, "memory", alone)

			post := func(p *process, path, body string) {
				t.Helper()
				if status, text := ask(t, http.DefaultClient, "POST", p.control+path, body); status != 204 {
					t.Fatalf("%s: status %d, %s, want 204", path, status, text)
				}
			}
			jwt, opaque := clientToken(t, "http://"+a.addr, "jwt"), clientToken(t, "http://"+b.addr, "web")
			before := kids(t, "http://"+a.addr)
			post(a, "/rotate-keys", "")
			post(b, "/clock", `{"offset_s":61}`) // a minute later it reads the keys again
			at, bt := kids(t, "http://"+a.addr), kids(t, "http://"+b.addr)
			if len(at) != len(before)+1 || !slices.Equal(at, bt) {
				t.Errorf("after a rotation at the first the key sets are %v and %v, want one more than %v at both", at, bt, before)
			}
			for _, p := range []*process{a, b} {
				wantResource(t, "http://"+p.addr, jwt, 200)
				wantResource(t, "http://"+p.addr, opaque, 200)
			}
			post(a, "/reset", "")
			post(b, "/clock", `{"offset_s":122}`)
			for _, p := range []*process{a, b} {
				wantResource(t, "http://"+p.addr, jwt, 401)
				wantResource(t, "http://"+p.addr, opaque, 401)
				wantResource(t, "http://"+p.addr, clientToken(t, "http://"+p.addr, "web"), 200)
			}
		})
	}
}

// What was answered survives the process, however it ends: codes, tokens and signing keys are in the store.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, name := range storeNames()[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := basis()
			content["keys"] = []any{map[string]any{"kid": "made", "alg": "ES256"}} // by the first, for all
			f := settle(t, flags{framework: "nethttp"}, name, content)
			first := f.run(t, content)
			jwt, opaque := clientToken(t, "http://"+first.addr, "jwt"), clientToken(t, "http://"+first.addr, "web")
			code := signIn(newVisitor(t, first.addr))
			if err := first.cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			second := f.run(t, content)
			wantResource(t, "http://"+second.addr, jwt, 200)
			wantResource(t, "http://"+second.addr, opaque, 200)
			tokens(newVisitor(t, second.addr), code)
		})
	}
}

// Without a secret of its own a configuration is one: processes with the same file share what is in the store, and others do not
// meet them.
func TestSecretOfTheConfiguration(t *testing.T) {
	t.Parallel()
	read := func(issuer, secret string) *config {
		t.Helper()
		content := basis()
		content["issuer"] = issuer
		if secret != "" {
			content["secret"] = secret
		}
		c, err := readConfig(file(t, content))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const one, two = "http://127.0.0.1:1111", "http://127.0.0.1:2222"
	secret := "a secret of at least thirty-two bytes"
	seen := map[string]string{}
	for what, c := range map[string]*config{
		"no secret": read(one, ""), "a secret": read(one, secret), "another issuer": read(two, secret), "another secret": read(one, secret+"x"),
	} {
		if other := seen[c.place()]; other != "" {
			t.Errorf("%s and %s have one place", what, other)
		}
		seen[c.place()] = what
	}
	if a, b := read(one, ""), read(one, ""); a.place() != b.place() || !bytes.Equal(a.root, b.root) {
		t.Error("the same file gives two places or two secrets")
	}
}
