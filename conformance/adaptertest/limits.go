package adaptertest

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// limits are the cases of guessing, maintenance, deadlines, panics and origins: what a server has around all its endpoints.
func limits() cases {
	own := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
	return cases{
		"who guesses a password waits, and longer each time": func(t *testing.T, a Adapter) {
			var r recorder
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				s.Hooks.On = r.hooks().On
			})
			b := newBrowser(w)
			login := b.authorize(web()).form()
			guess := func(name, password string) *page {
				return login.submit("username", name, "password", password, "action", "login")
			}
			for range 5 {
				guess("alice", "wrong").status(t, 200)
			}
			r.take()
			guess("alice", "password of alice").status(t, 429).fields(t, "Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store", "Retry-After", "1")
			if told := r.take(); told != "attempt.refused" {
				t.Errorf("events = %q", told)
			}
			if p := guess("ALICE ", "password of alice"); p.Status != 429 || !strings.Contains(p.Body, "page-login") {
				t.Errorf("answer = %d %s", p.Status, p.Body)
			}
			guess("bob", "wrong").status(t, 200)
			w.clock.Pass(time.Second)
			guess("alice", "wrong").status(t, 200)
			guess("alice", "wrong").status(t, 429).fields(t, "Retry-After", "2")
			w.clock.Pass(2 * time.Second)
			guess("alice", "password of alice").form().submit("action", "allow").code()
			for range 5 {
				guess("alice", "wrong").status(t, 200)
			}
			guess("alice", "wrong").status(t, 429).fields(t, "Retry-After", "1")
			w.clock.Pass(10 * time.Minute)
			guess("alice", "wrong").status(t, 200)
		},
		"who guesses a secret that a person chose waits, and who has the right one does not": func(t *testing.T, a Adapter) {
			var p party
			w := newWorld(t, a, func(s *setup) { p = chosen(s) })
			wrong := func(secret string) *answer { return w.token(party{p.id, secret, p.method, ""}, own) }
			w.token(p, own).tokens(t)
			for _, secret := range []string{"a", "b", "c", "d", "e"} {
				wrong(secret).refused(t, 401, "invalid_client")
			}
			ans := wrong("f")
			ans.refused(t, 429, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "1", "Cache-Control", "no-store")
			w.token(p, own).tokens(t)
			w.token(service(), own).tokens(t)
			w.clock.Pass(time.Second)
			wrong("f").refused(t, 401, "invalid_client")
		},
		"who guesses at the password grant waits": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				s.GrantTypes = []server.GrantType{server.InsecurePassword(func(ctx context.Context, _ server.Client, name, password string) (server.User, error) {
					return signIn(ctx, name, password)
				})}
				s.Clients = []*store.Client{party{"old", "old-secret-0123456789", "client_secret_basic", ""}.client("password")}
			})
			guess := func(name, password string) *answer {
				return w.token(party{"old", "old-secret-0123456789", "client_secret_basic", ""}, url.Values{"grant_type": {"password"}, "username": {name}, "password": {password}, "scope": {"read"}})
			}
			for range 5 {
				guess("alice", "wrong").refused(t, 400, "invalid_grant")
			}
			ans := guess("alice", "password of alice")
			ans.refused(t, 429, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "1")
			guess("bob", "password of bob").tokens(t)
			w.clock.Pass(time.Second)
			guess("alice", "password of alice").tokens(t)
			guess("alice", "wrong").refused(t, 400, "invalid_grant")
		},
		"a public client that pushes without end waits": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) {
				l, err := server.NewLimiter(server.LimiterConfig{Writes: 3})
				if err != nil {
					t.Fatal(err)
				}
				s.Limiter, s.PushedRequests = l, &server.PushedRequests{}
			})
			push := func(p party) *answer {
				form := with(p.request(), "client_id", p.id)
				return w.form(t, "/par", form, p.sign(form)...)
			}
			for range 3 {
				push(spa()).status(t, 201)
			}
			ans := push(spa())
			ans.refused(t, 429, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "60")
			for range 5 {
				push(web()).status(t, 201)
			}
			w.clock.Pass(time.Minute)
			push(spa()).status(t, 201)
		},
		"who registers clients without end waits": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Registration = &server.Registration{Open: true} })
			register := func() *answer {
				return w.do(t, "POST", "/register", `{"redirect_uris":["https://app.example.com/cb"],"token_endpoint_auth_method":"none"}`, "Content-Type", "application/json")
			}
			for range 30 {
				register().status(t, 201)
			}
			ans := register()
			ans.refused(t, 429, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "60", "Cache-Control", "no-store")
			w.clock.Pass(time.Minute)
			register().status(t, 201)
		},
		"a limiter of the application's own decides, and is told": func(t *testing.T, a Adapter) {
			l := new(ownLimiter)
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				s.Limiter = l
				s.RemoteAddr = func(r *mandate.Request) string { return r.Header.Get("X-Client") }
			})
			b := newBrowser(w)
			login := b.authorize(web()).form()
			login.submit("username", "alice", "password", "wrong", "action", "login").status(t, 200)
			login.submit("username", "alice", "password", "password of alice", "action", "login").form()
			login.submit("username", "fault", "password", "x", "action", "login").status(t, 500)
			if got := l.take(); got != "try password login web alice, outcome 0, try password login web alice, outcome 1, try password login web fault, outcome 2" {
				t.Errorf("the limiter was told %q", got)
			}
			l.wait.Store(int64(90 * time.Second))
			login.submit("username", "alice", "password", "password of alice", "action", "login").status(t, 429).fields(t, "Retry-After", "90")
			l.fails.Store(true)
			login.submit("username", "alice", "password", "password of alice", "action", "login").status(t, 500)
		},
		"a server that is paused says so everywhere, and reads nothing": func(t *testing.T, a Adapter) {
			counting := new(countingStore)
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				counting.Store, s.Store = s.store, counting
			})
			got := w.token(service(), own).tokens(t)
			code := newBrowser(w).authorize(web()).form()
			w.srv.Pause(90 * time.Second)
			calls := counting.calls.Load()
			for _, path := range []string{"/token", "/revoke", "/introspect"} {
				ans := w.form(t, path, url.Values{"grant_type": {"client_credentials"}, "token": {got.Access}})
				ans.refused(t, 503, "temporarily_unavailable")
				ans.fields(t, "Retry-After", "90", "Cache-Control", "no-store")
			}
			page := w.authorize(web().request(), "Accept", "text/html")
			page.status(t, 503).fields(t, "Retry-After", "90", "Content-Type", "text/html; charset=utf-8")
			if !strings.Contains(page.Body, "page-error") {
				t.Errorf("page = %s", page.Body)
			}
			w.authorize(web().request()).refused(t, 503, "temporarily_unavailable")
			code.submit("username", "alice", "password", "password of alice", "action", "login").status(t, 503)
			if n := counting.calls.Load() - calls; n != 0 {
				t.Errorf("%d calls of the store", n)
			}
			w.get(t, "/jwks").status(t, 200)
			w.get(t, "/.well-known/oauth-authorization-server").status(t, 200)
			w.alive(got.Access)
			w.srv.Resume()
			code.submit("username", "alice", "password", "password of alice", "action", "login").form()
		},
		"a request whose time is over is answered, and changes nothing more": func(t *testing.T, a Adapter) {
			var r recorder
			slow := new(slowStore)
			w := newWorld(t, a, func(s *setup) {
				slow.Store, s.Store = s.store, slow
				s.Hooks.On = r.hooks().On
				s.Deadlines = map[string]time.Duration{"token": 2 * time.Second} // real time, in which an exchange is done on any machine
			})
			code := w.code(web())
			r.take()
			slow.slow.Store(true)
			ans := w.token(web(), web().exchange(code))
			ans.refused(t, 503, "temporarily_unavailable")
			ans.fields(t, "Retry-After", "5")
			if told := r.take(); !strings.HasSuffix(told, "fault") {
				t.Errorf("events = %q", told)
			}
			slow.slow.Store(false)
			w.token(web(), web().exchange(code)).tokens(t)
		},
		"a panic ends its request and nothing else": func(t *testing.T, a Adapter) {
			var r recorder
			var told atomic.Pointer[mandate.Event]
			w := newWorld(t, a, func(s *setup) {
				s.Hooks = r.hooks()
				s.Hooks.On = func(_ context.Context, e mandate.Event) {
					if e.Name == mandate.ClientRefused {
						panic("in a hook with canary-secret") //nolint:forbidigo // the application's, which the server must survive
					}
					if e.Name == mandate.Fault {
						told.Store(&e)
					}
				}
			})
			ans := w.token(party{"web", "wrong", web().method, ""}, own)
			ans.refused(t, 500, "server_error")
			ans.fields(t, "Content-Type", "application/json", "Cache-Control", "no-store")
			if strings.Contains(ans.Body, "canary") {
				t.Errorf("body = %s", ans.Body)
			}
			e := told.Load()
			if e == nil || e.Endpoint != "token" || !strings.Contains(e.Err.Error(), "in a hook") || !strings.Contains(e.Err.Error(), ".go:") {
				t.Fatalf("event = %+v, want the panic and where it was", e)
			}
			if after := r.take(); after != "before token, after token 500 true" {
				t.Errorf("hooks = %q", after)
			}
			w.login(web())
		},
		"only the origins that are allowed read answers": func(t *testing.T, a Adapter) {
			const good, bad = "https://spa.example.com", "https://spa.example.com.evil.example"
			w := newWorld(t, a, func(s *setup) { s.AllowOrigin = func(origin string) bool { return origin == good } })
			for _, path := range []string{"/token", "/revoke"} {
				for origin, want := range map[string]string{good: good, bad: "", "null": ""} {
					preflight := w.do(t, "OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "POST").status(t, 204)
					preflight.fields(t, "Access-Control-Allow-Origin", want, "Vary", "Origin", "Access-Control-Allow-Credentials", "")
					if (preflight.Header.Get("Access-Control-Allow-Methods") != "") != (want != "") {
						t.Errorf("%s from %s: header = %v", path, origin, preflight.Header)
					}
					w.form(t, path, own, "Origin", origin).fields(t, "Access-Control-Allow-Origin", want, "Vary", "Origin")
				}
			}
			for _, path := range []string{"/jwks", "/.well-known/oauth-authorization-server"} {
				w.get(t, path, "Origin", bad).fields(t, "Access-Control-Allow-Origin", "*")
			}
			w.authorize(web().request(), "Origin", good).fields(t, "Access-Control-Allow-Origin", "")
		},
	}
}

// ownLimiter notes what it is asked and told.
type ownLimiter struct {
	recorder
	wait  atomic.Int64
	fails atomic.Bool
}

// Try implements server.Limiter.
func (l *ownLimiter) Try(_ context.Context, a server.Attempt) (time.Duration, error) {
	if l.fails.Load() {
		return 0, errors.New("the counter is out of reach")
	}
	l.note("try %s %s %s %s%s", a.What, a.Endpoint, a.ClientID, a.Account, a.Remote)
	return time.Duration(l.wait.Load()), nil
}

// Done implements server.Limiter.
func (l *ownLimiter) Done(_ context.Context, _ server.Attempt, o server.Outcome) {
	l.note("outcome %d", o)
}

// slowStore is a store that takes longer than anybody waits to find a grant.
type slowStore struct {
	store.Store
	slow atomic.Bool
}

// GrantByKey implements store.Grants.
func (s *slowStore) GrantByKey(ctx context.Context, key mandate.Digest) (store.Grant, error) {
	if s.slow.Load() {
		<-ctx.Done()
		return store.Grant{}, ctx.Err()
	}
	return s.Store.GrantByKey(ctx, key)
}

// chosen adds a client whose secret a person chose.
func chosen(s *setup) party {
	p := party{"chosen", "a passphrase", "client_secret_basic", ""}
	c := p.client("client_credentials")
	c.Secrets = []store.Secret{bcrypted("$2a$04$jTtuzAoBF9e.eNz1lYWkPOPsOClozCVp8Wmb44ClJNloVXmm10xQW")}
	s.Clients = append(s.Clients, c)
	return p
}
