package adaptertest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// bindings are the cases of the pending request: whose browser it is in, who saw it, and how often it is decided.
func bindings() cases {
	own := func(t *testing.T, a Adapter) *browser {
		t.Helper()
		return newBrowser(newWorld(t, a, ownPages))
	}
	signedIn := func(t *testing.T, a Adapter) *browser {
		t.Helper()
		b := own(t, a)
		b.cookies["app"] = "alice.0."
		return b
	}
	yes := []string{"verdict", "allow", "scope", "read"}
	return cases{
		"an application's own pages: sign-in, consent, code": func(t *testing.T, a Adapter) {
			b := own(t, a)
			login := b.authorize(web())
			if u, _ := url.Parse(login.url); u.Path != "/login" || u.Query().Get("lang") != "en" || !strings.HasPrefix(u.Query().Get("return_to"), "/authorize?handle=") {
				t.Errorf("the browser is at %s", login.url)
			}
			consent := login.form().submit("user", "alice")
			consent.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "same-origin", "X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY",
				"Content-Security-Policy", "frame-ancestors 'none'; base-uri 'none'")
			if !strings.Contains(consent.Body, "alice at app.example.com") || !strings.Contains(consent.Body, "Read your things") || strings.Contains(consent.Body, "code_challenge") {
				t.Errorf("page = %q", consent.Body)
			}
			b.w.token(web(), web().exchange(consent.form().submit(yes...).code())).tokens(t)
		},
		"an application's page that fails goes the framework's way": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) {
					return server.Page(func() error { return http.ErrBodyNotAllowed }), nil
				}
			})
			w.authorize(web().request()).status(t, 500)
		},
		"a decision function that panics is recovered by the framework": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { panic("in the application") } //nolint:forbidigo // the application's, which the framework must survive
			})
			w.authorize(web().request()).status(t, 500)
			w.get(t, "/jwks").status(t, 200)
		},
		"a browser gets one binding cookie, that scripts do not see": func(t *testing.T, a Adapter) {
			b := own(t, a)
			p := b.send(http.MethodGet, "/authorize?"+web().request().Encode(), nil)
			cookies := (&http.Response{Header: p.Header}).Cookies()
			if len(cookies) != 1 || !strings.HasPrefix(cookies[0].Name, "mandate-browser-") || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" || len(cookies[0].Value) < 43 {
				t.Fatalf("cookies = %v", cookies)
			}
			for _, again := range []*page{p.follow(), b.authorize(web()), b.authorize(web()).form().post("user", "alice").follow()} {
				for _, c := range (&http.Response{Header: again.Header}).Cookies() {
					if strings.HasPrefix(c.Name, "mandate-") {
						t.Errorf("set again: %v", c)
					}
				}
			}
		},
		"a cross-site POST begins a request and takes nothing of the session": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			before := len(b.cookies)
			ans := b.send(http.MethodPost, "/authorize", web().request(), "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
			if len(b.cookies) != before || ans.Header.Get("Set-Cookie") != "" {
				t.Errorf("cookies = %v", b.cookies)
			}
			ans.follow().form().submit(yes...).code()
		},
		"reload and back spend nothing": func(t *testing.T, a Adapter) {
			b := own(t, a)
			login := b.authorize(web())
			b.open(login.url)
			consent := b.open(login.url).form().submit("user", "alice")
			b.open(login.url)
			for range 3 {
				consent = b.open(consent.url)
			}
			b.w.token(web(), web().exchange(consent.form().submit(yes...).code())).tokens(t)
		},
		"a decision that is sent twice has one answer, until the code is used": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			form := b.authorize(web()).form()
			first, second := form.submit(yes...).code(), form.submit(yes...).code()
			if first != second {
				t.Errorf("codes = %s, %s", first, second)
			}
			got := b.w.token(web(), web().exchange(first)).tokens(t)
			again := form.submit(yes...).status(t, http.StatusGone)
			again.fields(t, "Location", "", "Cache-Control", "no-store")
			b.w.alive(got.Access)
			b.w.refresh(web(), got.Refresh)
		},
		"a request that is approved at once has one answer, whoever told its handle meanwhile": func(t *testing.T, a Adapter) {
			for who, teller := range map[string]func(s *setup, tell func(*server.Ask)){
				"decision": func(s *setup, tell func(*server.Ask)) {
					decide := s.Decide
					s.Decide = func(c Ctx, ask *server.Ask) (server.Answer, error) {
						tell(ask)
						return decide(c, ask)
					}
				},
				"extension": func(s *setup, tell func(*server.Ask)) {
					s.Extensions = []server.Extension{{Name: "teller", Approve: func(_ context.Context, ask *server.Ask, _ server.User, _ *store.Grant) error {
						tell(ask)
						return nil
					}}}
				},
			} {
				handle := ""
				b := newBrowser(newWorld(t, a, func(s *setup) {
					ownPages(s)
					teller(s, func(ask *server.Ask) { handle = ask.Handle() })
				}))
				b.cookies["app"] = "alice.0."
				b.authorize(web()).form().submit(yes...).code() // which is remembered
				first := b.authorize(web()).code()
				if again := b.open("/authorize?handle=" + url.QueryEscape(handle)).code(); again != first {
					t.Errorf("told by the %s: codes = %s, %s", who, first, again)
				}
			}
		},
		"a second decision that says something else is refused": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			form := b.authorize(web(), "scope", "read write").form()
			code := form.submit(yes...).code()
			form.submit("verdict", "allow", "scope", "read", "scope", "write").status(t, http.StatusGone)
			got := b.w.token(web(), web().exchange(code)).tokens(t)
			if got.Scope != "read" {
				t.Errorf("scope = %q, want read", got.Scope)
			}
		},
		"a decision after the code was revoked is refused": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			form := b.authorize(web()).form()
			form.submit(yes...).code()
			if _, err := b.w.store.RevokeGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.BySubject, b.w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			form.submit(yes...).status(t, http.StatusGone)
		},
		"two tabs of a new browser both finish": func(t *testing.T, a Adapter) {
			b := own(t, a)
			// Both begin before either answer came: each brings a cookie, and the later one stays.
			one := b.send(http.MethodGet, "/authorize?"+web().request().Encode(), nil)
			clear(b.cookies)
			two := b.send(http.MethodGet, "/authorize?"+web().request().Encode(), nil)
			first := one.follow().form().submit("user", "alice")
			u, err := url.Parse(two.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			second := b.open(u.Query().Get("return_to"))
			for _, tab := range []*page{first, second} {
				b.w.token(web(), web().exchange(tab.form().submit(yes...).code())).tokens(t)
			}
		},
		"a decision of another user than the page was shown to is refused": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			form := b.authorize(web()).form()
			b.cookies["app"] = "bob.0."
			p := form.submit(yes...).status(t, http.StatusForbidden)
			p.fields(t, "Location", "")
			if list, _ := b.w.store.FindGrants(t.Context(), store.GrantQuery{ClientID: "web"}, store.Page{}); len(list) > 0 {
				t.Errorf("grants = %v, want none", list)
			}
			b.cookies["app"] = "alice.1."
			form.submit(yes...).status(t, http.StatusForbidden)
			b.cookies["app"] = "alice.0."
			form.submit(yes...).code()
		},
		"a form from another browser is refused, a link goes on": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			consent := b.authorize(web())
			other := newBrowser(b.w)
			other.cookies["app"] = "alice.0."
			stolen := consent.form()
			stolen.b = other
			stolen.submit(yes...).status(t, http.StatusForbidden)
			other.authorize(web()) // now it has a cookie of its own
			stolen.submit(yes...).status(t, http.StatusForbidden)
			link := "/authorize?handle=" + url.QueryEscape(stolen.values.Get("handle"))
			other.open(link).form().submit(yes...).code()
			consent.form().submit(yes...).code()
		},
		"a form without its token, or with another's, is refused": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			one, two := b.authorize(web()).form(), b.authorize(web()).form()
			for name, csrf := range map[string]string{"none": "", "another request's": two.values.Get("csrf"), "garbage": "garbage"} {
				forged := form{b, one.action, with(one.values, "csrf", csrf)}
				if p := forged.submit(yes...); p.Status != http.StatusForbidden {
					t.Errorf("%s: status = %d, want 403", name, p.Status)
				}
			}
			one.submit(yes...).code()
		},
		"a form that another site posts is refused, whatever it has": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			form := b.authorize(web()).form()
			values := with(form.values, "verdict", "allow", "scope", "read")
			for _, fields := range [][]string{
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "http://" + b.w.addr + ".evil.example"}, {"Origin", b.w.url, "Sec-Fetch-Site", "cross-site"},
			} {
				if p := b.send(http.MethodPost, form.action, values, fields...); p.Status != http.StatusForbidden {
					t.Errorf("%v: status = %d, want 403", fields, p.Status)
				}
			}
			// A page of ours may post with the origin "null", or an old browser without any of it.
			first := b.send(http.MethodPost, form.action, values, "Origin", "null", "Sec-Fetch-Site", "same-origin").code()
			if again := b.send(http.MethodPost, form.action, values).code(); again != first {
				t.Errorf("codes = %s, %s", first, again)
			}
		},
		"a repeated field of a decision is refused": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			f := b.authorize(web()).form()
			f.submit("csrf", f.values.Get("csrf"), "verdict", "allow").status(t, 400)
			f.submit("handle", f.values.Get("handle"), "verdict", "allow").status(t, 400)
			f.submit(yes...).code()
		},
		"a request can be decided for half an hour, and is begun anew after that": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			consent := b.authorize(web())
			b.w.clock.Pass(30*time.Minute - time.Millisecond)
			consent.form().submit(yes...).code()
			late := b.authorize(web(), "prompt", "consent")
			b.w.clock.Pass(30 * time.Minute)
			late.form().submit(yes...).status(t, http.StatusGone)
			b.open("/authorize?handle=" + url.QueryEscape(late.form().values.Get("handle"))).form().submit(yes...).code()
		},
		"a handle of days ago is over": func(t *testing.T, a Adapter) {
			b := signedIn(t, a)
			consent := b.authorize(web())
			b.w.clock.Pass(49 * time.Hour)
			b.open("/authorize?handle="+url.QueryEscape(consent.form().values.Get("handle"))).status(t, http.StatusGone)
			consent.form().submit(yes...).status(t, http.StatusGone)
		},
		"an anonymous request writes nothing": func(t *testing.T, a Adapter) {
			counted := new(countingStore)
			w := newWorld(t, a, func(s *setup) {
				ownPages(s)
				counted.Store = s.Store
				s.Store = counted
			})
			b := newBrowser(w)
			b.authorize(web())
			b.send(http.MethodPost, "/authorize", web().request()).follow()
			if n := counted.writes.Load(); n > 0 {
				t.Errorf("%d writes", n)
			}
		},
		"an 8 KiB request goes through, as a ticket": func(t *testing.T, a Adapter) {
			b := own(t, a)
			state := strings.Repeat("s", 2048)
			q := with(web().request(), "state", state, "nonce", strings.Repeat("n", 1024), "login_hint", strings.Repeat("h", 200), "x", strings.Repeat("x", 4800))
			if n := len("/authorize?" + q.Encode()); n < 8<<10 {
				t.Fatalf("only %d bytes", n)
			}
			login := b.open("/authorize?" + q.Encode())
			if len(login.url) > 2048 {
				t.Errorf("the way to the sign-in is %d bytes long", len(login.url))
			}
			consent := login.form().submit("user", "alice")
			ans := b.open(consent.url).form().submit(yes...)
			if _, got := ans.params(t); got.Get("state") != state || got.Get("code") == "" {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			late := b.open("/authorize?" + with(q, "prompt", "consent").Encode())
			b.w.clock.Pass(15 * time.Minute)
			late.form().submit(yes...).status(t, http.StatusGone)
		},
		"a POST may be far larger": func(t *testing.T, a Adapter) {
			b := own(t, a)
			q := with(web().request(), "claims", `{"x":"`+strings.Repeat("c", 20<<10)+`"}`)
			b.send(http.MethodPost, "/authorize", q).follow().form().submit("user", "alice").form().submit(yes...).code()
			b.send(http.MethodPost, "/authorize", with(q, "claims", strings.Repeat("c", 65<<10))).status(t, 413)
		},
		"a way back that is not the server's is none": func(t *testing.T, a Adapter) {
			b := own(t, a)
			for _, target := range []string{"https://evil.example/authorize?handle=x", "//evil.example/authorize?handle=x", "/other", "/authorize", "/authorize?x=1", "javascript:alert(1)", "\\\\evil.example", "/authorize/../x?handle=x", ""} {
				ans := b.send(http.MethodPost, "/login", url.Values{"user": {"alice"}, "return_to": {target}})
				if to := ans.Header.Get("Location"); to != "/home" {
					t.Errorf("%q leads to %q", target, to)
				}
			}
			ans := b.send(http.MethodPost, "/login?return_to=%2Fauthorize%3Fhandle%3Dabc", url.Values{"user": {"alice"}})
			if to := ans.Header.Get("Location"); to != "/authorize?handle=abc" {
				t.Errorf("Location = %q", to)
			}
		},
		"what the application puts before the endpoints runs, and the server's header fields stay": func(t *testing.T, a Adapter) {
			var seen []string
			w := newWorld(t, a, func(s *setup) {
				note := func(name string) Middleware {
					return s.site.app.Middleware(func(c Ctx, next func() error) error {
						seen = append(seen, name)
						c.SetHeader("X-"+name, c.Path())
						c.SetHeader("Cache-Control", "public")
						c.SetHeader("Vary", "X-Of-The-Application")
						if c.Header("X-Stop") == name {
							return c.HTML(429, "slow down")
						}
						return next()
					})
				}
				s.Use = []Middleware{note("First"), note("Second")}
			})
			ans := w.get(t, "/authorize?client_id=nobody", "Accept", "text/html").status(t, 400)
			ans.fields(t, "X-First", "/authorize", "X-Second", "/authorize", "Cache-Control", "no-store")
			if vary := strings.Join(ans.Header.Values("Vary"), "|"); !strings.Contains(vary, "X-Of-The-Application") || !strings.Contains(vary, "Sec-Fetch-Mode") {
				t.Errorf("Vary = %q", vary)
			}
			if got := strings.Join(seen, " "); got != "First Second" {
				t.Errorf("middleware ran %q", got)
			}
			w.get(t, "/jwks").fields(t, "X-First", "/jwks", "Cache-Control", "public, max-age=300")
			w.token(party{web().id, web().secret, "none", ""}, url.Values{}).fields(t, "X-Second", "/token")
			w.get(t, "/jwks", "X-Stop", "First").status(t, 429)
			w.get(t, "/api").fields(t, "X-First", "")
		},
		"the server's paths are told apart from others": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Prefix = "/oauth"
				s.more = func(w *world) {
					skips := w.app.Skipper(w.srv)
					path := w.app.Middleware(func(c Ctx, _ func() error) error { return c.JSON(200, map[string]bool{"skips": skips(c)}) })
					w.app.Handle(http.MethodGet, "/other", w.app.Route(func(Ctx) error { return nil }), path)
				}
				s.Use = []Middleware{s.site.app.Middleware(func(c Ctx, next func() error) error {
					c.SetHeader("X-Endpoint", "yes")
					return next()
				})}
			})
			if body := w.get(t, "/other").Body; !strings.Contains(body, "false") {
				t.Errorf("body = %q", body)
			}
			for _, path := range []string{"/oauth/token", "/oauth/authorize", "/oauth/jwks", "/.well-known/oauth-authorization-server"} {
				if !w.srv.Serves(path) || w.get(t, path).Header.Get("X-Endpoint") != "yes" {
					t.Errorf("%s is not the server's", path)
				}
			}
		},
		"a path that is taken is an error, and so is nobody to decide": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			if err := w.app.Mount(w.srv, Mounting{Decide: func(Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil }}); err == nil {
				t.Error("the server was mounted twice")
			}
			if err := a.New(t).Mount(w.srv, Mounting{}); err == nil || !strings.Contains(err.Error(), "SignIn") {
				t.Errorf("error = %v, want one that names the way out", err)
			}
			if err := a.New(t).Mount(nil, Mounting{}); err == nil {
				t.Error("nil was mounted")
			}
		},
	}
}
