// Package clients_test drives other people's OAuth clients, as they are, against the provider on every framework: their idea
// of the protocol, not ours. run.sh runs it with what it needs.
package clients_test

import (
	"bufio"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"html"
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
	"syscall"
	"testing"
	"time"

	"github.com/go-mandate/mandate/conformance/freeport"
)

// frameworks are what the provider runs on.
var frameworks = []string{"gin", "echo", "fiber", "nethttp"}

// program is the provider, and examples is where those are that clients ask, built once.
var program, examples string

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
	cmd := exec.Command("go", "build", "-C", filepath.Join("..", "provider"), "-ldflags=-s", "-o", program, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the provider: %w\n%s", err, out)
	}
	examples = dir
	cmd = exec.Command("go", "build", "-C", filepath.Join("..", "..", "examples"), "-ldflags=-s", "-o", dir, "./mcp-gin", "./mcp-echo", "./mcp-fiber", "./login-oauth1-gin", "./login-oauth1-echo", "./login-oauth1-fiber")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the examples: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// The clients that the provider knows here.
const (
	callback = "http://127.0.0.1:1/callback" // nobody listens: the scripted browser stops before it
	secret   = "a secret with + and / and % and : and = and &"

	plainSecret = "a-secret-of-letters"
)

// document is where a client describes itself: its client_id.
const document = "https://app.example.com/client.json"

func described() map[string]any {
	return map[string]any{
		"client_id": document, "client_name": "A client with a site", "redirect_uris": []string{callback},
		"grant_types": []string{"authorization_code"}, "response_types": []string{"code"}, "token_endpoint_auth_method": "none",
	}
}

func settings(issuer string) map[string]any {
	const device, exchange, assertion = "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"
	client := func(id, method string) map[string]any {
		grants := []string{"authorization_code", "refresh_token", device}
		c := map[string]any{"client_id": id, "client_secret": secret, "token_endpoint_auth_method": method, "redirect_uris": []string{callback}}
		if method == "none" {
			delete(c, "client_secret")
		} else {
			grants = append(grants, "client_credentials")
		}
		c["grant_types"] = grants
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
	signed["grant_types"] = append(signed["grant_types"].([]string), assertion)
	signed["introspection_signed_response_alg"], signed["authorization_signed_response_alg"] = "ES256", "ES256"
	signed["authorization_details_types"] = []string{"payment_initiation"}
	strict := client("strict", "private_key_jwt") // pushes what it signs, and nothing else
	delete(strict, "client_secret")
	strict["jwks"] = signed["jwks"]
	strict["require_pushed_authorization_requests"], strict["require_signed_request_object"] = true, true
	brief := client("brief", "client_secret_basic")
	brief["access_token_ttl_s"] = 1
	gateway := client("gateway", "client_secret_basic")
	gateway["grant_types"], gateway["exchange_from"] = []string{exchange}, []string{"basic"}
	legacy := client("legacy", "client_secret_basic")
	legacy["grant_types"] = []string{"password", "refresh_token"}
	// Some modules put a secret into the header as it is, against RFC 6749, section 2.3.1, which works with one of plain characters.
	plain := client("plain", "client_secret_basic")
	plain["client_secret"] = plainSecret
	passwords := client("passwords", "client_secret_basic")
	passwords["client_secret"], passwords["grant_types"] = plainSecret, []string{"password"}
	script := client("script", "none")
	script["grant_types"], script["response_types"] = []string{"implicit"}, []string{"token"}
	return map[string]any{
		"issuer": issuer, "profile": "oauth2", "scopes": []string{"read", "write"}, "password_cost": 4,
		"grant_types": []string{"authorization_code", "refresh_token", "client_credentials", device, exchange, assertion, "password", "implicit"},
		"features":    map[string]any{"device": true, "cimd": true, "par": true, "jar": true, "request_uri": true, "jarm": true, "rar": true, "oauth1": true},
		"oauth1": map[string]any{
			"realm": "photos", "resource_path": "/oauth1/resource",
			"signature_methods": []string{"HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT"},
			"consumers": []any{
				map[string]any{"key": "consumer", "secret": secret, "callbacks": []string{callback, "oob"}, "realms": []string{"read"}},
				map[string]any{"key": "consumer-rsa", "rsa_public_key": publicPEM("consumer.pem"), "callbacks": []string{callback}, "realms": []string{"read"}},
			},
		},
		"registration": map[string]any{"enabled": true, "management": true},
		"signing_algs": map[string]any{"introspection": []string{"ES256"}},
		"accounts":     []any{map[string]any{"username": "foo", "password": "bar", "sub": "user-foo"}},
		"clients": []any{
			client("basic", "client_secret_basic"), client("post", "client_secret_post"), client("public", "none"), odd, jwt, reader, signed,
			client("shared", "client_secret_jwt"), brief, strict, gateway, legacy, script, plain, passwords,
		},
		"resources": []any{
			map[string]any{"path": "/resource", "resource": issuer + "/resource", "scope": "read"},
			map[string]any{"path": "/origin", "resource": issuer, "scope": "read", "methods": []string{"GET", "POST"}},
		},
		"mcp":      map[string]any{"path": "/mcp", "resource": issuer + "/mcp", "scope": "read", "step_up": map[string]any{"tools/call": "write"}},
		"outbound": map[string]any{"documents": map[string]any{document: described()}},
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

// publicPEM returns the public half of the RSA key in a file, or what the provider refuses.
func publicPEM(name string) string {
	key, err := rsaKey(name)
	if err != nil {
		return err.Error()
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err.Error()
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// rsaKey reads an RSA key (PKCS #1).
func rsaKey(name string) (*rsa.PrivateKey, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New(name + " is no PEM")
	}
	return x509.ParsePKCS1PrivateKey(block.Bytes)
}

// provider is a running one.
type provider struct {
	issuer  string
	control string
}

// start runs the provider on framework until the test is over.
func start(t *testing.T, framework string) provider {
	t.Helper()
	at, control := freeport.Address(t), freeport.Address(t)
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

// startExample runs a program of the examples at an address until the test is over, and returns its URL.
func startExample(t *testing.T, name, at string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(examples, name), append([]string{"-addr", at}, args...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed in the end
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	for range 200 {
		select {
		case <-ended:
			t.Fatalf("%s at %s has ended", name, at)
		case <-time.After(50 * time.Millisecond):
		}
		if conn, err := net.Dial("tcp", at); err == nil {
			_ = conn.Close()
			return "http://" + at
		}
	}
	t.Fatalf("%s does not listen on %s", name, at)
	return ""
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
	form   = regexp.MustCompile(`<form id="([^"]*)" method="post" action="([^"]*)"`)
)

// answers are what foo, who allows everything, does with a page's form.
var answers = map[string]url.Values{
	"login-form":          {"username": {"foo"}, "password": {"bar"}, "action": {"login"}},
	"consent-form":        {"action": {"allow"}},
	"device-confirm-form": {"action": {"confirm"}},
}

// browse signs foo in at an authorization URL, or that of a device, allows it, and returns what the client is told: nothing of a device.
func browse(t *testing.T, authorize string) url.Values {
	t.Helper()
	return browseAs(t, authorize, answers)
}

// browseAs is browse with other answers to pages.
func browseAs(t *testing.T, authorize string, answers map[string]url.Values) url.Values {
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
	for back == nil && !strings.Contains(page, `id="page-device-d`) {
		to := form.FindStringSubmatch(page)
		if to == nil || answers[to[1]] == nil {
			t.Fatalf("no known form at %s: %s", at, page)
		}
		fields := maps.Clone(answers[to[1]])
		for _, m := range hidden.FindAllStringSubmatch(page, -1) {
			fields.Set(m[1], html.UnescapeString(m[2]))
		}
		target, err := at.Parse(html.UnescapeString(to[2]))
		if err != nil {
			t.Fatal(err)
		}
		at, page = read(browser.PostForm(target.String(), fields))
	}
	if back == nil {
		return nil
	}
	return back.Query()
}
