package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// machine is the ordinary request of a client that acts for itself.
func machine() url.Values { return url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}} }

// lives are the cases of how long access tokens live.
func lives() cases {
	endless := func(t *testing.T, a Adapter) *world {
		t.Helper()
		return newWorld(t, a, func(s *setup) { s.TokenTTL = server.InsecureNoEnd })
	}
	return cases{
		"a grant type has a life of its own, and a client's counts before it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Lifetimes = map[string]time.Duration{"client_credentials": 5 * time.Minute, "authorization_code": 2 * time.Hour}
				s.Clients[1].Policy.TokenTTL = 7 * time.Minute
			})
			for _, tc := range []struct {
				p    party
				form url.Values
				want time.Duration
			}{
				{web(), machine(), 5 * time.Minute},
				{jwtWeb(), machine(), 5 * time.Minute},
				{post(), machine(), 7 * time.Minute},
				{web(), web().exchange(w.code(web())), 2 * time.Hour},
				{post(), post().exchange(w.code(post())), 7 * time.Minute},
				{web(), refreshing(w.login(web()).Refresh), time.Hour},
				{jwtWeb(), refreshing(w.login(jwtWeb()).Refresh), 10 * time.Minute},
			} {
				got := w.token(tc.p, tc.form).tokens(t)
				if got.ExpiresIn != tc.want {
					t.Errorf("%s with %v: expires_in = %v, want %v", tc.p.id, tc.form["grant_type"], got.ExpiresIn, tc.want)
				}
				if m := w.introspect(tc.p, got.Access).json(t); m["exp"] != float64(w.clock.Now().Add(tc.want).Unix()) {
					t.Errorf("%s: exp = %v", tc.p.id, m["exp"])
				}
			}
		},
		"it ends when the answer said": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Lifetimes = map[string]time.Duration{"client_credentials": 5 * time.Minute} })
			for _, p := range []party{web(), jwtWeb()} {
				got := w.token(p, machine()).tokens(t)
				w.clock.Pass(5*time.Minute - time.Second)
				w.alive(got.Access)
				w.clock.Pass(time.Second)
				w.dead(p, got.Access, "")
			}
		},
		"a function of the request says how long, and counts before client and grant type": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Clients[0].Policy.TokenTTL = time.Minute
				s.Lifetime = func(_ context.Context, p server.TokenPlan) (time.Duration, error) {
					switch {
					case p.Param("kiosk") == "yes" && p.GrantType == "authorization_code" && p.Grant.Subject == "alice" && p.Client.ID == "web" && p.Scopes == "read" && p.Format == server.Opaque:
						return 30 * time.Second, nil
					case p.Format == server.JWT && p.GrantType == "client_credentials" && p.Grant.Subject == "":
						return 100 * time.Hour, nil
					}
					return 0, nil
				}
			})
			for _, tc := range []struct {
				p    party
				form url.Values
				want time.Duration
			}{
				{web(), with(web().exchange(w.code(web())), "kiosk", "yes"), 30 * time.Second},
				{web(), web().exchange(w.code(web())), time.Minute},
				{jwtWeb(), machine(), 24 * time.Hour},
				{post(), machine(), time.Hour},
			} {
				if got := w.token(tc.p, tc.form).tokens(t); got.ExpiresIn != tc.want {
					t.Errorf("%s: expires_in = %v, want %v", tc.p.id, got.ExpiresIn, tc.want)
				}
			}
		},
		"a function that refuses, fails or says nonsense has spent nothing": func(t *testing.T, a Adapter) {
			for name, tc := range map[string]struct {
				ttl    time.Duration
				err    error
				status int
				code   string
			}{
				"refuses":  {0, mandate.Errorf(mandate.InvalidScope, nil, "not at this hour"), 400, "invalid_scope"},
				"fails":    {0, errors.New("database is away"), 500, "server_error"},
				"nonsense": {-time.Second, nil, 500, "server_error"},
			} {
				var over bool
				w := newWorld(t, a, func(s *setup) {
					s.Lifetime = func(context.Context, server.TokenPlan) (time.Duration, error) {
						if over {
							return 0, nil
						}
						return tc.ttl, tc.err
					}
				})
				code := w.code(web())
				ans := w.token(web(), web().exchange(code))
				if ans.refused(t, tc.status, tc.code); strings.Contains(ans.Body, "database") {
					t.Errorf("%s: body = %s", name, ans.Body)
				}
				over = true
				w.token(web(), web().exchange(code)).tokens(t)
			}
		},
		"without an end: no expires_in, no exp, and alive for good": func(t *testing.T, a Adapter) {
			w := endless(t, a)
			for _, form := range []func() url.Values{machine, func() url.Values { return web().exchange(w.code(web())) }} {
				ans := w.token(web(), form()).status(t, 200)
				if _, ok := ans.json(t)["expires_in"]; ok {
					t.Errorf("answer = %s, want no expires_in", ans.Body)
				}
				access := ans.text(t, "access_token")
				w.clock.Pass(10 * 365 * 24 * time.Hour)
				w.alive(access)
				m := w.introspect(web(), access).json(t)
				if _, ok := m["exp"]; ok || m["active"] != true {
					t.Errorf("introspection = %v, want no exp", m)
				}
				if refresh := ans.text(t, "refresh_token"); refresh != "" { // refreshing has its end all the same
					w.token(web(), refreshing(refresh)).refused(t, 400, "invalid_grant")
				}
			}
		},
		"without an end: revoked is revoked": func(t *testing.T, a Adapter) {
			w := endless(t, a)
			for name, end := range map[string]func(got tokens){
				"by itself":           func(got tokens) { w.revoke(web(), got.Access).status(t, 200) },
				"by the refresh one":  func(got tokens) { w.revoke(web(), got.Refresh).status(t, 200) },
				"by an administrator": func(got tokens) { _, _ = w.srv.RevokeToken(t.Context(), got.Access) },
				"with the user's grants": func(tokens) {
					_, _ = w.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "alice"}, store.ByAdmin)
				},
			} {
				got := w.login(web())
				w.alive(got.Access)
				end(got)
				for range 2 {
					if ans := w.get(t, "/api", "Authorization", "Bearer "+got.Access); ans.Status != 401 {
						t.Errorf("%s: status = %d, want 401", name, ans.Status)
					}
					if ans := w.introspect(web(), got.Access); ans.Body != notActive {
						t.Errorf("%s: introspection = %s", name, ans.Body)
					}
					w.clock.Pass(10 * 365 * 24 * time.Hour)
				}
			}
		},
		"without an end: a JWT has one": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.Lifetimes = map[string]time.Duration{"client_credentials": server.InsecureNoEnd}
			})
			if got := w.token(jwtWeb(), machine()).tokens(t); got.ExpiresIn != 10*time.Minute || part(t, got.Access, 1)["exp"] == nil {
				t.Errorf("expires_in = %v", got.ExpiresIn)
			}
			if ans := w.token(web(), machine()).status(t, 200); strings.Contains(ans.Body, "expires_in") {
				t.Errorf("answer = %s", ans.Body)
			}
		},
		"a refresh keeps a token without an end alive": func(t *testing.T, a Adapter) {
			w := endless(t, a)
			first := w.login(web())
			second := w.refresh(web(), first.Refresh)
			w.clock.Pass(2 * 365 * 24 * time.Hour)
			w.alive(first.Access)
			w.alive(second.Access)
		},
	}
}

// looks are the cases of what tokens look like.
func looks() cases {
	return cases{
		"a prefix of the application's own": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.TokenPrefixes = []string{"acme2"} })
			code := w.code(web())
			got := w.token(web(), web().exchange(code)).tokens(t)
			if !strings.HasPrefix(code, "acme2c_") || !strings.HasPrefix(got.Access, "acme2a_") || !strings.HasPrefix(got.Refresh, "acme2r_") || len(got.Access) != len("acme2a_")+43 {
				t.Errorf("code %.10s, access %.10s, refresh %.10s", code, got.Access, got.Refresh)
			}
			next := w.refresh(web(), got.Refresh)
			w.alive(next.Access)
			w.token(web(), web().exchange("mdc_"+strings.TrimPrefix(code, "acme2c_"))).refused(t, 400, "invalid_grant")
			w.token(web(), refreshing("mdr_"+strings.TrimPrefix(next.Refresh, "acme2r_"))).refused(t, 400, "invalid_grant")
			w.token(web(), refreshing("acme2r_"+strings.TrimPrefix(w.code(web()), "acme2c_"))).refused(t, 400, "invalid_grant")
			w.token(web(), web().exchange("acme2c_"+strings.TrimPrefix(next.Refresh, "acme2r_"))).refused(t, 400, "invalid_grant")
			w.revoke(web(), next.Refresh).status(t, 200)
			w.dead(web(), next.Access, next.Refresh)
		},
		"a scanner finds what leaked": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for range 20 {
				code := w.code(web())
				got := w.token(web(), web().exchange(code)).tokens(t)
				secret, _ := server.NewClientSecret()
				for text, pattern := range map[string]string{
					code: `\bmdc_[A-Za-z0-9_-]{54}`, got.Access: `\bmda_[A-Za-z0-9_-]{43}`, got.Refresh: `\bmdr_[A-Za-z0-9_-]{54}`, secret: `\bmds_[A-Za-z0-9_-]{43}`,
				} {
					if found := regexp.MustCompile(pattern).FindString(`log "` + text + `" end`); found != text {
						t.Errorf("%s finds %q in %q", pattern, found, text)
					}
				}
			}
		},
		"a generator of the application's own": func(t *testing.T, a Adapter) {
			var n int
			w := newWorld(t, a, func(s *setup) {
				s.GenerateToken = func(_ context.Context, p server.TokenPlan) (string, error) {
					n++
					return fmt.Sprintf("%s-%s-%d-qZ7bXw2KpL9vTn4RcYhG", p.Client.ID, p.Grant.Subject, n), nil
				}
			})
			got := w.login(web())
			if got.Access != "web-alice-1-qZ7bXw2KpL9vTn4RcYhG" {
				t.Errorf("access token = %q", got.Access)
			}
			if m := w.alive(got.Access).json(t); m["sub"] != "alice" {
				t.Errorf("the guard sees %v", m)
			}
			if m := w.introspect(web(), got.Access).json(t); m["active"] != true {
				t.Errorf("introspection = %v", m)
			}
			if !w.srv.Recognizes(got.Access) || w.srv.Recognizes(got.Refresh) || w.srv.Recognizes("a.b.c") {
				t.Error("a guard with several verifiers would ask the wrong one")
			}
			w.revoke(post(), got.Access).refused(t, 400, "invalid_grant")
			w.revoke(web(), got.Access).status(t, 200)
			w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
			if jwt := w.login(jwtWeb()); strings.Count(jwt.Access, ".") != 2 || n != 1 {
				t.Errorf("access token %q, %d were generated", jwt.Access, n)
			}
		},
		"what a generator gets wrong is nobody's token, and has spent nothing": func(t *testing.T, a Adapter) {
			const good = "qZ7bXw2KpL9vTn4RcYhG0123456789"
			var text string
			var fail error
			w := newWorld(t, a, func(s *setup) {
				s.GenerateToken = func(context.Context, server.TokenPlan) (string, error) { return text, fail }
			})
			code := w.code(web())
			for name, bad := range map[string]string{
				"empty": "", "short": good[:21], "few digits": "012345678901234567890123456789012345", "few hexadecimals": "0123456789abcdef0123456789abcde", "one character": strings.Repeat("A", 64),
				"a space": good + " x", "a line break": good + "\r\nX: y", "NUL": good + "\x00", "a quote": good + `"`, "no ASCII": good + "ä", "no UTF-8": good + "\xff",
				"a JWT": good + "." + good + "." + good, "a code": "mdc_" + good, "a refresh token": "mdr_" + good, "too long": strings.Repeat(good, 40), "padding within": good[:20] + "=" + good,
			} {
				text = bad
				ans := w.token(web(), web().exchange(code))
				if ans.refused(t, 500, "server_error"); strings.Contains(ans.Body, "access_token") {
					t.Errorf("%s: body = %s", name, ans.Body)
				}
			}
			text, fail = good, errors.New("HSM is away")
			w.token(web(), web().exchange(code)).refused(t, 500, "server_error")
			fail = nil
			if got := w.token(web(), web().exchange(code)).tokens(t); got.Access != good {
				t.Errorf("access token = %q", got.Access)
			}
		},
		"a generator that repeats itself gives no token to two": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.GenerateToken = func(context.Context, server.TokenPlan) (string, error) { return "qZ7bXw2KpL9vTn4RcYhG0123456789", nil }
			})
			got := w.login(web())
			code := w.code(post(), "scope", "write")
			w.token(post(), post().exchange(code)).refused(t, 500, "server_error")
			w.token(post(), machine()).refused(t, 500, "server_error")
			if m := w.alive(got.Access).json(t); m["client"] != "web" || m["scope"] != "read" {
				t.Errorf("the guard sees %v", m)
			}
		},
	}
}
