package adaptertest

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// says checks that p is the error page with that status and sentence, and returns where its link "Start again" leads.
func (p *page) says(status int, sentence string) (restart string) {
	p.b.t.Helper()
	p.is(status)
	p.fields(p.b.t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY", "Vary", "Accept, Sec-Fetch-Mode", "Location", "")
	if policy := p.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'") {
		p.b.t.Errorf("Content-Security-Policy = %q", policy)
	}
	if !strings.Contains(p.Body, `id="page-error"`) || !strings.Contains(p.Body, sentence) {
		p.b.t.Errorf("the page does not say %q: %s", sentence, p.Body)
	}
	m := regexp.MustCompile(`id="error-restart"[^>]* href="([^"]*)"`).FindStringSubmatch(p.Body)
	if m == nil {
		return ""
	}
	return m[1]
}

// errorReasons are the cases of what the error page says to the person in front of it, and of where errors go before there is a redirect URI to trust.
func errorReasons() cases {
	const expired, other, user, done = "This request has expired.", "This request was begun in another browser, or its cookies are gone.",
		"Somebody else has signed in since this page was opened.", "This request has already been completed. You may close this page."
	return cases{
		"expired: a page that was left open, and a link that was kept": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			f := b.authorize(web()).form()
			b.w.clock.Pass(30 * time.Minute)
			restart := f.submit("action", "allow").says(410, expired)
			if p := b.open(restart); !strings.Contains(p.Body, `id="consent-form"`) {
				t.Errorf("Start again leads to %s: %d", p.url, p.Status)
			}
			b.open("/authorize?handle=x").says(410, expired)
			b.open("/interaction/consent").says(410, expired)
			b.open("/interaction/accounts?handle="+strings.Repeat("x", 5000)).says(410, expired)
		},
		"other browser: a form that was made elsewhere, and one whose cookie is gone": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			f := b.authorize(web()).form()
			stranger := newBrowser(b.w)
			stranger.authorize(web())
			f.b = stranger
			if p := stranger.open(f.submit("action", "allow").says(403, other)); !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("Start again leads to %s: %d", p.url, p.Status)
			}
			f.b = newBrowser(b.w)
			f.submit("action", "allow").says(403, other)
		},
		"other user: signed in elsewhere since": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, func(s *setup) { s.MaxAccounts = 1 })
			f := b.authorize(web()).form()
			b.w.clock.Pass(time.Second)
			b.authorize(web(), "prompt", "login").signIn("bob")
			if p := b.open(f.submit("action", "allow").says(403, user)); !strings.Contains(p.Body, "The bob") {
				t.Errorf("Start again leads to %s: %s", p.url, p.Body)
			}
			if list, err := b.w.store.FindGrants(t.Context(), store.GrantQuery{ClientID: "web"}, store.Page{}); err != nil || len(list) != 0 {
				t.Errorf("grants = %v, %v", list, err)
			}
		},
		"finished: the code of the decision was used": func(t *testing.T, a Adapter) {
			b := signedInWorld(t, a, nil)
			f := b.authorize(web()).form()
			code := f.submit("action", "allow").code()
			b.w.token(web(), web().exchange(code)).tokens(t)
			if restart := f.submit("action", "allow").says(410, done); restart != "" {
				t.Errorf("the page leads on to %q", restart)
			}
		},
		"before the redirect URI is trusted nobody is sent to it, by GET, POST and form_post": func(t *testing.T, a Adapter) {
			const sorry = "https://app.example.com/sorry"
			requests := map[string]url.Values{}
			for name, changes := range map[string][]string{
				"an unknown client":              {"client_id", "nobody", "redirect_uri", "https://evil.example.com/cb"},
				"no client":                      {"client_id", "", "redirect_uri", "https://evil.example.com/cb"},
				"a foreign redirect URI":         {"redirect_uri", "https://evil.example.com/cb"},
				"a redirect URI with a script":   {"redirect_uri", "javascript:alert(1)"},
				"a redirect URI with more to it": {"redirect_uri", callback + "?x=https://evil.example.com"},
			} {
				requests[name] = with(web().request(), changes...)
				requests[name+", posted"] = with(requests[name], "response_mode", "form_post")
			}
			requests["a client twice"] = with(web().request())
			requests["a client twice"].Add("client_id", "web")
			own := newWorld(t, a, func(s *setup) { s.Error = applicationError })
			urls := newWorld(t, a, func(s *setup) { s.ErrorURL = sorry })
			plain := newWorld(t, a, nil)
			for name, q := range requests {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					send := func(w *world, fields ...string) *answer {
						if method == http.MethodPost {
							return w.form(t, "/authorize", q, fields...)
						}
						return w.authorize(q, fields...)
					}
					ans := send(plain, "Accept", "text/html")
					if ans.Status != 400 || ans.Header.Get("Location") != "" || ans.Header.Get("Set-Cookie") != "" || !strings.Contains(ans.Body, `id="page-error"`) || strings.Contains(ans.Body, "evil.example.com") || strings.Contains(ans.Body, "<script") {
						t.Errorf("%s %s: the page is %d %s", method, name, ans.Status, ans.Body)
					}
					ans = send(plain, "Accept", "application/json")
					if code, _ := ans.json(t)["error"].(string); ans.Status != 400 || code != "invalid_client" && code != "invalid_request" || ans.Header.Get("Location") != "" {
						t.Errorf("%s %s: the JSON is %d %s", method, name, ans.Status, ans.Body)
					}
					if to, _ := send(urls, "Accept", "text/html").params(t); to != sorry {
						t.Errorf("%s %s: sent to %q", method, name, to)
					}
					if ans := send(urls); ans.Status != 400 || ans.Header.Get("Location") != "" {
						t.Errorf("%s %s: no browser is answered %d %s", method, name, ans.Status, ans.Body)
					}
					if ans := send(own); ans.Status != 400 || !strings.HasPrefix(ans.Body, "sorry: invalid_") || ans.Header.Get("Location") != "" {
						t.Errorf("%s %s: the application's page is %d %s", method, name, ans.Status, ans.Body)
					}
				}
			}
		},
		"nothing that a stranger chose becomes markup on any page": func(t *testing.T, a Adapter) {
			const evil = `"'></bdi></title><script>alert(1)</script><img src=x onerror=alert(1)>`
			b := newBrowser(newWorld(t, a, func(s *setup) {
				builtInPages(s)
				s.AccountPage, s.Device = true, new(server.Device)
				s.SignIn = func(_ context.Context, name, _ string) (server.User, error) {
					if name == "wrong"+evil {
						return server.User{}, mandate.AccessDenied
					}
					return server.User{Subject: "s-" + name, Name: evil + name}, nil
				}
				s.Scopes = append(s.Scopes, server.Scope{Name: "evil", Title: evil, Description: evil, Optional: true})
				c := s.Clients[0]
				c.Metadata.Name, c.Metadata.ClientURI, c.Metadata.PolicyURI, c.Metadata.TermsURI = evil, "https://x.example/"+evil, "javascript:alert(1)", "data:text/html,<script>alert(1)</script>"
				c.Policy.Resources = "https://three.example.com/'onerror=alert(1)"
				s.Clients = append(s.Clients, party{"tv", "", "none", ""}.client(oauth2.GrantDeviceCode))
				s.Clients[len(s.Clients)-1].Metadata.Name = evil
			}))
			clean := func(where string, p *page) *page {
				t.Helper()
				for _, mark := range []string{"<script>alert", "<img", "onerror=alert(1)>", "javascript:", "data:text", `"'>`} {
					if strings.Contains(p.Body, mark) {
						t.Errorf("%s has %q: %s", where, mark, p.Body)
					}
				}
				return p
			}
			login := clean("sign-in", b.authorize(web(), "login_hint", evil, "scope", "read evil", "resource", "https://three.example.com/'onerror=alert(1)", "state", evil, "nonce", evil, "display", evil, "ui_locales", evil))
			clean("sign-in again", login.form().submit("username", "wrong"+evil, "password", evil, "action", "login").is(200))
			consent := clean("consent", login.form().submit("username", "alice"+evil, "password", evil, "action", "login"))
			if !strings.Contains(consent.Body, `id="consent-form"`) {
				t.Fatalf("page = %s", consent.Body)
			}
			consent.form().submit("action", "allow", "scope", "evil").code()
			b.w.clock.Pass(time.Second)
			if p := clean("accounts", b.authorize(web(), "prompt", "select_account", "login_hint", evil)); !p.isAccounts() {
				t.Fatalf("page = %s", p.Body)
			}
			clean("applications", b.open(applicationsPath))
			clean("device", b.open("/device?user_code="+url.QueryEscape(evil)))
			clean("device's client", b.enter(b.w.codes(tv()).User))
			for name, q := range map[string]url.Values{
				"client_id": {"client_id": {evil}}, "redirect_uri": with(web().request(), "redirect_uri", evil), "handle": {"handle": {evil}}, "a parameter's name": {evil: {evil}},
			} {
				clean("error of "+name, b.open("/authorize?"+q.Encode())).says(map[bool]int{true: 410, false: 400}[name == "handle"], "")
			}
			clean("form_post", newBrowser(newWorld(t, a, nil)).authorize(web(), "response_mode", "form_post", "state", evil))
		},
		"no page may be framed, cached or leak where it is": func(t *testing.T, a Adapter) {
			b := several(t, a, func(s *setup) { s.AccountPage, s.Device = true, new(server.Device) })
			nobody := newBrowser(b.w)
			for name, p := range map[string]*page{
				"sign-in": nobody.authorize(web()), "accounts": b.authorize(web()), "consent": b.authorize(web(), "login_hint", "bob", "prompt", "consent"),
				"applications": b.open(applicationsPath), "applications' sign-in": nobody.open(applicationsPath), "device": b.open("/device"), "error": b.open("/authorize"),
			} {
				p.fields(t, "X-Frame-Options", "DENY", "Cache-Control", "no-store", "X-Content-Type-Options", "nosniff", "Content-Type", "text/html; charset=utf-8", "Access-Control-Allow-Origin", "")
				policy, referrer := p.Header.Get("Content-Security-Policy"), p.Header.Get("Referrer-Policy")
				if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "form-action") || referrer != "same-origin" && referrer != "no-referrer" {
					t.Errorf("%s: Content-Security-Policy = %q, Referrer-Policy = %q", name, policy, referrer)
				}
			}
		},
	}
}
