package adaptertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/server"
)

func logins() cases {
	return cases{
		"a login ends with who came back, where it began": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			done := b.open(b.approve(b.begin("home", "?return_to="+url.QueryEscape("/cart?step=2#pay")))).signed(t, "home")
			done.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
			if got := done.text(t, "return_to"); got != "/cart?step=2#pay" {
				t.Errorf("return_to = %q", got)
			}
			if got := done.text(t, "scope"); got != "read" || done.text(t, "missing") != "" {
				t.Errorf("scope = %q in %s", got, done.Body)
			}
			b.l.alive(done.text(t, "token"))
			if left := b.flows(); len(left) != 0 {
				t.Errorf("cookies are left: %v", left)
			}
			if b.cookies["signed-in"] != "alice" {
				t.Errorf("the application's own cookie is %q", b.cookies["signed-in"])
			}
		},
		"two providers are two apps, and tabs finish in any order": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			first, second, third := b.callback("home"), b.callback("away"), b.callback("home")
			b.open(third).signed(t, "home")
			b.open(first).signed(t, "home")
			b.open(second).signed(t, "away")
		},
		"the request has PKCE, a fresh state and no secret (RFC 7636, 4.3)": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			seen := map[string]bool{}
			for range 3 {
				u := b.begin("home", "")
				q := u.Query()
				if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("response_type") != "code" {
					t.Errorf("the request is %s", u)
				}
				if got, want := q.Get("redirect_uri"), b.l.shop.url+"/auth/home/callback"; got != want {
					t.Errorf("redirect_uri = %q, want %q", got, want)
				}
				if len(q.Get("state")) < 22 || seen[q.Get("state")] || seen[q.Get("code_challenge")] || strings.Contains(u.String(), homeSecret) {
					t.Errorf("the request is %s", u)
				}
				seen[q.Get("state")], seen[q.Get("code_challenge")] = true, true
			}
		},
		"on http the cookie has no prefix and is not Secure, on https it has and is": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			line := b.send(http.MethodGet, "/auth/home/login", nil).Header.Get("Set-Cookie")
			if !strings.HasPrefix(line, "mandate-login-") || !strings.HasSuffix(line, "; Path=/; Max-Age=600; HttpOnly; SameSite=Lax") {
				t.Errorf("on http Set-Cookie is %q", line)
			}
			b = newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.BaseURL, s.Secret = "https://shop.example.com", mandate.NewRandomSecret()
			}))
			line = b.send(http.MethodGet, "/auth/home/login", nil).Header.Get("Set-Cookie")
			if !strings.HasPrefix(line, "__Host-mandate-login-") || !strings.HasSuffix(line, "; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure") {
				t.Errorf("on https Set-Cookie is %q", line)
			}
		},
		"the address comes from the configuration, never from Host": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			at := b.l.shop.raw(t, "GET /auth/home/login HTTP/1.1\r\nHost: evil.example.com\r\nX-Forwarded-Host: evil.example.com\r\nConnection: close\r\n\r\n")
			if got, want := location(t, at).Query().Get("redirect_uri"), b.l.shop.url+"/auth/home/callback"; got != want {
				t.Errorf("redirect_uri = %q, want %q", got, want)
			}
		},
		"a browser has eight logins at most, the oldest goes": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			var at []*url.URL
			for range 10 {
				at = append(at, b.begin("home", ""))
				b.l.clock.Pass(time.Second)
			}
			if n := len(b.flows()); n != 8 {
				t.Errorf("%d cookies of logins, want 8", n)
			}
			b.open(b.approve(at[1])).unsigned(t, 400, client.StateMissing)
			b.open(b.approve(at[2])).signed(t, "home")
			b.open(b.approve(at[9])).signed(t, "home")
		},
		"cookies of logins never have more than a few KiB together": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			for range 8 {
				b.begin("home", "?return_to=/"+strings.Repeat("x", 1000))
				b.l.clock.Pass(time.Second)
			}
			total := 0
			for _, name := range b.flows() {
				total += len(name) + len(b.cookies[name])
			}
			if total > 4<<10 || total < 1<<10 {
				t.Errorf("the cookies have %d bytes", total)
			}
		},
		"routes made by hand do the same": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.home.Callback = "/hand/home"
				s.routes = func(l *loginWorld) {
					app := l.shop.app
					app.Handle(http.MethodGet, "/deep/down/in/here/enter", app.Login(l.reg.App("home"), LoginConfig{Begin: func(c Ctx) client.Begin {
						return client.Begin{ReturnTo: "/basket", Data: "invitation " + c.Query("invitation"), Params: mandate.Params{{Name: "login_hint", Value: "alice"}}, Scopes: []string{"read", "write"}}
					}}))
					back := app.Callback(l.reg.App("home"), signedIn, LoginConfig{})
					app.Handle(http.MethodGet, "/hand/home", back)
					app.Handle(http.MethodPost, "/hand/home", back)
				}
			}))
			at := location(t, b.send(http.MethodGet, "/deep/down/in/here/enter?invitation=7&return_to=/ignored", nil).status(t, 303))
			if q := at.Query(); q.Get("login_hint") != "alice" || q.Get("redirect_uri") != b.l.shop.url+"/hand/home" || q.Get("scope") != "read write" {
				t.Errorf("the request is %s", at)
			}
			done := b.open(b.approve(at)).signed(t, "home")
			if done.text(t, "return_to") != "/basket" || done.text(t, "data") != "invitation 7" || done.text(t, "scope") != "read write" {
				t.Errorf("signed in with %s", done.Body)
			}
		},
		"a route for an app that there is not answers with an error": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.routes = func(l *loginWorld) {
					l.shop.app.Handle(http.MethodGet, "/enter", l.shop.app.Login(l.reg.App("nobody"), LoginConfig{}))
				}
			}))
			b.send(http.MethodGet, "/enter", nil).unsigned(t, 500, client.Fault)
		},
		"middleware of the configuration runs before both steps": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				app := a.New(t)
				s.Use = []Middleware{app.Middleware(func(c Ctx, next func() error) error {
					c.SetHeader("X-Used", "yes")
					return next()
				})}
			}))
			for _, path := range []string{"/auth/home/login", "/auth/home/callback"} {
				b.send(http.MethodGet, path, nil).fields(t, "X-Used", "yes")
			}
		},
		"endpoints answer other methods with 405": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, nil))
			b.send(http.MethodPost, "/auth/home/login", nil).status(t, 405).fields(t, "Allow", "GET, HEAD")
			b.send(http.MethodPut, "/auth/home/callback", nil).status(t, 405).fields(t, "Allow", "GET, HEAD, POST")
		},
		"what is mounted twice is an error": func(t *testing.T, a Adapter) {
			l := newLoginWorld(t, a, nil)
			if err := l.shop.app.MountLogin("/auth", l.reg, signedIn, LoginConfig{}); err == nil {
				t.Error("MountLogin registered the same paths twice")
			}
			for _, prefix := range []string{"auth", "//evil.example.com", "/a{id}", "/a?b", "/a b"} {
				if err := l.shop.app.MountLogin(prefix, l.reg, signedIn, LoginConfig{}); err == nil {
					t.Errorf("MountLogin took the prefix %q", prefix)
				}
			}
			if err := l.shop.app.MountLogin("/other", nil, signedIn, LoginConfig{}); err == nil {
				t.Error("MountLogin took no registry")
			}
		},
		"a public client logs in with PKCE alone": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.home.Credentials = client.Credentials{ID: "public"}
				base := s.BaseURL
				s.provider = func(w *setup) {
					c := party{"public", "", "none", base + "/auth/home/callback"}.client("authorization_code")
					w.Clients = append(w.Clients, c)
				}
			}))
			b.open(b.callback("home")).signed(t, "home")
		},
		"fewer scopes than asked for are no error": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.home.Scopes = []string{"read", "write"}
				s.provider = func(w *setup) {
					w.Decide = func(c Ctx, _ *server.Ask) (server.Answer, error) {
						return server.ApproveScopes(server.User{Subject: "alice", AuthTime: w.clock.Now()}, []string{"read"}), nil
					}
				}
			}))
			done := b.open(b.callback("home")).signed(t, "home")
			if done.text(t, "scope") != "read" || done.text(t, "missing") != "write" {
				t.Errorf("signed in with %s", done.Body)
			}
		},
		"a login that the user denies is Denied": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.provider = func(w *setup) { w.Decide = denying }
			}))
			b.open(b.callback("home")).unsigned(t, 403, client.Denied)
			if left := b.flows(); len(left) != 0 {
				t.Errorf("cookies are left: %v", left)
			}
			page := b.open(b.callback("home"), "Accept", "text/html", "Sec-Fetch-Mode", "navigate").status(t, 403)
			page.fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "X-Frame-Options", "DENY")
			if !slices.Contains(page.Header.Values("Vary"), "Accept, Sec-Fetch-Mode") {
				t.Errorf("Vary = %q", page.Header.Values("Vary"))
			}
		},
		"the application's own page gets the typed error": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.Error = func(c Ctx, err *client.Error) error {
					return c.JSON(0, map[string]string{"kind": string(err.Kind), "app": err.App, "code": string(err.Code), "text": err.Description})
				}
				s.provider = func(w *setup) { w.Decide = denying }
			}))
			denied := b.open(b.callback("home")).status(t, 403)
			if denied.text(t, "kind") != "denied" || denied.text(t, "app") != "home" || denied.text(t, "code") != "access_denied" {
				t.Errorf("the error is %s", denied.Body)
			}
			denied.fields(t, "Cache-Control", "no-store")
			failed := b.open(changed(b.callback("home"), "error", "server_error", "error_description", "it broke")).status(t, 502)
			if failed.text(t, "kind") != "provider error" || failed.text(t, "code") != "server_error" || failed.text(t, "text") != "it broke" {
				t.Errorf("the error is %s", failed.Body)
			}
		},
		"a provider that is away is Unreachable, at either step": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) {
				s.home.Issuer = "http://127.0.0.1:1"
				s.away.Issuer, s.away.TokenURL = "", "http://127.0.0.1:1/token"
				s.away.AuthURL = "http://127.0.0.1:1/authorize"
			}))
			b.send(http.MethodGet, "/auth/home/login", nil).unsigned(t, 502, client.Unreachable)
			state := b.begin("away", "").Query().Get("state")
			b.send(http.MethodGet, "/auth/away/callback?code=x&state="+state, nil).unsigned(t, 502, client.Unreachable)
		},
		"a profile that cannot be had is no sign-in": func(t *testing.T, a Adapter) {
			b := newTabs(newLoginWorld(t, a, func(s *loginSetup) { s.home.ProfileURL = s.BaseURL + "/nothing" }))
			b.open(b.callback("home")).unsigned(t, 502, client.Provider)
		},
	}
}
