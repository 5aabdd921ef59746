package adaptertest

import (
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
)

// refreshes are the cases of RFC 6749, section 6 and RFC 9700, section 4.14.
func refreshes() cases {
	// over checks that a whole family is dead.
	over := func(w *world, p party, all ...tokens) {
		w.t.Helper()
		for _, one := range all {
			w.dead(p, one.Access, one.Refresh)
		}
	}
	quiet := func(s *setup) { s.Grace = -1 }
	return cases{
		"every use gives a new token, and older access tokens live on": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), spa(), jwtWeb()} {
				w := newWorld(t, a, nil)
				first := w.login(p, "scope", "read write")
				second := w.refresh(p, first.Refresh)
				third := w.refresh(p, second.Refresh)
				if first.Refresh == second.Refresh || second.Refresh == third.Refresh || third.Scope != "read write" || third.Access == second.Access {
					t.Errorf("answers = %+v, %+v, %+v", first, second, third)
				}
				for _, one := range []tokens{first, second, third} {
					w.alive(one.Access)
				}
			}
		},
		"within the grace the successor is the same to the byte": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			first := w.login(web())
			second := w.refresh(web(), first.Refresh)
			w.clock.Pass(29 * time.Second)
			again := w.refresh(web(), first.Refresh)
			if again.Refresh != second.Refresh || again.Access == second.Access {
				t.Errorf("answers = %+v, %+v", second, again)
			}
			w.alive(second.Access)
			w.alive(again.Access)
			w.refresh(web(), second.Refresh)
		},
		"the grace does not slide, and its end is the alarm": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			first := w.login(web())
			second := w.refresh(web(), first.Refresh)
			w.clock.Pass(30 * time.Second)
			w.refresh(web(), first.Refresh)
			w.clock.Pass(time.Millisecond)
			w.token(web(), refreshing(first.Refresh)).refused(t, 400, "invalid_grant")
			over(w, web(), first, second)
		},
		"the last but one is reuse at once": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			first := w.login(web())
			second := w.refresh(web(), first.Refresh)
			third := w.refresh(web(), second.Refresh)
			w.token(web(), refreshing(first.Refresh)).refused(t, 400, "invalid_grant")
			over(w, web(), first, second, third)
		},
		"without a grace the second use is the alarm": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), spa(), jwtWeb()} {
				w := newWorld(t, a, quiet)
				first := w.login(p)
				second := w.refresh(p, first.Refresh)
				w.token(p, refreshing(first.Refresh)).refused(t, 400, "invalid_grant")
				over(w, p, first, second)
			}
		},
		"a client has a grace of its own": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Clients[0].Policy.Grace = 2 * time.Minute; s.Clients[1].Policy.Grace = -1 })
			first, other := w.login(web()), w.login(post())
			second := w.refresh(web(), first.Refresh)
			w.clock.Pass(2 * time.Minute)
			if again := w.refresh(web(), first.Refresh); again.Refresh != second.Refresh {
				t.Error("the successor is another")
			}
			w.refresh(post(), other.Refresh)
			w.token(post(), refreshing(other.Refresh)).refused(t, 400, "invalid_grant")
		},
		"a narrower scope does not stick": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			first := w.login(web(), "scope", "read write")
			second := w.token(web(), with(refreshing(first.Refresh), "scope", "read")).tokens(t)
			again := w.token(web(), with(refreshing(first.Refresh), "scope", "write")).tokens(t)
			if second.Scope != "read" || again.Scope != "write" || again.Refresh != second.Refresh {
				t.Errorf("answers = %+v, %+v", second, again)
			}
			if third := w.refresh(web(), second.Refresh); third.Scope != "read write" {
				t.Errorf("scope = %q, want all of it again", third.Scope)
			}
			if scope := w.alive(second.Access).text(t, "scope"); scope != "read" {
				t.Errorf("the token's scope = %q, want read", scope)
			}
		},
		"what is refused has spent nothing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, quiet)
			got := w.login(web())
			w.token(web(), with(refreshing(got.Refresh), "scope", "read write")).refused(t, 400, "invalid_scope")
			w.token(web(), with(refreshing(got.Refresh), "scope", `re"ad`)).refused(t, 400, "invalid_scope")
			w.token(web(), with(refreshing(got.Refresh), "resource", "https://unknown.example.com")).refused(t, 400, "invalid_target")
			w.token(post(), refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
			w.token(spa(), refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
			w.token(service(), refreshing(got.Refresh)).refused(t, 400, "unauthorized_client")
			w.token(party{web().id, "wrong", web().method, ""}, refreshing(got.Refresh)).refused(t, 401, "invalid_client")
			w.token(web(), refreshing("")).refused(t, 400, "invalid_request")
			w.token(web(), refreshing(got.Refresh[:len(got.Refresh)-1]+"!")).refused(t, 400, "invalid_grant")
			w.token(web(), refreshing(got.Access)).refused(t, 400, "invalid_grant")
			w.alive(w.refresh(web(), got.Refresh).Access)
			w.alive(got.Access)
		},
		"a resource beyond those granted is refused before the rotation": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, quiet)
			got := w.login(web(), "resource", "https://one.example.com")
			w.token(web(), with(refreshing(got.Refresh), "resource", "https://two.example.com/v1")).refused(t, 400, "invalid_target")
			w.refresh(web(), got.Refresh)
		},
		"tokens that do not rotate stay, and so does their end": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Rotation = server.RotateNever; s.Clients[2].Policy.Rotation = "always" })
			got := w.login(web())
			for range 13 {
				if again := w.refresh(web(), got.Refresh); again.Refresh != got.Refresh || again.Access == got.Access {
					t.Errorf("answers = %+v, %+v", got, again)
				}
				w.clock.Pass(28 * 24 * time.Hour)
			}
			w.clock.Pass(24 * time.Hour)
			w.token(web(), refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
			other := w.login(spa())
			if w.refresh(spa(), other.Refresh).Refresh == other.Refresh {
				t.Error("the client that rotates always does not")
			}
		},
		"tokens of public clients alone rotate where the policy says so": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.Rotation = server.RotatePublic })
			confidential, public := w.login(web()), w.login(spa())
			if w.refresh(web(), confidential.Refresh).Refresh != confidential.Refresh || w.refresh(spa(), public.Refresh).Refresh == public.Refresh {
				t.Error("the wrong one rotates")
			}
		},
		"a token ends when it was not used for a while": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			early, late := w.login(web()), w.login(web())
			w.clock.Pass(30*24*time.Hour - time.Millisecond)
			w.refresh(web(), early.Refresh)
			w.clock.Pass(time.Millisecond)
			w.token(web(), refreshing(late.Refresh)).refused(t, 400, "invalid_grant")
		},
		"no refresh moves the end of all refreshing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.RefreshTTL = 100 * 24 * time.Hour })
			got := w.login(web())
			for range 4 {
				w.clock.Pass(25 * 24 * time.Hour)
				if w.clock.Now().Equal(NewClock().Now().Add(100 * 24 * time.Hour)) {
					break
				}
				got = w.refresh(web(), got.Refresh)
			}
			w.token(web(), refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
		},
		"no access token outlives the end of all refreshing": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, func(s *setup) { s.RefreshTTL = 90 * time.Minute })
			first := w.login(web())
			w.clock.Pass(time.Hour)
			if second := w.refresh(web(), first.Refresh); second.ExpiresIn != 30*time.Minute {
				t.Errorf("expires_in = %v, want 30m", second.ExpiresIn)
			}
		},
		"a repeat after the keys were rotated is identical": func(t *testing.T, a Adapter) {
			old, fresh := []byte("the old root of the suite, 32 bytes"), []byte("the new root of the suite, 32 bytes")
			before, err := mandate.NewSecret(old)
			if err != nil {
				t.Fatal(err)
			}
			after, err := mandate.NewSecret(fresh, old)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, a, func(s *setup) { s.Secret = before })
			next := newWorld(t, a, func(s *setup) {
				s.Secret, s.Issuer, s.store, s.clock = after, w.issuer, w.store, w.clock
				s.Store, s.Now = w.store, w.clock.Now
			})
			first := w.login(web())
			second := w.refresh(web(), first.Refresh)
			if again := next.refresh(web(), first.Refresh); again.Refresh != second.Refresh {
				t.Error("the successor is another")
			}
			third := next.refresh(web(), second.Refresh)
			next.refresh(web(), third.Refresh)
			next.token(web(), web().exchange(w.code(web()))).tokens(t)
		},
		"a token made under another secret is garbage": func(t *testing.T, a Adapter) {
			w := newWorld(t, a, nil)
			next := newWorld(t, a, func(s *setup) { s.Issuer, s.Store, s.Now = w.issuer, w.store, w.clock.Now })
			got := w.login(web())
			next.token(web(), refreshing(got.Refresh)).refused(t, 400, "invalid_grant")
			next.token(web(), web().exchange(w.code(web()))).refused(t, 400, "invalid_grant")
			w.refresh(web(), got.Refresh)
		},
	}
}
