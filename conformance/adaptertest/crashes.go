package adaptertest

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// how a call ends that is the one.
type ending int

const (
	undone  ending = iota // it fails and has done nothing
	done                  // it fails and has done it: the answer was lost
	panics                // before it does anything
	paniced               // after it did it
	endings               // how many there are
)

// unbroken is how many calls are left in a store that does not break.
const unbroken = -1

// brittleStore breaks at one call.
type brittleStore struct {
	store.Store
	mu   sync.Mutex // guards the rest
	left int        // calls until then; negative: it does not break
	how  ending
	hit  string // what broke
}

// at sets the call to break at, and returns what broke at the one before.
func (s *brittleStore) at(n int, how ending) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	hit := s.hit
	s.left, s.how, s.hit = n, how, ""
	return hit
}

// call does what a call does, or breaks.
func (s *brittleStore) call(name string, do func() error) error {
	s.mu.Lock()
	broken := s.left == 0
	if s.left >= 0 {
		s.left--
	}
	if broken {
		s.hit = name
	}
	how := s.how
	s.mu.Unlock()
	if !broken {
		return do()
	}
	if how == done || how == paniced {
		_ = do()
	}
	if how == panics || how == paniced {
		panic(errStore) //nolint:forbidigo // as a driver may
	}
	return errStore
}

// The methods of store.Store that may break.

func (s *brittleStore) CreateGrant(ctx context.Context, g store.Grant) error {
	return s.call("CreateGrant", func() error { return s.Store.CreateGrant(ctx, g) })
}

func (s *brittleStore) Grant(ctx context.Context, id string) (g store.Grant, err error) {
	err = s.call("Grant", func() error { g, err = s.Store.Grant(ctx, id); return err })
	return g, err
}

func (s *brittleStore) GrantByKey(ctx context.Context, key mandate.Digest) (g store.Grant, err error) {
	err = s.call("GrantByKey", func() error { g, err = s.Store.GrantByKey(ctx, key); return err })
	return g, err
}

func (s *brittleStore) Redeem(ctx context.Context, r store.Redemption) (kid string, err error) {
	err = s.call("Redeem", func() error { kid, err = s.Store.Redeem(ctx, r); return err })
	return kid, err
}

func (s *brittleStore) RevokeGrant(ctx context.Context, id string, why store.Reason, now time.Time) error {
	return s.call("RevokeGrant", func() error { return s.Store.RevokeGrant(ctx, id, why, now) })
}

func (s *brittleStore) PutToken(ctx context.Context, key mandate.Digest, t *mandate.Token) error {
	return s.call("PutToken", func() error { return s.Store.PutToken(ctx, key, t) })
}

func (s *brittleStore) RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error {
	return s.call("RevokeToken", func() error { return s.Store.RevokeToken(ctx, key, expires) })
}

func (s *brittleStore) Ticket(ctx context.Context, kind store.Kind, key mandate.Digest, now time.Time) (t store.Ticket, err error) {
	err = s.call("Ticket", func() error { t, err = s.Store.Ticket(ctx, kind, key, now); return err })
	return t, err
}

func (s *brittleStore) PutTicket(ctx context.Context, t store.Ticket) error {
	return s.call("PutTicket", func() error { return s.Store.PutTicket(ctx, t) })
}

func (s *brittleStore) UpdateTicket(ctx context.Context, t store.Ticket) error {
	return s.call("UpdateTicket", func() error { return s.Store.UpdateTicket(ctx, t) })
}

// attempt sends a token request, and returns what it got, if anything.
func (w *world) attempt(p party, form url.Values) (got tokens, ok bool) {
	w.t.Helper()
	a := w.token(p, form)
	if a.Status != 200 {
		return got, false
	}
	return a.tokens(w.t), true
}

// crashes are the cases of a store that breaks at one call after the other: nothing is ever half true.
func crashes() cases {
	each := func(t *testing.T, a Adapter, flow func(w *world, round string, broken func(), whole func())) {
		t.Helper()
		for how := range endings {
			var brittle *brittleStore
			w := newWorld(t, a, func(s *setup) {
				imports(s)
				brittle = &brittleStore{Store: s.Store, left: unbroken}
				s.Store = brittle
			})
			for n := 0; ; n++ {
				hit := ""
				flow(w, fmt.Sprint(how, "-", n), func() { brittle.at(n, how) }, func() { hit = brittle.at(unbroken, how) })
				if t.Failed() {
					t.Fatalf("ending %d, at call %d: %s", how, n, hit)
				}
				if hit == "" {
					break
				}
			}
		}
	}
	// settled: of several answers to one credential the tokens live if the last of them did not refuse, and die otherwise.
	settled := func(w *world, p party, got []tokens, alive bool) {
		w.t.Helper()
		for _, one := range got {
			if alive {
				w.alive(one.Access)
			} else {
				w.dead(p, one.Access, one.Refresh)
			}
		}
	}
	return cases{
		"a code": func(t *testing.T, a Adapter) {
			for _, p := range []party{web(), jwtWeb()} {
				each(t, a, func(w *world, _ string, broken, whole func()) {
					code := w.code(p)
					broken()
					first, ok1 := w.attempt(p, p.exchange(code))
					whole()
					second, ok2 := w.attempt(p, p.exchange(code))
					if ok1 && ok2 {
						t.Errorf("the code was good twice: %v, %v", first, second)
					}
					if ok1 {
						w.dead(p, first.Access, first.Refresh)
					}
					if ok2 {
						w.alive(second.Access)
						w.refresh(p, second.Refresh)
					}
				})
			}
		},
		"a refresh token": func(t *testing.T, a Adapter) {
			each(t, a, func(w *world, _ string, broken, whole func()) {
				p := web()
				start := w.login(p)
				broken()
				first, ok := w.attempt(p, refreshing(start.Refresh))
				whole()
				second := w.refresh(p, start.Refresh) // within the grace nobody is signed out
				if ok && first.Refresh != second.Refresh {
					t.Errorf("two successors")
				}
				settled(w, p, []tokens{start, second}, true)
				third := w.refresh(p, second.Refresh)
				broken()
				w.attempt(p, refreshing(start.Refresh)) // reuse
				whole()
				w.token(p, refreshing(start.Refresh)).refused(t, 400, "invalid_grant")
				settled(w, p, []tokens{start, second, third}, false)
			})
		},
		"an imported token": func(t *testing.T, a Adapter) {
			each(t, a, func(w *world, round string, broken, whole func()) {
				p, one := web(), imported(w, web())
				one.Token += round
				broken()
				func() {
					defer func() { _ = recover() }()
					_ = w.srv.ImportRefreshToken(t.Context(), one)
				}()
				whole()
				w.takeIn(one) // a repeated import completes it
				w.refresh(p, one.Token)

				one.Token += "-again"
				w.takeIn(one)
				broken()
				first, ok1 := w.attempt(p, refreshing(one.Token))
				whole()
				second, ok2 := w.attempt(p, refreshing(one.Token))
				if ok1 && ok2 {
					t.Errorf("the token was good twice: %v, %v", first, second)
				}
				if ok1 {
					w.dead(p, first.Access, first.Refresh)
				}
				if ok2 {
					w.alive(second.Access)
				}
			})
		},
		"a client that acts for itself": func(t *testing.T, a Adapter) {
			own := url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}
			each(t, a, func(w *world, _ string, broken, whole func()) {
				if _, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{ClientID: service().id}, store.ByAdmin); err != nil {
					t.Error(err)
				}
				broken()
				first, ok := w.attempt(service(), own)
				whole()
				if ok {
					w.alive(first.Access)
				}
				w.alive(w.token(service(), own).tokens(t).Access)
			})
		},
		"a revocation": func(t *testing.T, a Adapter) {
			each(t, a, func(w *world, round string, broken, whole func()) {
				p, one := web(), imported(w, web())
				got := w.login(p)
				one.Token += round
				w.takeIn(one)
				broken()
				var said []string // of which the server said that they are over
				for _, token := range []string{got.Access, got.Refresh, one.Token} {
					if w.revoke(p, token).Status == 200 {
						said = append(said, token)
					}
				}
				whole()
				for _, token := range said {
					if token == got.Access {
						w.get(t, "/api", "Authorization", "Bearer "+token).refused(t, 401, "invalid_token")
					} else {
						w.token(p, refreshing(token)).refused(t, 400, "invalid_grant")
					}
				}
				for _, token := range []string{got.Access, got.Refresh, one.Token} {
					w.revoke(p, token).status(t, 200)
				}
				w.dead(p, got.Access, got.Refresh)
				w.token(p, refreshing(one.Token)).refused(t, 400, "invalid_grant")
			})
		},
	}
}
