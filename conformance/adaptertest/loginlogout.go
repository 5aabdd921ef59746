package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/oidc"
)

// leaving ends the application's session, which is the cookie, and says which the provider's is.
func leaving(c Ctx) client.Logout {
	l := client.Logout{IDToken: c.Cookie("id-token"), ReturnTo: "/bye", Data: "was " + c.Cookie("signed-in")}
	c.SetCookie("signed-in", "")
	return l
}

// left answers who came back from a logout.
func left(c Ctx, out *client.LoggedOut) error {
	return c.JSON(200, map[string]string{"app": out.App, "return_to": out.ReturnTo, "data": out.Data})
}

func newLogoutWorld(t *testing.T, a Adapter, change func(s *openIDSetup)) *openIDWorld {
	t.Helper()
	return newOpenIDWorld(t, a, func(s *openIDSetup) {
		s.LoginConfig = LoginConfig{Logout: leaving, LoggedOut: left}
		if change != nil {
			change(s)
		}
	})
}

// leave posts the logout and returns where it leads to.
func (w *openIDWorld) leave(fields ...string) *url.URL {
	w.t.Helper()
	a := w.send(http.MethodPost, "/auth/home/logout", url.Values{}, fields...).status(w.t, 303)
	a.fields(w.t, "Cache-Control", "no-store")
	return location(w.t, a)
}

// end is the provider's end of sessions: it sends the browser back.
func (p *idp) end(at *url.URL) *url.URL {
	p.t.Helper()
	q := at.Query()
	back, err := url.Parse(q.Get("post_logout_redirect_uri"))
	if err != nil || !strings.HasPrefix(at.String(), p.issuer+"/logout?") || q.Get("client_id") != "shop" {
		p.t.Fatalf("this is no logout request: %s", at)
	}
	back.RawQuery = url.Values{"state": {q.Get("state")}}.Encode()
	return back
}

func logouts() cases {
	return cases{
		"a logout ends both sessions and comes back": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, nil)
			id := w.open(w.come(w.tabs)).signed(t, "home").text(t, "id_token")
			w.cookies["id-token"] = id
			at := w.leave()
			if q := at.Query(); q.Get("id_token_hint") != id || q.Get("post_logout_redirect_uri") != w.l.shop.url+"/auth/home/logged-out" || len(q.Get("state")) < 22 {
				t.Errorf("the request is %s", at)
			}
			if w.cookies["signed-in"] != "" || len(w.flows()) != 1 {
				t.Errorf("cookies: %v", w.cookies)
			}
			done := w.open(w.op.end(at)).status(t, 200)
			done.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
			if done.text(t, "app") != "home" || done.text(t, "return_to") != "/bye" || done.text(t, "data") != "was alice" || len(w.flows()) != 0 {
				t.Errorf("logged out: %s, cookies %v", done.Body, w.flows())
			}
		},
		"without a function for it the browser goes on": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, func(s *openIDSetup) { s.LoggedOut = nil })
			w.open(w.op.end(w.leave())).status(t, 303).fields(t, "Location", "/bye", "Cache-Control", "no-store")
		},
		"a provider that cannot end sessions is left out": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, func(s *openIDSetup) {
				s.op.metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
			})
			if at := w.leave(); at.String() != "/bye" || len(w.flows()) != 0 {
				t.Errorf("the browser goes to %s with %v", at, w.flows())
			}
		},
		"a logout leads to no other site": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, func(s *openIDSetup) {
				s.LoggedOut = nil
				s.Logout = func(Ctx) client.Logout { return client.Logout{ReturnTo: "//evil.example.com"} }
			})
			w.open(w.op.end(w.leave())).status(t, 303).fields(t, "Location", "/")
		},
		"state: a return that is forged is none": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, nil)
			at := w.leave()
			back := w.op.end(at)
			for _, state := range []string{"", "x", at.Query().Get("state") + "A", strings.Repeat("A", len(at.Query().Get("state")))} {
				w.open(changed(back, "state", state)).refused(t, 400, "state_missing")
			}
			w.another().open(back).refused(t, 400, "state_missing")
			w.open(back).status(t, 200)
			w.open(back).refused(t, 400, "state_missing")
		},
		"state: a login's is none of a logout, nor the other way round": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, nil)
			in, out := w.come(w.tabs), w.op.end(w.leave())
			w.open(&url.URL{Scheme: out.Scheme, Host: out.Host, Path: out.Path, RawQuery: in.RawQuery}).refused(t, 400, "state_missing")
			w.open(changed(in, "state", out.Query().Get("state"))).unsigned(t, 400, client.StateMissing)
			w.open(out).status(t, 200)
			w.open(in).signed(t, "home")
		},
		"state: one app's is none of another": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, nil)
			out := w.op.end(w.leave())
			out.Path = "/auth/away/logged-out"
			w.open(out).refused(t, 502, "mismatch")
		},
		"CSRF: other sites log nobody out": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, nil)
			w.cookies["signed-in"] = "alice"
			for _, fields := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example.com"}, {"Origin", "null"}} {
				w.send(http.MethodPost, "/auth/home/logout", url.Values{}, fields...).refused(t, 400, "malformed")
			}
			w.send(http.MethodGet, "/auth/home/logout", nil).status(t, 405).fields(t, "Allow", "POST")
			if w.cookies["signed-in"] != "alice" {
				t.Error("alice was logged out")
			}
			w.leave("Sec-Fetch-Site", "same-origin", "Origin", "null") // of a page without a Referrer
			w.leave("Origin", w.l.shop.url)
		},
		"routes made by hand do the same": func(t *testing.T, a Adapter) {
			w := newLogoutWorld(t, a, func(s *openIDSetup) {
				s.home.LogoutCallback = "/hand/left"
				c := s.LoginConfig
				s.routes = func(w *openIDWorld) {
					app, home := w.l.shop.app, w.l.reg.App("home")
					app.Handle(http.MethodPost, "/hand/leave", app.Logout(home, c))
					app.Handle(http.MethodGet, "/hand/left", app.LoggedOut(home, c))
				}
			})
			at := location(t, w.send(http.MethodPost, "/hand/leave", url.Values{}).status(t, 303))
			if got := at.Query().Get("post_logout_redirect_uri"); got != w.l.shop.url+"/hand/left" {
				t.Errorf("the request is %s", at)
			}
			w.open(w.op.end(at)).status(t, 200)
		},
		"a logout that nobody asked for has no route": func(t *testing.T, a Adapter) {
			w := newOpenIDWorld(t, a, nil)
			for _, path := range []string{"/auth/home/logout", "/auth/home/backchannel-logout"} {
				w.send(http.MethodPost, path, url.Values{}).status(t, 404)
			}
		},
	}
}

// heard is an application that hears of logouts.
type heard struct {
	mu   sync.Mutex
	all  []client.LogoutNotice
	fail atomic.Bool
}

func (h *heard) hear(_ context.Context, out *client.LogoutNotice) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail.Load() {
		return errors.New("the sessions are away")
	}
	h.all = append(h.all, *out)
	return nil
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

func newHearingWorld(t *testing.T, a Adapter, change func(s *openIDSetup)) (*openIDWorld, *heard) {
	t.Helper()
	h := new(heard)
	return newOpenIDWorld(t, a, func(s *openIDSetup) {
		s.BackChannelLogout, s.Replay = h.hear, a.NewStore(t)
		if change != nil {
			change(s)
		}
	}), h
}

// tell posts a logout token, as the provider does.
func (w *openIDWorld) tell(raw string) *answer {
	w.t.Helper()
	return w.another().send(http.MethodPost, "/auth/home/backchannel-logout", url.Values{"logout_token": {raw}})
}

func backChannelLogouts() cases {
	list := cases{
		"a logout token ends the session": func(t *testing.T, a Adapter) {
			w, h := newHearingWorld(t, a, nil)
			done := w.tell(w.logoutToken(oidc.LogoutType, nil)).status(t, 200)
			done.fields(t, "Cache-Control", "no-store")
			want := client.LogoutNotice{App: "home", Issuer: w.op.issuer, Subject: "alice", SessionID: "session-1"}
			if done.Body != "" || h.count() != 1 || h.all[0] != want {
				t.Errorf("answered %q, heard %+v", done.Body, h.all)
			}
			w.tell(w.logoutToken("LOGOUT+JWT", map[string]any{"sid": nil})).status(t, 200)
			w.tell(w.logoutToken("application/logout+jwt", map[string]any{"sub": nil, "exp": nil})).status(t, 200)
			if h.count() != 3 {
				t.Errorf("heard %+v", h.all)
			}
		},
		"a logout token counts once": func(t *testing.T, a Adapter) {
			w, h := newHearingWorld(t, a, nil)
			raw := w.logoutToken(oidc.LogoutType, nil)
			w.tell(raw).status(t, 200)
			w.tell(raw).refused(t, 400, "invalid_request")
			raw = w.logoutToken(oidc.LogoutType, nil)
			var all sync.WaitGroup
			var good atomic.Int32
			for range 16 {
				all.Go(func() {
					if w.tell(raw).Status == 200 {
						good.Add(1)
					}
				})
			}
			all.Wait()
			if good.Load() != 1 || h.count() != 2 {
				t.Errorf("%d of 16 were taken, %d heard", good.Load(), h.count())
			}
		},
		"a logout that could not be done is an error to the provider": func(t *testing.T, a Adapter) {
			w, h := newHearingWorld(t, a, nil)
			h.fail.Store(true)
			w.tell(w.logoutToken(oidc.LogoutType, nil)).refused(t, 400, "server_error")
			w2, h2 := newHearingWorld(t, a, func(s *openIDSetup) { s.op.down["jwks"] = true })
			w2.tell(w2.logoutToken(oidc.LogoutType, nil)).refused(t, 400, "temporarily_unavailable")
			if h2.count() != 0 {
				t.Error("heard what nobody verified")
			}
		},
		"a request without a token, with two or not a form is refused": func(t *testing.T, a Adapter) {
			w, h := newHearingWorld(t, a, nil)
			raw := w.logoutToken(oidc.LogoutType, nil)
			const path = "/auth/home/backchannel-logout"
			w.send(http.MethodPost, path, url.Values{}).refused(t, 400, "invalid_request")
			w.send(http.MethodPost, path, url.Values{"logout_token": {raw, raw}}).refused(t, 400, "invalid_request")
			w.l.shop.do(t, http.MethodPost, path, `{"logout_token":"`+raw+`"}`, "Content-Type", "application/json").refused(t, 400, "invalid_request")
			w.send(http.MethodPost, path+"?logout_token="+raw, url.Values{}).refused(t, 400, "invalid_request")
			w.send(http.MethodGet, path+"?logout_token="+raw, nil).status(t, 405).fields(t, "Allow", "POST")
			if h.count() != 0 {
				t.Errorf("heard %+v", h.all)
			}
		},
		"a route made by hand does the same": func(t *testing.T, a Adapter) {
			w, h := newHearingWorld(t, a, func(s *openIDSetup) {
				s.routes = func(w *openIDWorld) {
					w.l.shop.app.Handle(http.MethodPost, "/hand/ended", w.l.shop.app.BackChannelLogout(w.l.reg.App("home")))
				}
			})
			w.send(http.MethodPost, "/hand/ended", url.Values{"logout_token": {w.logoutToken(oidc.LogoutType, nil)}}).status(t, 200)
			if h.count() != 1 {
				t.Errorf("heard %+v", h.all)
			}
		},
		"an issuer that does not type its tokens is taken where that is said": func(t *testing.T, a Adapter) {
			w, h := newHearingWorld(t, a, func(s *openIDSetup) { s.home.AnyLogoutType = true })
			w.tell(w.logoutToken("JWT", nil)).status(t, 200)
			w.tell(w.logoutToken("", nil)).status(t, 200)
			w.tell(w.logoutToken("at+jwt", nil)).refused(t, 400, "invalid_request")
			if h.count() != 2 {
				t.Errorf("heard %+v", h.all)
			}
		},
	}
	for sentence, change := range map[string]map[string]any{
		"a logout token with a nonce is refused":                  {"nonce": "n"},
		"a logout token without events is refused":                {"events": nil},
		"a logout token with another event is refused":            {"events": map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}},
		"a logout token whose event is no object is refused":      {"events": map[string]any{oidc.LogoutEvent: true}},
		"a logout token whose events are a list is refused":       {"events": []string{oidc.LogoutEvent}},
		"a logout token of another issuer is refused":             {"iss": "https://other.example.com"},
		"a logout token for another client is refused":            {"aud": "bank"},
		"a logout token about nobody is refused":                  {"sub": nil, "sid": nil},
		"a logout token without an ID is refused":                 {"jti": nil},
		"a logout token without a time is refused":                {"iat": nil},
		"a logout token of an hour ago is refused":                {"iat": NewClock().Now().Add(-time.Hour).Unix()},
		"a logout token that has run out is refused":              {"exp": NewClock().Now().Add(-2 * time.Minute).Unix()},
		"a logout token of the future is refused":                 {"iat": NewClock().Now().Add(2 * time.Minute).Unix()},
		"a logout token whose subject is no string is refused":    {"sub": 7},
		"a logout token with a null nonce is refused as well":     {"nonce": []any{}},
		"a logout token that is good in the future is refused":    {"nbf": NewClock().Now().Add(2 * time.Minute).Unix()},
		"a logout token with a session of 1 KiB is refused":       {"sid": strings.Repeat("s", 1024)},
		"a logout token with an ID of 1 KiB is refused":           {"jti": strings.Repeat("j", 1024)},
		"a logout token for several clients, none us, is refused": {"aud": []string{"bank", "mail"}},
	} {
		list[sentence] = func(t *testing.T, a Adapter) {
			w, h := newHearingWorld(t, a, nil)
			w.tell(w.logoutToken(oidc.LogoutType, change)).refused(t, 400, "invalid_request")
			if h.count() != 0 {
				t.Errorf("heard %+v", h.all)
			}
		}
	}
	list["an ID token is no logout token, nor one of another type or none"] = func(t *testing.T, a Adapter) {
		w, h := newHearingWorld(t, a, nil)
		for _, typ := range []string{"", "JWT", "at+jwt", "logout", "secevent+jwt"} {
			w.tell(w.logoutToken(typ, nil)).refused(t, 400, "invalid_request")
		}
		w.tell(w.open(w.come(w.tabs)).signed(t, "home").text(t, "id_token")).refused(t, 400, "invalid_request")
		header := map[string]any{"alg": "none", "typ": oidc.LogoutType}
		w.tell(rawJWT(header, map[string]any{"sub": "alice"}, nil)).refused(t, 400, "invalid_request")
		if h.count() != 0 {
			t.Errorf("heard %+v", h.all)
		}
	}
	return list
}
