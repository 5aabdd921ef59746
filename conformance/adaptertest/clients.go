package adaptertest

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// keep puts c into the world's store, over the one of its name, which the suite needs a store for that can be written.
func (w *world) keep(c *store.Client) {
	w.t.Helper()
	writer, ok := w.store.(store.ClientWriter)
	if !ok {
		w.t.Fatal("the suite needs a store that is a store.ClientWriter")
	}
	n := c.Clone()
	if old, err := w.store.Client(w.t.Context(), c.ID); err == nil {
		n.Revision = old.Revision
	}
	if err := writer.PutClient(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

// storedClients are the cases of clients that live in the store and change.
func storedClients() cases {
	p := party{"stored", "stored-secret-0123456", "client_secret_basic", callback}
	record := func() *store.Client { return p.client("authorization_code", "refresh_token", "client_credentials") }
	own := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
	refused := func(w *world, secret string) {
		w.t.Helper()
		w.token(party{p.id, secret, p.method, ""}, own).refused(w.t, 401, "invalid_client")
	}
	works := func(w *world, secret string) {
		w.t.Helper()
		w.token(party{p.id, secret, p.method, ""}, own).tokens(w.t)
	}
	const argon = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$koGEntwth3R24BbQpTjHwPRPGA7yIqCpMqqsytZrdOg"
	return cases{
		"one that is disabled gets nothing more, and keeps nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, ownPages)
			w.keep(record())
			b := newBrowser(w)
			page := b.authorize(p).form().submit("user", "alice")
			consent := page.form()
			code := consent.submit("verdict", "allow", "scope", "read").code()
			got := w.token(p, p.exchange(code)).tokens(t)
			machine := w.token(p, own).tokens(t)
			unspent := b.authorize(p).code()
			running := b.authorize(p, "prompt", "consent").form()

			off := record()
			off.Disabled = true
			w.keep(off)
			for _, form := range []url.Values{own, p.exchange(unspent), refreshing(got.Refresh)} {
				w.token(p, form).refused(t, 401, "invalid_client")
			}
			w.introspect(p, got.Access).refused(t, 401, "invalid_client")
			w.revoke(p, got.Access).refused(t, 401, "invalid_client")
			running.submit("verdict", "allow", "scope", "read").status(t, 400)
			b.authorize(p).status(t, 400)
			if _, err := w.store.RevokeGrants(t.Context(), store.GrantQuery{ClientID: p.id}, store.ByAdmin, w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			for _, access := range []string{got.Access, machine.Access} {
				w.get(t, "/api", "Authorization", "Bearer "+access).refused(t, 401, "invalid_token")
			}
		},
		"one whose redirect URI is gone answers there no more": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, ownPages)
			w.keep(record())
			b := newBrowser(w)
			running := b.authorize(p).form().submit("user", "alice").form()
			moved := record()
			moved.Metadata.RedirectURIs = []string{callback + "/new"}
			w.keep(moved)
			if ans := running.submit("verdict", "allow", "scope", "read").status(t, 400); ans.Header.Get("Location") != "" {
				t.Errorf("Location = %q", ans.Header.Get("Location"))
			}
		},
		"two secrets overlap while one replaces the other": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			c := record()
			oldest, next, future := server.HashSecret("the-old-one-0123456789"), server.HashSecret("the-new-one-0123456789"), server.HashSecret("the-one-of-tomorrow-01")
			oldest.Expires = w.clock.Now().Add(time.Hour)
			future.NotBefore = w.clock.Now().Add(24 * time.Hour)
			c.Secrets = []store.Secret{oldest, next, future}
			w.keep(c)
			works(w, "the-old-one-0123456789")
			works(w, "the-new-one-0123456789")
			refused(w, "the-one-of-tomorrow-01")
			w.clock.Pass(time.Hour)
			refused(w, "the-old-one-0123456789")
			works(w, "the-new-one-0123456789")
			w.clock.Pass(23 * time.Hour)
			works(w, "the-one-of-tomorrow-01")
		},
		"a secret that a person chose, with bcrypt and with argon2id": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			c := record()
			c.Secrets = []store.Secret{bcrypted("$2a$04$MnhMVKIpmPL4cWROH5znoOkPo3RgWpCa0w0aFP3vu.F5oJgfoSJF6"), {Form: store.Argon2id, Value: []byte(argon)}}
			w.keep(c)
			for range 2 { // the second time it is remembered
				works(w, "a chosen passphrase of bcrypt")
				works(w, "a chosen passphrase")
				refused(w, "a chosen passphrase of")
				refused(w, "")
			}
		},
		"a secret that was replaced is not remembered": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			first, err := server.HashPassphrase("the first passphrase")
			if err != nil {
				t.Fatal(err)
			}
			c := record()
			c.Secrets = []store.Secret{first}
			w.keep(c)
			works(w, "the first passphrase")
			c.Secrets = []store.Secret{{Form: store.Argon2id, Value: []byte(argon)}}
			w.keep(c)
			refused(w, "the first passphrase")
			works(w, "a chosen passphrase")
		},
		"a hash that asks for too much is nobody's secret": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			c := record()
			c.Secrets = []store.Secret{{Form: store.Argon2id, Value: []byte(strings.Replace(argon, "m=64", "m=99999999", 1))}, {Form: store.Argon2id, Value: []byte("garbage")}, {Form: store.Bcrypt, Value: []byte("garbage")}}
			w.keep(c)
			refused(w, "a chosen passphrase")
		},
		"a fixed client wins over one of its name in the store": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			c := party{"web", "stolen-secret-0123456", "client_secret_basic", "https://evil.example/cb"}
			w.keep(c.client("authorization_code", "client_credentials"))
			w.token(c, own).refused(t, 401, "invalid_client")
			w.authorize(c.request()).refused(t, 400, "invalid_request")
		},
	}
}

// machines are the cases of RFC 6749, section 4.4: a client acts for itself, under one standing grant.
func machines() cases {
	own := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
	grants := func(w *world, id string) []store.Grant {
		w.t.Helper()
		list, err := w.store.FindGrants(w.t.Context(), store.GrantQuery{ClientID: id}, store.Page{})
		if err != nil {
			w.t.Fatal(err)
		}
		return list
	}
	return cases{
		"the token has no subject, no user and no refresh token": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), jwtWeb()} {
				w := newWorld(t, a, nil)
				got := w.token(p, own).tokens(t)
				if got.Refresh != "" {
					t.Error("there is a refresh token")
				}
				if m := w.alive(got.Access).json(t); m["sub"] != "" || m["client"] != p.id || m["scope"] != "read" {
					t.Errorf("the guard sees %v", m)
				}
				w.get(t, "/user", "Authorization", "Bearer "+got.Access).refused(t, 403, "insufficient_scope")
				if m := w.introspect(p, got.Access).json(t); m["active"] != true || m["sub"] != nil {
					t.Errorf("introspection = %v", m)
				}
			}
		},
		"64 first uses make one grant": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			var all [64]string
			var wg sync.WaitGroup
			for i := range all {
				wg.Go(func() {
					ans, err := w.try(t, "POST", "/token", own.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Authorization", basic(service().id, service().secret))
					if err != nil {
						t.Error(err)
						return
					}
					all[i] = ans.text(t, "access_token")
				})
			}
			wg.Wait()
			list := grants(w, "service")
			if len(list) != 1 || list[0].Subject != "" {
				t.Errorf("grants = %+v, want one", list)
			}
			for _, access := range all {
				if g := w.alive(access).text(t, "grant"); g != list[0].ID {
					t.Errorf("the token stands under %q, want %q", g, list[0].ID)
				}
			}
		},
		"after its grant was revoked the next use makes the next": func(t *testing.T, a Adapter) {
			for _, p := range []party{service(), jwtWeb()} {
				w := newWorld(t, a, nil)
				for n := range 3 {
					got := w.token(p, own).tokens(t)
					w.alive(got.Access)
					w.token(p, own).tokens(t)
					if list := grants(w, p.id); len(list) != n+1 {
						t.Errorf("%d grants, want %d", len(list), n+1)
					}
					if _, err := w.store.RevokeGrants(t.Context(), store.GrantQuery{ClientID: p.id}, store.ByAdmin, w.clock.Now()); err != nil {
						t.Fatal(err)
					}
					w.get(t, "/api", "Authorization", "Bearer "+got.Access).refused(t, 401, "invalid_token")
				}
				w.alive(w.token(p, own).tokens(t).Access)
			}
		},
		"a client without the grant, and a public one, are refused": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			w.token(spa(), own).refused(t, 400, "unauthorized_client")
			public := party{"public", "", "none", "https://spa.example.com/cb"}
			w.keep(public.client("client_credentials"))
			w.token(public, own).refused(t, 400, "unauthorized_client")
		},
		"a revoked token takes no other with it": func(t *testing.T, a Adapter) {
			for _, p := range []party{service(), jwtWeb()} {
				w := newWorld(t, a, nil)
				one, other := w.token(p, own).tokens(t), w.token(p, own).tokens(t)
				w.revoke(p, one.Access).status(t, 200)
				w.get(t, "/api", "Authorization", "Bearer "+one.Access).refused(t, 401, "invalid_token")
				w.alive(other.Access)
			}
		},
	}
}

// bcrypted is a secret that a person chose, with a hash of the lowest cost: what [server.HashPassphrase] makes costs the suite a minute.
func bcrypted(hash string) store.Secret { return store.Secret{Form: store.Bcrypt, Value: []byte(hash)} }
