package adaptertest

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// overtakenStore lets something happen right before a grant is made.
type overtakenStore struct {
	store.Store
	before func()
}

// CreateGrant implements store.Grants.
func (s *overtakenStore) CreateGrant(ctx context.Context, g store.Grant) error {
	if s.before != nil {
		s.before()
	}
	return s.Store.CreateGrant(ctx, g)
}

// switchOff disables p, a stored client, as an operator does: the flag first, then its grants. It runs while the server serves.
func (w *world) switchOff(p party) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	c, err := w.store.Client(ctx, p.id)
	if err != nil {
		w.t.Error(err)
		return
	}
	off := c.Clone()
	off.Disabled = true
	if writer, ok := w.store.(store.ClientWriter); !ok || writer.PutClient(ctx, off) != nil {
		w.t.Error("the client cannot be disabled")
	}
	if _, err := w.srv.RevokeGrants(ctx, store.GrantQuery{ClientID: p.id}, store.ByAdmin); err != nil {
		w.t.Error(err)
	}
}

// stranger is p as a client that registered itself.
func stranger(t *testing.T, s *setup, p party, grants ...string) party {
	t.Helper()
	p.id = "stranger"
	c := p.client(grants...)
	c.Origin = store.ByRegistration
	s.Clients = append(s.Clients, c)
	return p
}

// overtaken are the cases of what changed since somebody looked, and of what strangers use up of others.
func overtaken() cases {
	return cases{
		"a client that is disabled while it is served gets no token of a new grant": func(t *testing.T, a Adapter) {
			late := new(overtakenStore)
			w := passwordWorld(t, a, func(s *setup) { late.Store, s.Store = s.store, late })
			p := party{"stored", old().secret, "client_secret_basic", ""}
			c := p.client("password", "refresh_token")
			w.keep(c)
			late.before = func() { w.switchOff(p) }
			w.token(p, typed("alice", "päss word")).refused(t, 400, "invalid_grant")
			late.before = nil
			w.keep(c) // and on again: nothing of what was ended comes back
			w.token(p, typed("alice", "päss word")).tokens(t)
		},
		"nor one of an implicit answer": func(t *testing.T, a Adapter) {
			late := new(overtakenStore)
			w := newWorld(t, a, func(s *setup) {
				late.Store, s.Store = s.store, late
				s.InsecureImplicit = true
			})
			p := party{"stored", "", "none", callback}
			c := p.client("implicit")
			c.Metadata.ResponseTypes = []string{"token"}
			w.keep(c)
			late.before = func() { w.switchOff(p) }
			ans := w.authorize(with(p.request(), "response_type", "token", "code_challenge", "", "code_challenge_method", ""))
			if to := ans.Header.Get("Location"); strings.Contains(to, "access_token") || !strings.Contains(to, "error=") {
				t.Errorf("answer = %d %s", ans.Status, to)
			}
		},
		"the address of a request whose object was used is worth nothing once that is forgotten": func(t *testing.T, a Adapter) {
			x := objecting(t, a, func(s *setup, _ map[string]*store.Client) { builtInPages(s) })
			b := newBrowser(x.world)
			link := url.Values{"client_id": {"keyed"}, "request": {x.keyed.object(map[string]any{"jti": "one"})}}
			consent := b.open("/authorize?"+link.Encode()).form().submit("username", "alice", "password", "password of alice", "action", "login")
			handle := consent.form().values.Get("handle")
			consent.form().submit("action", "allow").code()
			x.clock.Pass(2 * time.Hour)
			b.open("/authorize?handle="+handle).status(t, 410)
		},
		"a client that registered itself may keep so much and no more, whatever it proves": func(t *testing.T, a Adapter) {
			var p party
			w := newWorld(t, a, func(s *setup) {
				devices(pushing)(s)
				limiter, err := server.NewLimiter(server.LimiterConfig{Writes: 2})
				if err != nil {
					t.Fatal(err)
				}
				s.Limiter = limiter
				p = stranger(t, s, web(), "authorization_code", oauth2.GrantDeviceCode)
			})
			w.push(p, "scope", "open").status(t, 201)
			w.device(p, url.Values{"scope": {"open"}}).status(t, 200)
			w.push(p, "scope", "open").refused(t, 429, "temporarily_unavailable")
			w.device(p, url.Values{"scope": {"open"}}).refused(t, 429, "temporarily_unavailable")
			for range 3 {
				w.push(web()).status(t, 201)
			}
		},
		"a user code that was shown before the root secret was rotated is known after": func(t *testing.T, a Adapter) {
			old, fresh := []byte("the old root of the suite, 32 bytes"), []byte("the new root of the suite, 32 bytes")
			before, err := mandate.NewSecret(old)
			if err != nil {
				t.Fatal(err)
			}
			after, err := mandate.NewSecret(fresh, old)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, a, devices(func(s *setup) { s.Secret = after }))
			then := newWorld(t, a, devices(func(s *setup) {
				s.Secret, s.Issuer, s.store, s.clock = before, w.issuer, w.store, w.clock
				s.Store, s.Now = w.store, w.clock.Now
			}))
			c := then.codes(tv())
			b := newBrowser(w)
			b.connect(c.User, "alice").done()
			w.token(tv(), polling(c.Device)).tokens(t)
		},
		"links to documents that there are not stop no client of the same site": func(t *testing.T, a Adapter) {
			w, site := described(t, a, nil)
			p := site.client()
			w.authorize(p.open()).status(t, 303)
			w.clock.Pass(6 * time.Minute) // it is to be fetched anew
			for i := range 6 {
				w.authorize(with(p.open(), "client_id", fmt.Sprintf("%s/none/%d", site.URL, i)))
			}
			w.authorize(p.open()).status(t, 303)
		},
		"a hook that panics takes no answer away, and no process down": func(t *testing.T, a Adapter) {
			fail := func() { panic("canary") } //nolint:forbidigo // an application's, which the server must survive
			for name, hooks := range map[string]mandate.Hooks{
				"After": {After: func(context.Context, string, int, error) { fail() }},
				"what Around returned": {Around: func(ctx context.Context, _ string) (context.Context, func(int, error)) {
					return ctx, func(int, error) { fail() }
				}},
				"Around without anything": {Around: func(context.Context, string) (context.Context, func(int, error)) { return nil, nil }},
			} {
				var faults atomic.Int64
				hooks.On = func(_ context.Context, e mandate.Event) {
					if e.Name == mandate.Fault && strings.Contains(e.Err.Error(), "canary") {
						faults.Add(1)
					}
				}
				w := newWorld(t, a, func(s *setup) { s.Hooks = hooks })
				w.token(service(), url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}).tokens(t)
				if panics := name != "Around without anything"; panics != (faults.Load() > 0) {
					t.Errorf("%s: the hooks heard of %d faults", name, faults.Load())
				}
			}
			w := newWorld(t, a, func(s *setup) {
				s.Hooks.Around = func(ctx context.Context, _ string) (context.Context, func(int, error)) { fail(); return ctx, nil }
				s.Hooks.On = func(context.Context, mandate.Event) { fail() }
			})
			ans := w.form(t, "/token", url.Values{"grant_type": {"client_credentials"}})
			ans.refused(t, 500, "server_error")
			if strings.Contains(ans.Body, "canary") {
				t.Errorf("body = %s", ans.Body)
			}
			w = newWorld(t, a, func(s *setup) {
				s.AllowOrigin = func(string) bool { fail(); return true }
			})
			own := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
			w.form(t, "/token", own, append(service().sign(own), "Origin", "https://spa.example.com")...).status(t, 200).fields(t, "Access-Control-Allow-Origin", "", "Vary", "Origin")
		},
	}
}
