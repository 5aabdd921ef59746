package clients_test

import (
	"bufio"
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/conformance/freeport"
)

// exampleSecret is the secret of the examples' consumer.
const exampleSecret = "a-secret-for-examples-alone"

// TestLoginWithOAuthlib has the applications of the examples, one for each framework, sign users in with a provider of OAuth 1.0a that is not ours:
// oauthlib's, in Python.
func TestLoginWithOAuthlib(t *testing.T) {
	t.Parallel()
	for _, framework := range []string{"gin", "echo", "fiber"} {
		for _, method := range []string{"HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT"} {
			t.Run(framework+"/"+method, func(t *testing.T) {
				t.Parallel()
				at := freeport.Address(t)
				p := startOAuthlib(t, "http://"+at+"/auth/west/callback", exampleSecret)
				a := startLogin(t, framework, at, "-provider", p, "-method", method)

				page := a.get(t, "/auth/west/login", 200, "May it see photos?")
				a.decide(t, page, "deny", 403, "You said no.")
				page = a.get(t, "/auth/west/login", 200, "May it see photos?")
				back := a.decide(t, page, "allow", 200, "Hello Demo of oauthlib, you are user-1 of west. Your photos: sea.jpg, hills.jpg.")
				a.get(t, back.RequestURI(), 400, "That sign-in is over.") // once

				// What is made up never gets as far as the provider, and what the provider does not take is no sign-in.
				page = a.get(t, "/auth/west/login", 200, "May it see photos?")
				token := between(t, page, `name="oauth_token" value="`, `"`)
				a.get(t, "/auth/west/callback?oauth_token=x&oauth_verifier=y", 400, "That sign-in is over.")
				a.get(t, "/auth/west/callback?oauth_token="+url.QueryEscape(token)+"&oauth_verifier=aaaaaaaaaaaaaaaaaaaaaaaaa", 502, "could not sign you in")
			})
		}
		t.Run(framework+"/with a wrong secret", func(t *testing.T) {
			t.Parallel()
			at := freeport.Address(t)
			a := startLogin(t, framework, at, "-provider", startOAuthlib(t, "http://"+at+"/auth/west/callback", "another secret"))
			a.get(t, "/auth/west/login", 502, "could not sign you in")
		})
		t.Run(framework+"/with a callback that is not registered", func(t *testing.T) {
			t.Parallel()
			a := startLogin(t, framework, freeport.Address(t), "-provider", startOAuthlib(t, "http://127.0.0.1:1/", exampleSecret))
			a.get(t, "/auth/west/login", 502, "could not sign you in")
		})
	}
}

// startOAuthlib runs the provider of python/oauth1_provider.py until the test is over, and returns where it is.
func startOAuthlib(t *testing.T, callback, secret string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, debianPython, filepath.Join("python", "oauth1_provider.py"), callback, secret)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "READY ")
	if !ok {
		t.Fatalf("the provider says %q, %v", line, err)
	}
	return base
}

// login is an application that runs, and a browser in front of it.
type login struct {
	base    string
	browser *http.Client
}

// startLogin runs the example of framework at an address until the test is over.
func startLogin(t *testing.T, framework, at string, args ...string) *login {
	t.Helper()
	base := startExample(t, "login-oauth1-"+framework, at, args...)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &login{base, &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// get opens a path of the application and returns the page that the browser ends at.
func (l *login) get(t *testing.T, path string, status int, text string) string {
	t.Helper()
	resp, err := l.browser.Get(l.base + path)
	if err != nil {
		t.Fatal(err)
	}
	return l.page(t, resp, status, text)
}

// decide answers the provider's page, and returns the callback that the browser was sent to.
func (l *login) decide(t *testing.T, page, action string, status int, text string) *url.URL {
	t.Helper()
	to := l.browser.CheckRedirect
	defer func() { l.browser.CheckRedirect = to }()
	var back *url.URL
	l.browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		back = r.URL
		return nil
	}
	at := between(t, page, "at ", "\n")
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = ""
	resp, err := l.browser.PostForm(u.String(), url.Values{"oauth_token": {between(t, page, `name="oauth_token" value="`, `"`)}, "action": {action}})
	if err != nil {
		t.Fatal(err)
	}
	l.page(t, resp, status, text)
	if back == nil {
		t.Fatal("the browser was sent nowhere")
	}
	return back
}

func (l *login) page(t *testing.T, resp *http.Response, status int, text string) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != status || !strings.Contains(html.UnescapeString(string(body)), text) {
		t.Fatalf("%s answers %d %s, want %d with %q: %v", resp.Request.URL, resp.StatusCode, body, status, text, err)
	}
	return "at " + resp.Request.URL.String() + "\n" + string(body)
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, before)
	s, _, ok2 := strings.Cut(s, after)
	if !ok || !ok2 {
		t.Fatalf("there is no %q in %q", before, s)
	}
	return html.UnescapeString(s)
}
