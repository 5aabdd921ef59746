package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// old is a client from before OAuth 2.1: it asks for passwords, and takes tokens from its address bar.
func old() party {
	return party{"old", "old-secret-0123456789", "client_secret_basic", callback}
}

// passwordWorld is a world in which alice's password is "päss word", and the directory fails for "broken".
func passwordWorld(t *testing.T, a Adapter, change func(s *setup)) *world {
	t.Helper()
	verify := func(_ context.Context, c server.Client, name, password string) (server.User, error) {
		switch {
		case name == "broken":
			return server.User{}, errors.New("the directory is out")
		case name == "nobody":
			return server.User{}, nil
		case name == c.ID:
			return server.User{Subject: c.ID}, nil
		case name != "alice" || password != "päss word":
			return server.User{}, mandate.AccessDenied
		}
		return server.User{Subject: "alice"}, nil
	}
	return newWorld(t, a, func(s *setup) {
		s.GrantTypes = []server.GrantType{server.AuthorizationCode(), server.RefreshToken(), server.ClientCredentials(), server.InsecurePassword(verify)}
		s.Clients = append(s.Clients, old().client("password", "refresh_token"), party{"short", old().secret, "client_secret_basic", ""}.client("password"), party{"open", "", "none", ""}.client("password"))
		if change != nil {
			change(s)
		}
	})
}

// typed is the request of a client that asked for name and password.
func typed(name, password string, changes ...string) url.Values {
	return with(url.Values{"grant_type": {"password"}, "username": {name}, "password": {password}, "scope": {"read"}}, changes...)
}

// passwords are the cases of RFC 6749, section 4.3.
func passwords() cases {
	return cases{
		"the right password gives tokens, that refresh where the client may": func(t *testing.T, a Adapter) {
			w := passwordWorld(t, a, nil)
			got := w.token(old(), typed("alice", "päss word", "scope", "read write")).tokens(t)
			if got.Scope != "read write" || got.Refresh == "" || got.ExpiresIn != time.Hour {
				t.Errorf("got %+v", got)
			}
			if m := w.alive(got.Access); m.text(t, "sub") != "alice" || m.text(t, "client") != "old" {
				t.Errorf("the API sees %s", m.Body)
			}
			w.refresh(old(), w.refresh(old(), got.Refresh).Refresh)
			for _, p := range []party{{"short", old().secret, "client_secret_basic", ""}, {"open", "", "none", ""}} {
				if one := w.token(p, typed("alice", "päss word")).tokens(t); one.Refresh != "" {
					t.Errorf("%s got a refresh token", p.id)
				}
			}
			narrow := w.token(old(), typed("alice", "päss word", "resource", "https://one.example.com")).tokens(t)
			again := w.refresh(old(), narrow.Refresh)
			if aud := fmt.Sprint(words(w.introspect(old(), again.Access).json(t)["aud"])); aud != "[https://one.example.com]" {
				t.Errorf("aud after a refresh = %s", aud)
			}
		},
		"a wrong password and a name that nobody has are one answer": func(t *testing.T, a Adapter) {
			w := passwordWorld(t, a, nil)
			wrong, unknown := w.token(old(), typed("alice", "wrong")), w.token(old(), typed("mallory", "päss word"))
			wrong.refused(t, 400, "invalid_grant")
			wrong.fields(t, "WWW-Authenticate", "")
			if wrong.Body != unknown.Body || wrong.Status != unknown.Status || strings.Contains(wrong.Body, "alice") {
				t.Errorf("answers = %s, %s", wrong.Body, unknown.Body)
			}
		},
		"what is missing, repeated, too long or no text is refused before anybody looks": func(t *testing.T, a Adapter) {
			w := passwordWorld(t, a, nil)
			for _, form := range []url.Values{
				typed("", "päss word"), typed("alice", ""), typed("alice", strings.Repeat("x", 1025)), typed(strings.Repeat("x", 60<<10), "x"),
				typed("alice\x00", "x"), typed("alice", "\xff"), typed("alice\r\n", "x"),
				{"grant_type": {"password"}, "username": {"alice", "alice"}, "password": {"x"}},
				{"grant_type": {"password"}, "username": {"alice"}, "password": {"x", "x"}},
			} {
				w.token(old(), form).refused(t, 400, "invalid_request")
			}
			w.token(old(), typed("alice", "päss word", "scope", "unknown")).refused(t, 400, "invalid_scope")
			w.token(old(), typed("alice", "päss word", "resource", "https://unknown.example.com")).refused(t, 400, "invalid_target")
			w.token(old(), typed("alice", strings.Repeat("x", 1024))).refused(t, 400, "invalid_grant")
			w.token(old(), typed("broken", "x")).refused(t, 500, "server_error")
			w.token(old(), typed("nobody", "x")).refused(t, 400, "invalid_grant")
			w.token(old(), typed("old", "x")).refused(t, 500, "server_error")
		},
		"only clients that are registered for it, on servers that offer it": func(t *testing.T, a Adapter) {
			w := passwordWorld(t, a, nil)
			w.token(web(), typed("alice", "päss word")).refused(t, 400, "unauthorized_client")
			w.token(party{"old", "wrong", "client_secret_basic", ""}, typed("alice", "päss word")).refused(t, 401, "invalid_client")
			if m := w.get(t, "/.well-known/oauth-authorization-server").Body; !strings.Contains(m, `"password"`) {
				t.Errorf("metadata = %s", m)
			}
			newWorld(t, a, nil).token(web(), typed("alice", "päss word")).refused(t, 400, "unsupported_grant_type")
		},
		"who guesses waits": func(t *testing.T, a Adapter) {
			w := passwordWorld(t, a, nil)
			for range 5 {
				w.token(old(), typed("alice", "wrong")).refused(t, 400, "invalid_grant")
			}
			w.token(old(), typed("alice", "päss word")).refused(t, 429, "temporarily_unavailable")
			w.token(old(), typed("mallory", "wrong")).refused(t, 400, "invalid_grant")
			w.clock.Pass(time.Second)
			w.token(old(), typed("alice", "päss word")).tokens(t)
		},
		"neither hooks nor a log see a password": func(t *testing.T, a Adapter) {
			var out bytes.Buffer
			log := slog.New(slog.NewJSONHandler(&out, nil))
			w := passwordWorld(t, a, func(s *setup) {
				s.Hooks = mandate.Hooks{
					On: func(ctx context.Context, e mandate.Event) {
						log.InfoContext(ctx, "event", "event", e, "err", e.Err) //nolint:forbidigo // as an application may
					},
					After: func(ctx context.Context, endpoint string, status int, err error) {
						log.InfoContext(ctx, "after", "endpoint", endpoint, "status", status, "err", err) //nolint:forbidigo // as an application may
					},
				}
			})
			for _, form := range []url.Values{typed("alice", "canary-1"), typed("broken", "canary-2"), typed("alice", "canary-3\x00"), typed("alice", "canary-4", "scope", "unknown")} {
				w.token(old(), form)
			}
			if text := out.String(); strings.Contains(text, "canary") || !strings.Contains(text, "request.refused") {
				t.Errorf("the log has %s", text)
			}
		},
	}
}

// implicitWorld is a world in which "old" may take tokens from the authorization endpoint.
func implicitWorld(t *testing.T, a Adapter, change func(s *setup)) *world {
	t.Helper()
	return newWorld(t, a, func(s *setup) {
		s.InsecureImplicit = true
		s.Extensions = []server.Extension{{Name: "none", Responses: []server.ResponseType{server.NoneResponse()}}}
		c := old().client("authorization_code", "refresh_token", "implicit")
		c.Metadata.ResponseTypes = []string{"code", "token", "code token", "none", "code none"}
		jwt := party{"old-jwt", "", "none", callback}.client("implicit")
		jwt.Metadata.ResponseTypes, jwt.Policy.TokenFormat = []string{"token"}, "jwt"
		half := party{"half", "", "none", callback}.client("authorization_code")
		half.Metadata.ResponseTypes = []string{"code", "token"}
		s.Clients = append(s.Clients, c, jwt, half)
		if change != nil {
			change(s)
		}
	})
}

// implicits are the cases of RFC 6749, section 4.2, and of the response type none.
func implicits() cases {
	ask := func(p party, types string, changes ...string) url.Values {
		return with(p.request(), append([]string{"response_type", types, "code_challenge", "", "code_challenge_method", ""}, changes...)...)
	}
	// inFragment checks that a redirect says nothing in its query.
	inFragment := func(t *testing.T, ans *answer) url.Values {
		t.Helper()
		to, q := ans.params(t)
		if location := ans.Header.Get("Location"); to != callback || !strings.HasPrefix(location, callback+"#") {
			t.Errorf("Location = %q", location)
		}
		ans.fields(t, "Cache-Control", "no-store", "Referrer-Policy", "no-referrer")
		return q
	}
	oldJWT := party{"old-jwt", "", "none", callback}
	return cases{
		"a token comes in the fragment, without a code and without a refresh token": func(t *testing.T, a Adapter) {
			for _, p := range []party{old(), oldJWT} {
				w := implicitWorld(t, a, nil)
				q := inFragment(t, w.authorize(ask(p, "token", "scope", "read write")))
				ends := map[string]string{"old": "3600", "old-jwt": "600"}[p.id]
				if q.Get("token_type") != "Bearer" || q.Get("expires_in") != ends || q.Get("scope") != "read write" || q.Get("state") != "xyz" || q.Get("iss") != w.issuer || len(q) != 6 {
					t.Errorf("%s: answer = %v", p.id, q)
				}
				if m := w.alive(q.Get("access_token")); m.text(t, "sub") != "alice" || m.text(t, "client") != p.id {
					t.Errorf("the API sees %s", m.Body)
				}
				w.clock.Pass(time.Hour)
				w.get(t, "/api", "Authorization", "Bearer "+q.Get("access_token")).refused(t, 401, "invalid_token")
			}
		},
		"it lives as long as it is configured to, and ends with its grant": func(t *testing.T, a Adapter) {
			w := implicitWorld(t, a, func(s *setup) { s.Lifetimes = map[string]time.Duration{"implicit": 5 * time.Hour} })
			q := inFragment(t, w.authorize(ask(old(), "token")))
			if q.Get("expires_in") != "18000" {
				t.Errorf("expires_in = %s, want 18000", q.Get("expires_in"))
			}
			w.clock.Pass(5*time.Hour - time.Second)
			w.alive(q.Get("access_token"))
			if list, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.BySubject); err != nil || len(list) != 1 {
				t.Errorf("revoked %v: %v", list, err)
			}
			w.dead(old(), q.Get("access_token"), "")
		},
		"errors come in the fragment, too": func(t *testing.T, a Adapter) {
			w := implicitWorld(t, a, nil)
			for code, changes := range map[string][]string{
				"invalid_scope": {"scope", "unknown"}, "invalid_target": {"resource", "https://unknown.example.com"}, "invalid_request": {"response_mode", "query"},
			} {
				if q := inFragment(t, w.authorize(ask(old(), "token", changes...))); q.Get("error") != code || q.Get("state") != "xyz" || q.Has("access_token") {
					t.Errorf("answer = %v, want %s", q, code)
				}
			}
			denying := implicitWorld(t, a, func(s *setup) {
				s.Decide = func(Ctx, *server.Ask) (server.Answer, error) { return server.Deny(), nil }
			})
			if q := inFragment(t, denying.authorize(ask(old(), "token"))); q.Get("error") != "access_denied" {
				t.Errorf("answer = %v", q)
			}
		},
		"a form can carry it": func(t *testing.T, a Adapter) {
			w := implicitWorld(t, a, nil)
			to, q := w.authorize(ask(old(), "token", "response_mode", "form_post")).posted(t)
			if to != callback || q.Has("code") {
				t.Errorf("form to %s with %v", to, q)
			}
			w.alive(q.Get("access_token"))
		},
		"a code beside it has the same grant, and its replay ends both": func(t *testing.T, a Adapter) {
			w := implicitWorld(t, a, nil)
			if q := inFragment(t, w.authorize(ask(old(), "code token"))); q.Get("error") != "invalid_request" {
				t.Errorf("a code without PKCE: %v", q)
			}
			q := inFragment(t, w.authorize(with(old().request(), "response_type", "token code")))
			got := w.token(old(), old().exchange(q.Get("code"))).tokens(t)
			front := w.alive(q.Get("access_token")).text(t, "grant")
			if back := w.alive(got.Access).text(t, "grant"); back != front || front == "" {
				t.Errorf("grants %q and %q", front, back)
			}
			w.token(old(), old().exchange(q.Get("code"))).refused(t, 400, "invalid_grant")
			w.dead(old(), q.Get("access_token"), "")
			w.dead(old(), got.Access, got.Refresh)
		},
		"only clients that are registered for both, on servers that offer it": func(t *testing.T, a Adapter) {
			w := implicitWorld(t, a, nil)
			for _, p := range []party{web(), {"half", "", "none", callback}} {
				if q := inFragment(t, w.authorize(ask(p, "token"))); q.Get("error") != "unauthorized_client" {
					t.Errorf("%s: %v", p.id, q)
				}
			}
			w.token(old(), url.Values{"grant_type": {"implicit"}}).refused(t, 400, "unsupported_grant_type")
			m := w.get(t, "/.well-known/oauth-authorization-server").json(t)
			if fmt.Sprint(m["response_types_supported"]) != "[code none token code token]" || !strings.Contains(fmt.Sprint(m["grant_types_supported"]), "implicit") {
				t.Errorf("metadata = %v", m)
			}
			off := newWorld(t, a, nil)
			toldAs(t, off, off.authorize(ask(web(), "token")), "unsupported_response_type", true)
			off.authorize(ask(web(), "token", "redirect_uri", "https://evil.example.com/cb")).status(t, 400)
			err := off.srv.CheckClient(party{"x", "", "none", callback}.client("implicit"))
			if err == nil || !strings.Contains(err.Error(), "InsecureImplicit") {
				t.Errorf("CheckClient = %v, want the way out", err)
			}
			c := party{"x", "", "none", callback}.client("authorization_code")
			c.Metadata.ResponseTypes = []string{"code token"}
			if err := off.srv.CheckClient(c); err == nil || !strings.Contains(err.Error(), "InsecureImplicit") {
				t.Errorf("CheckClient = %v, want the way out", err)
			}
		},
		"a decision that is sent twice is one grant": func(t *testing.T, a Adapter) {
			w := implicitWorld(t, a, func(s *setup) { builtInPages(s) })
			b := newBrowser(w)
			consent := b.open("/authorize?"+ask(old(), "token").Encode()).form().submit("username", "alice", "password", "password of alice", "action", "login").form()
			var grants []string
			for range 2 {
				ans := consent.submit("action", "allow").answer
				grants = append(grants, w.alive(inFragment(t, ans).Get("access_token")).text(t, "grant"))
			}
			if grants[0] != grants[1] {
				t.Errorf("grants %q", grants)
			}
		},
		"none asks the user and gives nothing": func(t *testing.T, a Adapter) {
			w := implicitWorld(t, a, nil)
			ans := w.authorize(ask(old(), "none"))
			to, q := ans.params(t)
			if to != callback || q.Get("state") != "xyz" || q.Get("iss") != w.issuer || len(q) != 2 || !strings.HasPrefix(ans.Header.Get("Location"), callback+"?") {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
			toldAs(t, w, w.authorize(ask(old(), "none", "scope", "unknown")), "invalid_scope", true)
			toldAs(t, w, w.authorize(with(old().request(), "response_type", "code none")), "unsupported_response_type", true)
			toldAs(t, w, w.authorize(ask(web(), "none")), "unauthorized_client", true)
		},
	}
}
