package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// applicationError is a MountConfig.Error.
func applicationError(c Ctx, err *mandate.Error) error {
	c.SetHeader("X-App", "yes")
	return c.HTML(0, "sorry: "+string(err.Code))
}

// builtIn are the cases of the built-in pages.
func builtIn() cases {
	start := func(t *testing.T, a Adapter) *browser {
		t.Helper()
		return newBrowser(newWorld(t, a, builtInPages))
	}
	in := func(p *page, name string) *page {
		p.b.t.Helper()
		return p.form().submit("username", name, "password", "password of "+name, "action", "login")
	}
	return cases{
		"sign-in, consent, code, and no page the next time": func(t *testing.T, a Adapter) {
			b := start(t, a)
			login := b.authorize(web(), "scope", "read write", "login_hint", "ali")
			if !strings.Contains(login.Body, `value="ali"`) || !strings.HasPrefix(login.url, b.w.url+"/interaction/login?handle=") {
				t.Errorf("page at %s: %q", login.url, login.Body)
			}
			consent := in(login, "alice")
			for _, text := range []string{"The alice", "The web app", "Read your things", "All of them.", "app.example.com"} {
				if !strings.Contains(consent.Body, text) {
					t.Errorf("the page does not say %q: %q", text, consent.Body)
				}
			}
			code := consent.form().submit("action", "allow").code()
			got := b.w.token(web(), web().exchange(code)).tokens(t)
			if got.Scope != "read write" || b.w.alive(got.Access).text(t, "sub") != "alice" {
				t.Errorf("answer = %+v", got)
			}
			b.authorize(web(), "scope", "write").code()
			b.authorize(web(), "prompt", "none").code()
		},
		"every page has the header fields that guard it": func(t *testing.T, a Adapter) {
			b := start(t, a)
			login := b.authorize(web())
			consent := in(login, "alice")
			for _, p := range []*page{login, consent} {
				p.fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Referrer-Policy", "same-origin", "X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY")
				policy := p.Header.Get("Content-Security-Policy")
				for _, part := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "img-src 'self'", "style-src 'sha256-"} {
					if !strings.Contains(policy, part) {
						t.Errorf("Content-Security-Policy %q has no %q", policy, part)
					}
				}
				if strings.Contains(policy, "form-action") {
					t.Errorf("Content-Security-Policy %q has form-action, which blocks the way to the client", policy)
				}
			}
		},
		"a wrong password shows the page again, and nobody is signed in": func(t *testing.T, a Adapter) {
			b := start(t, a)
			for _, values := range [][]string{{"username", "alice", "password", "wrong"}, {"username", "", "password", ""}, {"username", "alice"}} {
				p := b.authorize(web()).form().submit(append(values, "action", "login")...)
				if !strings.Contains(p.Body, `id="login-error"`) {
					t.Errorf("no page that says so: %q", p.Body)
				}
			}
			p := b.authorize(web()).form().submit("username", "alice", "password", "wrong", "action", "login")
			if strings.Contains(p.Body, "wrong") || !strings.Contains(p.Body, `value="alice"`) {
				t.Errorf("page = %q", p.Body)
			}
			in(p, "alice").form().submit("action", "allow").code()
		},
		"a directory that is down is an error without its words": func(t *testing.T, a Adapter) {
			b := start(t, a)
			p := b.authorize(web()).form().submit("username", "fault", "password", "x", "action", "login").status(t, 500)
			if !strings.Contains(p.Body, "server_error") || strings.Contains(p.Body, "secret detail") {
				t.Errorf("body = %q", p.Body)
			}
		},
		"who cancels or denies, the client hears of": func(t *testing.T, a Adapter) {
			b := start(t, a)
			toldAs(t, b.w, b.authorize(web()).form().submit("action", "cancel").answer, "access_denied", true)
			toldAs(t, b.w, in(b.authorize(web()), "alice").form().submit("action", "deny").answer, "access_denied", true)
			toldAs(t, b.w, b.authorize(web()).form().submit().answer, "access_denied", true)
		},
		"somebody else may sign in instead": func(t *testing.T, a Adapter) {
			b := start(t, a)
			login := in(b.authorize(web()), "alice").form().submit("action", "switch")
			consent := in(login, "bob")
			if !strings.Contains(consent.Body, "The bob") {
				t.Fatalf("page = %q", consent.Body)
			}
			got := b.w.token(web(), web().exchange(consent.form().submit("action", "allow").code())).tokens(t)
			if sub := b.w.alive(got.Access).text(t, "sub"); sub != "bob" {
				t.Errorf("subject = %q, want bob", sub)
			}
		},
		"the session's cookie is new at every sign-in, hidden from scripts, and no secret of the store": func(t *testing.T, a Adapter) {
			b := start(t, a)
			planted := "planted-by-somebody"
			p := b.authorize(web())
			name := ""
			ans := p.form().post("username", "alice", "password", "password of alice", "action", "login")
			for _, c := range (&http.Response{Header: ans.Header}).Cookies() {
				if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure {
					t.Errorf("cookie %v", c)
				}
				name = c.Name
			}
			if !strings.HasPrefix(name, "mandate-session-") {
				t.Fatalf("cookies = %q", ans.Header.Values("Set-Cookie"))
			}
			first := b.cookies[name]
			other := newBrowser(b.w)
			other.cookies[name] = planted
			in(other.authorize(web()), "bob")
			if v := other.cookies[name]; v == planted || v == first || len(v) < 43 {
				t.Errorf("cookie = %q", v)
			}
			list, err := b.w.store.FindSessions(t.Context(), "alice", b.w.clock.Now(), store.Page{})
			if err != nil || len(list) != 1 || list[0].ID == first || strings.Contains(list[0].Data, first) || list[0].Key == mandate.DigestOf("") {
				t.Errorf("sessions = %+v, %v", list, err)
			}
		},
		"a session ends idle, and altogether": func(t *testing.T, a Adapter) {
			b := start(t, a)
			in(b.authorize(web()), "alice").form().submit("action", "allow").code()
			for range 14 {
				b.w.clock.Pass(12*time.Hour - time.Second)
				b.authorize(web(), "prompt", "none").code()
			}
			b.w.clock.Pass(14 * time.Second)
			toldAs(t, b.w, b.authorize(web(), "prompt", "none").answer, "login_required", true)
			in(b.authorize(web()), "alice").code()
			b.w.clock.Pass(12 * time.Hour)
			toldAs(t, b.w, b.authorize(web(), "prompt", "none").answer, "login_required", true)
		},
		"a session that was ended is over": func(t *testing.T, a Adapter) {
			b := start(t, a)
			in(b.authorize(web()), "alice").form().submit("action", "allow").code()
			list, err := b.w.store.FindSessions(t.Context(), "alice", b.w.clock.Now(), store.Page{})
			if err != nil || len(list) != 1 {
				t.Fatalf("sessions = %v, %v", list, err)
			}
			if _, err := b.w.store.EndSession(t.Context(), list[0].ID, b.w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			toldAs(t, b.w, b.authorize(web(), "prompt", "none").answer, "login_required", true)
		},
		"under https the cookies are Secure and host-bound": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { builtInPages(s); s.Issuer = "https://id.example.com" })
			ans := w.authorize(web().request(), "Accept", "text/html").status(t, 303)
			for _, c := range (&http.Response{Header: ans.Header}).Cookies() {
				if !strings.HasPrefix(c.Name, "__Host-mandate-browser-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
					t.Errorf("cookie %v", c)
				}
			}
			if to := ans.Header.Get("Location"); !strings.HasPrefix(to, "/interaction/login?handle=") || ans.Header.Get("Set-Cookie") == "" {
				t.Errorf("Location = %q, Set-Cookie = %q", to, ans.Header.Get("Set-Cookie"))
			}
		},
		"a page without a handle is over, and a form without one is none of the page's": func(t *testing.T, a Adapter) {
			b := start(t, a)
			for _, path := range []string{"/interaction/login", "/interaction/accounts", "/interaction/consent"} {
				b.open(path).status(t, 410)
				for _, form := range []url.Values{{}, {"action": {"allow"}}, {"handle": {""}}} {
					b.send(http.MethodPost, path, form).says(400, "parameter handle is missing")
				}
				b.send(http.MethodPost, path, url.Values{"handle": {"x"}}).status(t, 410)
			}
		},
		"a form that is too large is a page for a browser, and JSON for all others": func(t *testing.T, a Adapter) {
			b := start(t, a)
			large := url.Values{"handle": {strings.Repeat("x", 65<<10)}}
			for _, path := range []string{"/authorize", "/interaction/login", "/interaction/consent"} {
				b.send(http.MethodPost, path, large).says(413, "request body is too large")
				b.w.form(t, path, large).refused(t, 413, "invalid_request")
			}
		},
		"consent without a session leads to the sign-in": func(t *testing.T, a Adapter) {
			b := start(t, a)
			consent := in(b.authorize(web()), "alice").form()
			for name := range b.cookies {
				if strings.Contains(name, "session") {
					delete(b.cookies, name)
				}
			}
			p := consent.submit("action", "allow")
			if !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("page = %q", p.Body)
			}
			in(p, "alice").form().submit("action", "allow").code()
		},
	}
}
