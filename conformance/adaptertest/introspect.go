package adaptertest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

const notActive = `{"active":false}`

// resourceServer is a client that is an API.
func resourceServer(id, serves, introspect string) (party, *store.Client) {
	p := party{id, id + "-secret-0123456789", "client_secret_basic", ""}
	c := p.client("client_credentials")
	c.Policy.Serves, c.Policy.Introspect = serves, introspect
	return p, c
}

// introspection are the cases of RFC 7662: who may know what of which token.
func introspection() cases {
	// ask is a world with resource servers in it.
	ask := func(t *testing.T, a Adapter) *world {
		t.Helper()
		return newWorld(t, a, func(s *setup) {
			for _, serves := range []struct{ id, serves, all string }{
				{"api", apiName, ""}, {"api-slash", apiName + "/", ""}, {"one", "https://one.example.com", ""}, {"auditor", "", "all"},
			} {
				_, c := resourceServer(serves.id, serves.serves, serves.all)
				s.Clients = append(s.Clients, c)
			}
		})
	}
	of := func(id string) party {
		p, _ := resourceServer(id, "", "")
		return p
	}
	inactive := func(t *testing.T, ans *answer) {
		t.Helper()
		ans.status(t, 200)
		ans.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store")
		if ans.Body != notActive {
			t.Errorf("introspection = %s, want exactly %s", ans.Body, notActive)
		}
	}
	list := cases{
		"the owner learns everything of an access token": func(t *testing.T, a Adapter) {
			for name, p := range map[string]party{"opaque": web(), "jwt": jwtWeb()} {
				w := ask(t, a)
				got := w.login(p, "scope", "read write")
				ans := w.introspect(p, got.Access).status(t, 200)
				ans.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store")
				m := ans.json(t)
				now := float64(w.clock.Now().Unix())
				for member, want := range map[string]any{
					"active": true, "scope": "read write", "client_id": p.id, "token_type": "Bearer", "sub": "alice", "iss": w.issuer, "iat": now, "exp": now + got.ExpiresIn.Seconds(),
				} {
					if m[member] != want {
						t.Errorf("%s: %s = %v, want %v", name, member, m[member], want)
					}
				}
				if aud := words(m["aud"]); len(aud) != 1 || aud[0] != apiName {
					t.Errorf("%s: aud = %v", name, aud)
				}
				if (m["jti"] != nil) != (name == "jwt") {
					t.Errorf("%s: jti = %v", name, m["jti"])
				}
			}
		},
		"the owner learns that a refresh token is good, but not of a code": func(t *testing.T, a Adapter) {
			w := ask(t, a)
			got := w.login(web())
			if m := w.introspect(web(), got.Refresh).json(t); m["active"] != true || m["sub"] != "alice" || m["client_id"] != "web" || m["scope"] != "read" {
				t.Errorf("introspection = %v", m)
			}
			code := w.code(web())
			inactive(t, w.introspect(web(), code))
			w.token(web(), web().exchange(code)).tokens(t)
		},
		"a rotated refresh token is inactive, without an alarm": func(t *testing.T, a Adapter) {
			w := ask(t, a)
			first := w.login(web())
			second := w.refresh(web(), first.Refresh)
			inactive(t, w.introspect(web(), first.Refresh))
			w.alive(second.Access)
			w.refresh(web(), second.Refresh)
		},
		"a resource server knows of tokens for a resource that was asked for": func(t *testing.T, a Adapter) {
			w := ask(t, a)
			got := w.login(web(), "resource", "https://one.example.com")
			for _, token := range []string{got.Access, got.Refresh} {
				if m := w.introspect(of("one"), token).json(t); m["active"] != true {
					t.Errorf("introspection = %v", m)
				}
				inactive(t, w.introspect(of("api"), token))
			}
		},
		"what is garbage, over or revoked is inactive": func(t *testing.T, a Adapter) {
			w := ask(t, a)
			for _, token := range []string{"x", "mda_" + strings.Repeat("A", 43), "mdr_" + strings.Repeat("A", 54), "a.b.c", "eyJhbGciOiJub25lIn0.e30.", strings.Repeat("x", 4000)} {
				inactive(t, w.introspect(of("auditor"), token))
			}
			got := w.login(web())
			w.clock.Pass(time.Hour)
			inactive(t, w.introspect(web(), got.Access))
			w.clock.Pass(30 * 24 * time.Hour)
			inactive(t, w.introspect(web(), got.Refresh))
		},
		"nobody asks without a name, nor a public client": func(t *testing.T, a Adapter) {
			w := ask(t, a)
			got := w.login(spa())
			w.introspect(spa(), got.Access).refused(t, 400, "invalid_client")
			w.form(t, "/introspect", url.Values{"token": {got.Access}}).refused(t, 401, "invalid_client")
			w.form(t, "/introspect", url.Values{}, "Authorization", basic(web().id, web().secret)).refused(t, 400, "invalid_request")
		},
		"a token in the URL is not read": func(t *testing.T, a Adapter) {
			w := ask(t, a)
			got := w.login(web())
			w.form(t, "/introspect?token="+got.Access, url.Values{}, "Authorization", basic(web().id, web().secret)).refused(t, 400, "invalid_request")
		},
	}
	for id, active := range map[string]bool{"web": true, "api": true, "api-slash": true, "auditor": true, "one": false, "post": false, "service": false} {
		verdict := map[bool]string{true: "learns", false: "does not learn"}[active]
		list[id+" "+verdict+" of a token of web for the API"] = func(t *testing.T, a Adapter) {
			w := ask(t, a)
			p := of(id)
			for _, known := range []party{web(), post(), service()} {
				if known.id == id {
					p = known
				}
			}
			ans := w.introspect(p, w.login(web()).Access)
			if !active {
				inactive(t, ans)
			} else if m := ans.json(t); m["active"] != true || m["sub"] != "alice" {
				t.Errorf("introspection = %v", m)
			}
		}
	}
	return list
}

// revocation are the cases of RFC 7009.
func revocation() cases {
	done := func(t *testing.T, ans *answer) {
		t.Helper()
		ans.status(t, 200)
		ans.fields(t, "Cache-Control", "no-store")
		if ans.Body != "" {
			t.Errorf("body = %q, want none", ans.Body)
		}
	}
	return cases{
		"an access token ends alone": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), post(), spa(), jwtWeb()} {
				w := newWorld(t, a, nil)
				first := w.login(p)
				second := w.refresh(p, first.Refresh)
				done(t, w.revoke(p, first.Access))
				w.get(t, "/api", "Authorization", "Bearer "+first.Access).refused(t, 401, "invalid_token")
				w.alive(second.Access)
				w.refresh(p, second.Refresh)
				done(t, w.revoke(p, first.Access))
			}
		},
		"a refresh token ends its grant": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), spa(), jwtWeb()} {
				w := newWorld(t, a, nil)
				got, other := w.login(p), w.login(p)
				done(t, w.revoke(p, got.Refresh))
				w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
				w.token(p, refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
				w.alive(other.Access)
				w.refresh(p, other.Refresh)
				done(t, w.revoke(p, got.Refresh))
			}
		},
		"an old refresh token ends its grant as well": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			first := w.login(web())
			second := w.refresh(web(), first.Refresh)
			done(t, w.revoke(web(), first.Refresh))
			w.dead(web(), second.Access, second.Refresh)
		},
		"a token of another client stays, and is refused": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), spa(), jwtWeb()} {
				w := newWorld(t, a, nil)
				got := w.login(p)
				for _, token := range []string{got.Access, got.Refresh} {
					for _, stranger := range []party{post(), native(), service()} {
						w.revoke(stranger, token).refused(t, 400, "invalid_grant")
					}
				}
				w.alive(got.Access)
				w.refresh(p, got.Refresh)
			}
		},
		"what is unknown is revoked already": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			for _, token := range []string{"x", "mda_" + strings.Repeat("A", 43), "mdr_" + strings.Repeat("A", 54), "a.b.c"} {
				done(t, w.revoke(web(), token))
			}
		},
		"a hint changes nothing, right, wrong or unknown": func(t *testing.T, a Adapter) {
			for _, hint := range []string{"access_token", "refresh_token", "pigeon"} {
				w := newWorld(t, a, nil)
				got := w.login(web())
				for _, token := range []string{got.Access, got.Refresh} {
					done(t, w.form(t, "/revoke", url.Values{"token": {token}, "token_type_hint": {hint}}, "Authorization", basic(web().id, web().secret)))
				}
				w.dead(web(), got.Access, got.Refresh)
			}
		},
		"a code is no token": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			code := w.code(web())
			done(t, w.revoke(web(), code))
			w.token(web(), web().exchange(code)).tokens(t)
		},
		"without a token it is refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.form(t, "/revoke", url.Values{}, "Authorization", basic(web().id, web().secret)).refused(t, 400, "invalid_request")
		},
		"a callback parameter makes no script of it": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			ans := w.form(t, "/revoke?callback=package.hello", url.Values{"token": {"x"}, "callback": {"hello"}}, "Authorization", basic(web().id, web().secret))
			done(t, ans)
		},
	}
}
