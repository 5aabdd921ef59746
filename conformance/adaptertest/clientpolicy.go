package adaptertest

import (
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// clientPolicies are the cases of what the server says of one client, where it differs from what it says of all.
func clientPolicies() cases {
	const first, second = callback, callback + "/two"
	p := party{"policy", "policy-secret-0123456789", "client_secret_basic", first}
	world := func(t *testing.T, a Adapter, change func(c *store.Client)) *world {
		t.Helper()
		return newWorld(t, a, func(s *setup) {
			s.PKCE = server.PKCEPublic
			c := p.client("authorization_code", "refresh_token")
			change(c)
			s.Clients = append(s.Clients, c)
		})
	}
	bare := []string{"code_challenge", "", "code_challenge_method", ""}
	return cases{
		"the only redirect URI need not be named, one of two must": func(t *testing.T, a Adapter) {
			for _, tc := range []struct {
				uris []string
				ok   bool
			}{{[]string{first}, true}, {[]string{first, second}, false}} {
				w := world(t, a, func(c *store.Client) { c.Metadata.RedirectURIs = tc.uris })
				ans := w.authorize(with(p.request(), "redirect_uri", ""))
				if !tc.ok {
					ans.refused(t, 400, "invalid_request")
					ans.fields(t, "Location", "")
					continue
				}
				to, q := ans.params(t)
				if to != first {
					t.Errorf("the answer went to %q, want %q", to, first)
				}
				w.token(p, with(p.exchange(q.Get("code")), "redirect_uri", "")).tokens(t)
				// What was named must be named again, and the same (RFC 6749, section 4.1.3).
				w.token(p, with(p.exchange(w.code(p)), "redirect_uri", "")).refused(t, 400, "invalid_grant")
				w.token(p, with(p.exchange(w.code(p)), "redirect_uri", second)).refused(t, 400, "invalid_grant")
			}
		},
		"a challenge that one confidential client owes": func(t *testing.T, a Adapter) {
			for _, required := range []bool{false, true} {
				w := world(t, a, func(c *store.Client) { c.Policy.PKCE = required })
				if ans := w.authorize(with(p.request(), bare...)); required {
					toldAs(t, w, ans, "invalid_request", true)
				} else if _, q := ans.params(t); q.Get("code") == "" {
					t.Errorf("Location = %q", ans.Header.Get("Location"))
				}
			}
		},
		"a refresh token that goes unused for too long": func(t *testing.T, a Adapter) {
			w := world(t, a, func(c *store.Client) { c.Policy.RefreshIdle = 2 * time.Hour })
			got := w.login(p)
			for range 3 {
				w.clock.Pass(2*time.Hour - time.Second)
				got = w.refresh(p, got.Refresh)
			}
			w.clock.Pass(2 * time.Hour)
			w.token(p, refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
		},
		"an end that no refresh moves": func(t *testing.T, a Adapter) {
			w := world(t, a, func(c *store.Client) { c.Policy.RefreshTTL = 3 * time.Hour })
			got := w.login(p)
			for range 2 {
				w.clock.Pass(time.Hour)
				got = w.refresh(p, got.Refresh)
			}
			w.clock.Pass(time.Hour)
			w.token(p, refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
		},
		"lives, format and grants of one client are not another's": func(t *testing.T, a Adapter) {
			w := world(t, a, func(c *store.Client) {
				c.Policy.TokenTTL, c.Policy.TokenFormat, c.Policy.Default = 90*time.Second, "jwt", "write"
				c.Metadata.GrantTypes = []string{"authorization_code"}
			})
			own, other := w.login(p, "scope", ""), w.login(web())
			if own.ExpiresIn != 90*time.Second || own.Refresh != "" || own.Scope != "write" || len(own.Access) < 200 {
				t.Errorf("its own tokens = %+v", own)
			}
			if other.ExpiresIn != time.Hour || other.Refresh == "" || len(other.Access) > 100 {
				t.Errorf("another's tokens = %+v", other)
			}
			w.token(p, clientOwn("read")).refused(t, 400, "unauthorized_client")
		},
	}
}
