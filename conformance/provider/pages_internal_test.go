package main

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The pages in Chromium, with every framework, on a large screen over http and a small one over https.
func TestPagesInChromium(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	if b == nil {
		return
	}
	everywhere := map[string]func(v *tab){
		"sign in, a wrong password first":             visitSignIn,
		"an error that may not go to the client":      visitError,
		"back and reload":                             visitBack,
		"a private-use scheme":                        visitPrivate,
		"choose an account":                           visitAccounts,
		"connected applications":                      visitApplications,
		"a POST of another site, with a live session": visitCrossPost,
	}
	large := map[string]func(v *tab){ // where neither size nor scheme matters
		"deny":                             visitDeny,
		"cancel the sign-in":               visitCancel,
		"sign in as somebody else":         visitSwitch,
		"a double click":                   visitDoubleClick,
		"a client that redirects on twice": visitHops,
		"a client on [::1]":                visitSix,
		"two tabs of a new browser, one after the other": visitTwoTabs,
	}
	for _, framework := range frameworkNames() {
		for i, s := range screens() {
			visits := maps.Clone(everywhere)
			if i == 0 {
				maps.Copy(visits, large)
			}
			for name, visit := range visits {
				t.Run(framework+", "+s.name+", "+name, func(t *testing.T) {
					t.Parallel()
					visit(newTab(t, b, framework, s))
				})
			}
		}
	}
}

func (v *tab) web(more ...string) string { return authorizeURL("web", v.app.url+"/cb", more...) }

func visitSignIn(v *tab) {
	v.open(v.web("login_hint", "somebody"), "page-login")
	v.wantText("#page-login", "Sign in")
	v.wantText("#client-name", "Web shop")
	v.look("login")
	v.enter("foo", "wrong")
	v.see("login-error")
	name, password := tellOf(v, chromedp.Value(chromedp.ID("username"))), tellOf(v, chromedp.Value(chromedp.ID("password")))
	if name != "foo" || password != "" {
		v.Errorf("after a wrong password the form has %q and %q, want the name and no password", name, password)
	}
	v.look("login-failed")
	v.enter("foo", "bar")
	v.see("page-consent")
	v.wantText("#page-consent", "Authorize")
	v.wantText("#consent-user", "Foo Bar")
	v.wantText("#redirect-host", strings.TrimPrefix(v.app.url, "http://"))
	if got := v.text("#scopes"); !strings.Contains(got, "Read") {
		v.Errorf("the scopes are %q, want the title of read", got)
	}
	v.look("consent")
	v.press("consent-allow")
	if status := v.redeem(v.arrived().Get("code")); status != 200 {
		v.Errorf("token: status %d, want 200", status)
	}
	// Remembered: the next time nobody is asked.
	v.do(chromedp.Navigate(v.issuer + v.web()))
	if v.arrived().Get("code") == "" {
		v.Error("no code the second time")
	}
}

// signedIn opens target, signs foo in and waits for the consent page.
func (v *tab) signedIn(target string) {
	v.Helper()
	v.open(target, "page-login")
	v.enter("foo", "bar")
	v.see("page-consent")
}

func visitDeny(v *tab) {
	v.signedIn(v.web())
	v.press("consent-deny")
	if q := v.arrived(); q.Get("error") != "access_denied" || q.Has("code") {
		v.Errorf("the client is told %v, want access_denied", q)
	}
}

func visitCancel(v *tab) {
	v.open(v.web(), "page-login")
	v.press("login-cancel")
	if q := v.arrived(); q.Get("error") != "access_denied" || q.Has("code") {
		v.Errorf("the client is told %v, want access_denied", q)
	}
}

func visitSwitch(v *tab) {
	v.signedIn(v.web())
	v.press("consent-switch")
	v.see("page-login")
	v.enter("baz", "qux")
	v.see("page-consent")
	v.wantText("#consent-user", "baz")
	v.press("consent-allow")
	if v.arrived().Get("code") == "" {
		v.Error("no code")
	}
}

func visitError(v *tab) {
	v.open(authorizeURL("web", "https://evil.example.com/cb"), "page-error")
	v.wantText("#page-error", "Error")
	v.wantText("#error-code", "invalid_request")
	v.wantText("#error-description", "redirect_uri is not registered for this client")
	v.look("error")
	v.open(authorizeURL("nobody", "https://evil.example.com/cb"), "page-error")
	v.wantText("#error-code", "invalid_client")
	if v.asked("https://evil.example.com") {
		v.Error("the browser was sent to a redirect URI that nobody registered")
	}
}

func visitDoubleClick(v *tab) {
	v.signedIn(v.web())
	v.do(chromedp.DoubleClick(chromedp.ID("consent-allow")))
	if status := v.redeem(v.arrived().Get("code")); status != 200 {
		v.Errorf("token: status %d, want 200: the second click must not spend the code", status)
	}
}

func visitBack(v *tab) {
	v.signedIn(v.web())
	v.do(chromedp.Reload())
	v.see("page-consent")
	v.press("consent-allow")
	code := v.arrived().Get("code")
	v.back()
	v.see("page-consent")
	v.press("consent-allow")
	if again := v.arrived().Get("code"); again != code {
		v.Errorf("after back the code is %q, want the same as before, %q", again, code)
	}
	if status := v.redeem(code); status != 200 {
		v.Errorf("token: status %d, want 200", status)
	}
	v.back()
	v.see("page-consent")
	v.press("consent-allow")
	v.see("page-error") // now it is spent: there is nothing to decide any more
	v.look("finished")
}

func visitHops(v *tab) {
	v.app.hop()
	v.signedIn(v.web())
	v.press("consent-allow")
	if q := v.arrived(); q.Get("hop") != "2" || v.redeem(q.Get("code")) != 200 {
		v.Errorf("the client is told %v, want a good code after two redirects", q)
	}
	if !v.asked(v.app.other + "/two") {
		v.Error("the other site was not visited")
	}
}

func visitSix(v *tab) {
	at := v.app.six(v.T)
	v.signedIn(authorizeURL("native", at+"/cb"))
	v.wantText("#redirect-host", strings.TrimPrefix(at, "http://"))
	v.press("consent-allow")
	if v.arrived().Get("code") == "" {
		v.Error("no code")
	}
}

func visitPrivate(v *tab) {
	v.signedIn(authorizeURL("native", "com.example.app:/cb"))
	v.wantText("#redirect-host", "com.example.app:")
	v.look("consent-native")
	v.press("consent-allow")
	v.leavesFor("com.example.app:/cb?code=")
}

func visitCrossPost(v *tab) {
	v.signedIn(v.web())
	v.press("consent-allow")
	v.arrived()
	path, query, _ := strings.Cut(v.web(), "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		v.Fatal(err)
	}
	q.Set("to", v.issuer+path)
	q.Set("prompt", "none") // answered only where the session is seen
	v.do(chromedp.Navigate(v.app.other + "/post?" + q.Encode()))
	v.press("go")
	if got := v.arrived(); got.Get("code") == "" {
		v.Errorf("the client is told %v, want a code: the session must be seen", got)
	}
}

func visitTwoTabs(v *tab) {
	v.open(v.web("state", "s-1", "nonce", "one"), "page-login")
	first := tellOf(v, chromedp.Location())
	v.signedIn(v.web("nonce", "two"))
	v.press("consent-allow")
	v.arrived()
	v.do(chromedp.Navigate(first)) // the first page, still open
	v.see("page-login")
	v.enter("foo", "bar")
	if v.arrived().Get("code") == "" {
		v.Error("no code in the first tab")
	}
}

// button presses the first button that fits, which has no id of its own.
func (v *tab) button(selector string) {
	v.Helper()
	v.do(chromedp.Click(chromedp.CSS(selector)))
}

func visitAccounts(v *tab) {
	v.signedIn(v.web())
	v.press("consent-allow")
	v.arrived()
	v.open(v.web("prompt", "select_account"), "page-accounts")
	v.wantText(".account", "Foo Bar\nfoo")
	v.look("accounts-one")
	v.press("accounts-another")
	v.see("page-login")
	v.enter("baz", "qux")
	v.see("page-consent")
	v.press("consent-switch")
	v.see("page-accounts")
	v.look("accounts")
	v.button(".account + .account")
	v.arrived()
	v.open(v.web(), "page-accounts")
	v.wantText(".account", "Foo Bar\nfoo")
	if id := tellOf(v, chromedp.Evaluate[string]("document.activeElement.textContent")); !strings.HasPrefix(id, "Foo Bar") {
		v.Errorf("%q has the focus, want the account that is current", id)
	}
	v.press("accounts-cancel")
	if q := v.arrived(); q.Get("error") != "access_denied" {
		v.Errorf("the client is told %v, want access_denied", q)
	}
}

func visitApplications(v *tab) {
	v.open("/interaction/applications", "page-login")
	v.look("applications-login")
	v.enter("foo", "bar")
	v.see("applications-none")
	v.look("applications-none")
	v.open(v.web(), "page-consent")
	v.press("consent-allow")
	v.arrived()
	v.open("/interaction/applications", "page-applications")
	v.wantText("#applications-user", "Foo Bar")
	v.wantText("#application-0", "Web shop")
	v.look("applications")
	v.press("disconnect-0")
	v.see("applications-none")
	v.press("applications-signout")
	v.see("page-login")
}

// The error page on a path of its own says what it was sent with, and nobody else's words.
func TestErrorPath(t *testing.T) {
	t.Parallel()
	s := start(t, "nethttp", basis(), nil)
	for query, want := range map[string][2]string{
		"":     {"invalid_request", ""},
		"?%zz": {"invalid_request", ""},
		"?error=access_denied&error_description=No+thanks": {"access_denied", "No thanks"},
		"?error=call_us&error_description=0800":            {"invalid_request", ""},
		"?error=server_error&error_description=%3Cb%3E":    {"server_error", "&lt;b&gt;"},
	} {
		status, body := get(t, http.DefaultClient, "http://"+s.addr+"/error"+query)
		if status != 400 || !strings.Contains(body, `<h1 id="page-error">Error</h1>`) || !strings.Contains(body, `<code id="error-code">`+want[0]+"<") ||
			strings.Contains(body, "0800") || want[1] != "" && !strings.Contains(body, `<p id="error-description">`+want[1]+"<") {
			t.Errorf("%q: status %d, %s, want 400 and %q", query, status, body, want)
		}
	}
}
