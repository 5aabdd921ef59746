package adaptertest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// recorder notes what hooks are told, in their order.
type recorder struct {
	mu   sync.Mutex // guards list
	list []string
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, fmt.Sprintf(format, args...))
}

// take returns what was noted since the last call.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := strings.Join(r.list, ", ")
	r.list = nil
	return all
}

func (r *recorder) hooks() mandate.Hooks {
	return mandate.Hooks{
		BeforeWithSecrets: func(_ context.Context, endpoint string, req *mandate.Request) *mandate.Response {
			r.note("before %s", endpoint)
			if req.Header.Get("X-Stop") != "" {
				return &mandate.Response{Status: 429, Header: mandate.Fields{{Name: "Retry-After", Value: "60"}}, Body: []byte("slow down")}
			}
			return nil
		},
		After: func(_ context.Context, endpoint string, status int, err error) {
			r.note("after %s %d %v", endpoint, status, err != nil)
		},
		On: func(_ context.Context, e mandate.Event) { r.note("%s", e.Name) },
	}
}

// hooks are the cases of what an application is told, and of what it is not.
func hooks() cases {
	return cases{
		"a token that was issued is told with its end, its name and its grant": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), jwtWeb()} {
				var mu sync.Mutex // guards told
				var told []mandate.Event
				w := newWorld(t, a, func(s *setup) {
					s.Hooks.On = func(_ context.Context, e mandate.Event) {
						mu.Lock()
						defer mu.Unlock()
						if e.Name == mandate.TokenIssued {
							told = append(told, e)
						}
					}
				})
				got := w.login(p)
				grant, _ := w.alive(got.Access).json(t)["grant"].(string)
				mu.Lock()
				n, e := len(told), mandate.Event{}
				if n > 0 {
					e = told[0]
				}
				mu.Unlock()
				if n != 1 {
					t.Errorf("%s: %d events, want 1", p.id, n)
				}
				if e.ClientID != p.id || e.Subject != "alice" || e.Scopes != "read" || e.GrantType != "authorization_code" || e.GrantID != grant || !e.Expires.Equal(w.clock.Now().Add(got.ExpiresIn)) {
					t.Errorf("%s: event = %+v", p.id, e)
				}
				if (e.TokenID != "") != (p == jwtWeb()) || e.TokenID != "" && !strings.Contains(w.introspect(p, got.Access).Body, `"jti":"`+e.TokenID+`"`) {
					t.Errorf("%s: TokenID = %q, want the jti of a JWT", p.id, e.TokenID)
				}
			}
		},
		"they run in their order, and Before may answer": func(t *testing.T, a Adapter) {
			var r recorder
			w := newWorld(t, a, func(s *setup) { s.Hooks = r.hooks() })
			expect := func(want string) {
				t.Helper()
				if got := r.take(); got != want {
					t.Errorf("hooks = %q, want %q", got, want)
				}
			}
			code := w.code(web())
			expect("before authorization, request.begun, grant.approved, after authorization 303 false")
			first := w.token(web(), web().exchange(code)).tokens(t)
			expect("before token, client.authenticated, token.issued, after token 200 false")
			second := w.refresh(web(), first.Refresh)
			expect("before token, client.authenticated, token.issued, after token 200 false")
			w.refresh(web(), first.Refresh)
			expect("before token, client.authenticated, grant.repeated, token.issued, after token 200 false")
			w.token(party{"web", "wrong", web().method, ""}, url.Values{"grant_type": {"x"}}).refused(t, 401, "invalid_client")
			expect("before token, client.refused, after token 401 true")
			w.revoke(web(), first.Access)
			expect("before revocation, client.authenticated, token.revoked, after revocation 200 false")
			w.introspect(web(), first.Access)
			expect("before introspection, client.authenticated, after introspection 200 false")
			third := w.refresh(web(), second.Refresh)
			r.take()
			w.token(web(), web().exchange(code)).refused(t, 400, "invalid_grant")
			expect("before token, client.authenticated, grant.reused, request.refused, after token 400 true")
			w.revoke(web(), third.Refresh)
			r.take()
			w.revoke(web(), w.login(web()).Refresh)
			if got := r.take(); !strings.HasSuffix(got, "before revocation, client.authenticated, grant.revoked, after revocation 200 false") {
				t.Errorf("hooks = %q", got)
			}
			w.authorize(with(web().request(), "client_id", "nobody"))
			expect("before authorization, after authorization 400 true")

			unspent := w.code(web())
			r.take()
			form := web().exchange(unspent)
			ans := w.form(t, "/token", form, append(web().sign(form), "X-Stop", "yes")...).status(t, 429)
			if ans.fields(t, "Retry-After", "60"); ans.Body != "slow down" {
				t.Errorf("body = %q", ans.Body)
			}
			expect("before token, after token 429 false")
			w.token(web(), web().exchange(unspent)).tokens(t)
		},
		"revocation and introspection tell what they refuse": func(t *testing.T, a Adapter) {
			var r recorder
			w := newWorld(t, a, func(s *setup) {
				s.Hooks.On = func(_ context.Context, e mandate.Event) {
					r.note("%s at %s: %s from %q", e.Name, e.Endpoint, e.ClientID, e.Remote)
				}
				s.RemoteAddr = func(*mandate.Request) string { return "203.0.113.7:4711" }
			})
			foreign := w.login(jwtWeb())
			for _, tc := range []struct {
				endpoint, path string
				client         party
				form           url.Values
				status         int
				code           string
			}{
				{"revocation", "/revoke", web(), url.Values{}, 400, "invalid_request"},
				{"revocation", "/revoke", web(), url.Values{"token": {foreign.Access}}, 400, "invalid_grant"},
				{"revocation", "/revoke", web(), url.Values{"token": {foreign.Refresh}}, 400, "invalid_grant"},
				{"introspection", "/introspect", web(), url.Values{}, 400, "invalid_request"},
				{"introspection", "/introspect", spa(), url.Values{"token": {foreign.Access}}, 400, "invalid_client"},
			} {
				r.take()
				form := with(tc.form, "client_id", tc.client.id)
				w.form(t, tc.path, form, tc.client.sign(form)...).refused(t, tc.status, tc.code)
				want := fmt.Sprintf(`client.authenticated at : %s from "", request.refused at %s: %s from "203.0.113.7"`, tc.client.id, tc.endpoint, tc.client.id)
				if got := r.take(); got != want {
					t.Errorf("%s: %s, want %s", tc.path, got, want)
				}
			}
			for endpoint, path := range map[string]string{"token": "/token", "revocation": "/revoke", "introspection": "/introspect"} {
				w.form(t, path, url.Values{"grant_type": {"x"}}, "Authorization", basic("web", "canary-secret")).refused(t, 401, "invalid_client")
				if got, want := r.take(), "client.refused at "+endpoint+`: web from "203.0.113.7"`; got != want {
					t.Errorf("%s: %s, want %s", path, got, want)
				}
			}
		},
		"who has to wait is told with endpoint, address and account, without what was guessed": func(t *testing.T, a Adapter) {
			var r recorder
			var p party
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				p = chosen(s)
				s.Hooks.On = func(_ context.Context, e mandate.Event) {
					if e.Name == mandate.AttemptRefused || e.Name == mandate.SignInRefused {
						r.note("%s at %s: client %s from %q, account %q", e.Name, e.Endpoint, e.ClientID, e.Remote, e.Account)
					}
					if text := fmt.Sprintf("%+v %s", e, slogged(e.Err)); strings.Contains(text, "canary") {
						t.Errorf("the event has what was guessed: %s", text)
					}
				}
				s.RemoteAddr = func(*mandate.Request) string { return "2001:db8::7" }
			})
			for range 6 {
				w.token(party{p.id, "canary-secret", p.method, ""}, url.Values{"grant_type": {"client_credentials"}})
			}
			if got, want := r.take(), "attempt.refused at token: client "+p.id+` from "2001:db8::7", account ""`; got != want {
				t.Errorf("secrets: %s, want %s", got, want)
			}
			form := newBrowser(w).authorize(web()).form()
			for range 6 {
				form.submit("username", "älice\n", "password", "canary-password", "action", "login")
			}
			wrong := `session.refused at login: client web from "2001:db8::7", account "älice?", `
			if got, want := r.take(), strings.Repeat(wrong, 5)+`attempt.refused at login: client web from "2001:db8::7", account "älice?"`; got != want {
				t.Errorf("passwords: %s, want %s", got, want)
			}
		},
		"the built-in pages tell of sign-ins and denials": func(t *testing.T, a Adapter) {
			var r recorder
			w := newWorld(t, a, func(s *setup) {
				builtInPages(s)
				s.Hooks.On = r.hooks().On
			})
			b := newBrowser(w)
			p := b.authorize(web()).form().submit("username", "alice", "password", "wrong", "action", "login")
			p = p.form().submit("username", "alice", "password", "password of alice", "action", "login")
			p.form().submit("action", "deny")
			p.form().submit("action", "allow").code()
			b.authorize(web(), "prompt", "consent").form().submit("username", "fault", "password", "x", "action", "allow")
			b.send("POST", "/interaction/login", with(newBrowser(w).authorize(web()).form().values), "Sec-Fetch-Site", "cross-site")
			if got, want := r.take(), "request.begun, session.refused, session.started, grant.denied, grant.approved, request.begun, grant.approved, request.begun"; got != want {
				t.Errorf("hooks = %q, want %q", got, want)
			}
		},
		"a fault is told with its cause": func(t *testing.T, a Adapter) {
			var cause error
			var mu sync.Mutex
			faulty := &faultyStore{err: errStore}
			w := newWorld(t, a, func(s *setup) {
				faulty.Store, s.Store = s.Store, faulty
				s.Hooks.On = func(_ context.Context, e mandate.Event) {
					if e.Name == mandate.Fault && e.Endpoint == "token" {
						mu.Lock()
						cause = e.Err
						mu.Unlock()
					}
				}
			})
			code := w.code(web())
			method := "Redeem"
			faulty.method.Store(&method)
			w.token(web(), web().exchange(code)).refused(t, 500, "server_error")
			mu.Lock()
			defer mu.Unlock()
			if cause == nil || !strings.Contains(fmt.Sprintf("%+v", slogged(cause)), "pq: password") {
				t.Errorf("cause = %v", cause)
			}
		},
		"no secret is in anything that is logged": canary,
	}
}

// slogged is what a logger writes of v.
func slogged(v any) string {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("event", "v", v)
	return out.String()
}

// canary runs whole flows with marked secrets and logs whatever hooks are handed, in every way in which one might.
func canary(t *testing.T, a Adapter) {
	var mu sync.Mutex
	var out bytes.Buffer
	text, object := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	log := func(what string, values ...any) {
		mu.Lock()
		defer mu.Unlock()
		for _, v := range values {
			text.Info(what, "v", v)
			object.Info(what, "v", v)
			_, _ = fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		}
	}
	hooks := mandate.Hooks{
		BeforeWithSecrets: func(_ context.Context, endpoint string, r *mandate.Request) *mandate.Response {
			log("before "+endpoint, r)
			return nil
		},
		After: func(_ context.Context, endpoint string, _ int, err error) {
			if err != nil {
				log("after "+endpoint, err, mandate.AsError(err))
			}
		},
		On: func(_ context.Context, e mandate.Event) { log(string(e.Name), e) },
	}
	w := newWorld(t, a, func(s *setup) {
		builtInPages(s)
		s.Hooks = hooks
	})
	secrets := []string{web().secret, post().secret, jwtWeb().secret, verifier, "password of alice", "canary-wrong-secret", "canary-garbage-token", "canary-nonce", "xyz-canary-state"}
	for _, p := range []party{web(), post(), jwtWeb(), spa()} {
		b := newBrowser(w)
		login := b.authorize(p, "nonce", "canary-nonce", "state", "xyz-canary-state").form()
		wrong := login.submit("username", "alice", "password", "canary-wrong-secret", "action", "login").form()
		consent := wrong.submit("username", "alice", "password", "password of alice", "action", "login").form()
		code := consent.submit("action", "allow").code()
		for _, f := range []form{login, wrong, consent} {
			secrets = append(secrets, f.values.Get("handle"), f.values.Get("csrf"))
		}
		for _, value := range b.cookies {
			secrets = append(secrets, value)
		}
		w.token(p, with(p.exchange(code), "code_verifier", verifier+"x"))
		w.token(party{p.id, "canary-wrong-secret", "client_secret_basic", ""}, p.exchange(code))
		w.token(party{p.id, "canary-wrong-secret", "client_secret_post", ""}, p.exchange(code))
		first := w.token(p, p.exchange(code)).tokens(t)
		second := w.refresh(p, first.Refresh)
		w.refresh(p, first.Refresh)
		for _, token := range []string{first.Access, second.Refresh, "canary-garbage-token"} {
			w.introspect(p, token)
			w.revoke(service(), token)
		}
		w.revoke(p, first.Access)
		w.token(p, p.exchange(code)).refused(t, 400, "invalid_grant")
		w.token(p, refreshing("canary-garbage-token"))
		b.open("/authorize?handle=canary-garbage-token")
		w.clock.Pass(time.Hour)
		consent.submit("action", "allow")
		secrets = append(secrets, code, first.Access, first.Refresh, second.Access, second.Refresh)
	}
	mu.Lock()
	defer mu.Unlock()
	if out.Len() < 10_000 {
		t.Fatalf("only %d bytes were logged", out.Len())
	}
	slices.Sort(secrets)
	for _, secret := range slices.Compact(secrets) {
		if secret == "" {
			continue
		}
		if i := strings.Index(out.String(), secret); i >= 0 {
			t.Errorf("%.12q... is in the log: %q", secret, out.String()[max(0, i-200):i])
		}
	}
}
