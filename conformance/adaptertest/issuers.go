package adaptertest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
)

// issuers are the cases of two issuers on one host, with one secret and one store: what is the one's is nothing at the other.
func issuers() cases {
	// pair are two worlds, "/a" and "/b" below one host as far as their issuers say.
	pair := func(t *testing.T, a Adapter, pages func(s *setup)) (one, two *world) {
		t.Helper()
		secret := mandate.NewRandomSecret()
		one = newWorld(t, a, func(s *setup) {
			pages(s)
			s.Secret, s.Issuer, s.BasePath = secret, s.site.url+"/a", "/a"
		})
		two = newWorld(t, a, func(s *setup) {
			pages(s)
			s.clock, s.store = one.clock, one.store
			s.Secret, s.Issuer, s.BasePath, s.Store, s.Now = secret, one.url+"/b", "/b", one.store, one.clock.Now
		})
		return one, two
	}
	plain := func(*setup) {}
	return cases{
		"a code": func(t *testing.T, a Adapter) {
			one, two := pair(t, a, plain)
			code := one.code(web())
			two.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant")
			one.token(web(), web().exchange(code)).tokens(t)
		},
		"a refresh token": func(t *testing.T, a Adapter) {
			one, two := pair(t, a, plain)
			got := one.login(web())
			two.token(web(), refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
			if ans := two.introspect(web(), got.Refresh); ans.Body != notActive {
				t.Errorf("introspection = %s", ans.Body)
			}
			two.revoke(web(), got.Refresh).status(t, 200)
			one.refresh(web(), got.Refresh)
		},
		"a JWT": func(t *testing.T, a Adapter) {
			one, two := pair(t, a, plain)
			got := one.login(jwtWeb())
			two.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			if ans := two.introspect(jwtWeb(), got.Access); ans.Body != notActive {
				t.Errorf("introspection = %s", ans.Body)
			}
			two.revoke(jwtWeb(), got.Access).status(t, 200)
			one.alive(got.Access)
		},
		"a pending request, small and large": func(t *testing.T, a Adapter) {
			one, two := pair(t, a, builtInPages)
			for _, nonce := range []string{"n", strings.Repeat("n", 1024)} {
				ans := one.authorize(with(web().request(), "nonce", nonce, "acr_values", nonce), "Accept", "text/html").status(t, 303)
				u, err := url.Parse(ans.Header.Get("Location"))
				if err != nil {
					t.Fatal(err)
				}
				handle := "handle=" + url.QueryEscape(u.Query().Get("handle"))
				for _, path := range []string{"/authorize?", "/interaction/login?", "/interaction/consent?"} {
					two.get(t, path+handle).refused(t, http.StatusGone, "invalid_request")
				}
				if one.get(t, "/authorize?"+handle).Status != 303 {
					t.Error("the request is over at its own issuer, too")
				}
			}
		},
		"a form's token, and the cookies of browser and session": func(t *testing.T, a Adapter) {
			one, two := pair(t, a, builtInPages)
			first, second := newBrowser(one), newBrowser(two)
			in := []string{"username", "alice", "password", "password of alice", "action", "login"}
			// BasePath is what a proxy strips: the suite is the proxy.
			strip := func(p *page) *page {
				p.b.t.Helper()
				for p.Status == 303 && strings.HasPrefix(p.Header.Get("Location"), "/") {
					p = p.b.send(http.MethodGet, p.Header.Get("Location")[2:], nil)
				}
				return p
			}
			begin := func(b *browser) *page {
				b.t.Helper()
				return strip(b.send(http.MethodGet, "/authorize?"+web().request().Encode(), nil))
			}
			login := begin(first)
			f := login.form()
			f.action = f.action[2:]
			strip(f.post(in...)).form()
			if len(first.cookies) != 2 {
				t.Fatalf("cookies = %v", first.cookies)
			}
			maps.Copy(second.cookies, first.cookies)
			if p := begin(second); !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("the session of the one is a session at the other: %q", p.Body)
			}
			if len(second.cookies) != 3 {
				t.Errorf("cookies = %v, want the binding of the other besides", second.cookies)
			}
			// Under the other's names they are worth nothing either.
			for name, value := range first.cookies {
				role := strings.TrimSuffix(name, name[strings.LastIndex(name, "-")+1:])
				for theirs := range second.cookies {
					if _, mine := first.cookies[theirs]; !mine {
						second.cookies[role+theirs[strings.LastIndex(theirs, "-")+1:]] = value
					}
				}
			}
			p := begin(second)
			if !strings.Contains(p.Body, `id="login-form"`) {
				t.Errorf("the value of a session of the one is a session at the other: %q", p.Body)
			}
			g := p.form()
			g.action = g.action[2:]
			g.values.Set("csrf", f.values.Get("csrf"))
			g.post(in...).status(t, http.StatusForbidden)
		},
		"the keys": func(t *testing.T, a Adapter) {
			one, two := pair(t, a, plain)
			if one.get(t, "/jwks").Body == two.get(t, "/jwks").Body {
				t.Error("both sign with one key")
			}
		},
		"two of them live in one application, each with its own paths": func(t *testing.T, a Adapter) {
			var other *server.Server
			w := newWorld(t, a, func(s *setup) {
				s.Prefix = "/one"
				s.more = func(w *world) {
					c := s.Config
					c.Prefix, c.Issuer = "/two", w.url+"/tenant"
					var err error
					if other, err = server.New(c); err != nil {
						t.Fatal(err)
					}
					if err := w.app.Mount(other, s.Mounting); err != nil {
						t.Fatal(err)
					}
				}
			})
			_, q := w.get(t, "/one/authorize?"+web().request().Encode()).params(t)
			_, r := w.get(t, "/tenant/two/authorize?"+web().request().Encode()).params(t)
			if q.Get("iss") != w.url || r.Get("iss") != w.url+"/tenant" {
				t.Errorf("issuers = %q, %q", q.Get("iss"), r.Get("iss"))
			}
		},
	}
}
