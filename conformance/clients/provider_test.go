// Package clients_test drives other people's OAuth clients, as they are, against the provider on every framework: their idea
// of the protocol, not ours. run.sh runs it with what it needs.
package clients_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// frameworks are what the provider runs on.
var frameworks = []string{"gin", "echo", "fiber", "nethttp"}

// program is the provider, built once.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := build(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func build(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "provider")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "provider")
	cmd := exec.Command("go", "build", "-C", filepath.Join("..", "provider"), "-o", program, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the provider: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// The clients that the provider knows here.
const (
	callback = "http://127.0.0.1:1/callback" // nobody listens: the scripted browser stops before it
	secret   = "a secret with + and / and % and : and = and &"
)

func settings(issuer string) map[string]any {
	grants := []string{"authorization_code", "refresh_token", "client_credentials"}
	client := func(id, method string) map[string]any {
		c := map[string]any{"client_id": id, "client_secret": secret, "token_endpoint_auth_method": method, "redirect_uris": []string{callback}, "grant_types": grants}
		if method == "none" {
			delete(c, "client_secret")
			c["grant_types"] = grants[:2]
		}
		return c
	}
	odd := client("odd:+%/&=", "client_secret_basic")
	jwt := client("jwt", "client_secret_basic")
	jwt["token_format"] = "jwt"
	reader := client("reader", "client_secret_basic")
	reader["introspect"] = "all"
	signed := client("signed", "private_key_jwt")
	delete(signed, "client_secret")
	signed["jwks"] = publicHalf("signed.jwk")
	tv := client("tv", "none")
	tv["grant_types"] = []string{deviceGrant, "refresh_token"}
	return map[string]any{
		"features": map[string]any{"device": true},
		"issuer":   issuer, "profile": "oauth2", "scopes": []string{"read", "write"}, "password_cost": 4,
		"accounts":  []any{map[string]any{"username": "foo", "password": "bar", "sub": "user-foo"}},
		"clients":   []any{client("basic", "client_secret_basic"), client("post", "client_secret_post"), client("public", "none"), odd, jwt, reader, signed, client("shared", "client_secret_jwt"), tv},
		"resources": []any{map[string]any{"path": "/resource", "resource": issuer + "/resource", "scope": "read"}},
	}
}

// publicHalf returns the JWKS of the public half of the key in a file, or nil, which the provider refuses.
func publicHalf(name string) map[string]any {
	data, err := os.ReadFile(name)
	var key map[string]any
	if err != nil || json.Unmarshal(data, &key) != nil {
		return nil
	}
	delete(key, "d")
	return map[string]any{"keys": []any{key}}
}

// provider is a running one.
type provider struct {
	issuer  string
	control string
}

// start runs the provider on framework until the test is over.
func start(t *testing.T, framework string) provider {
	t.Helper()
	at, control := free(t), free(t)
	p := provider{"http://" + at, "http://" + control}
	data, err := json.Marshal(settings(p.issuer))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), program, "-framework", framework, "-config", config, "-listen", at, "-control", control)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("provider: %v", err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "READY "+p.issuer+"\n" {
		t.Fatalf("the provider says %q, %v", line, err)
	}
	return p
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// later moves the provider's clock, counted from the true time.
func (p provider) later(t *testing.T, seconds int) {
	t.Helper()
	resp, err := http.Post(p.control+"/clock", "application/json", strings.NewReader(fmt.Sprintf(`{"offset_s":%d}`, seconds)))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("clock: status %d", resp.StatusCode)
	}
}

var (
	hidden = regexp.MustCompile(`name="(handle|csrf)" value="([^"]*)"`)
	action = regexp.MustCompile(`action="([^"]*)"`)
)

// browse signs foo in at an authorization URL, allows it, and returns what the client is told.
func browse(t *testing.T, authorize string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	read := func(resp *http.Response, err error) (*url.URL, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		page, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Request.URL, string(page)
	}
	at, page := read(browser.Get(authorize))
	for _, fields := range []url.Values{{"username": {"foo"}, "password": {"bar"}, "action": {"login"}}, {"action": {"allow"}}} {
		if back != nil {
			break
		}
		to := action.FindStringSubmatch(page)
		if to == nil {
			t.Fatalf("no form at %s: %s", at, page)
		}
		for _, m := range hidden.FindAllStringSubmatch(page, -1) {
			fields.Set(m[1], html.UnescapeString(m[2]))
		}
		target, err := at.Parse(html.UnescapeString(to[1]))
		if err != nil {
			t.Fatal(err)
		}
		at, page = read(browser.PostForm(target.String(), fields))
	}
	if back == nil {
		t.Fatalf("the browser does not come back to the client but ends at %s: %s", at, page)
	}
	return back.Query()
}
