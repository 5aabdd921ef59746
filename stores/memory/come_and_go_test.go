package memstore_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// What lives is found by ID, by key and by subject, and what is over is not, while others come and go in the cells around it.
func TestGrantsComeAndGo(t *testing.T) {
	t.Parallel()
	type login struct {
		id         string
		key, token mandate.Digest
		end        time.Time
	}
	ctx, s, now := t.Context(), memstore.New(), start
	var logins []login
	for round := range 30 {
		for range 1_000 {
			l := login{text(16), mandate.DigestOf(text(16)), mandate.DigestOf(text(32)), now.Add(time.Duration(1+rand.IntN(600)) * time.Second)}
			g := store.Grant{ID: l.id, Key: l.key, Subject: l.id, SessionID: "all", Created: now, Expires: l.end}
			for _, err := range []error{
				s.CreateGrant(ctx, g),
				s.PutToken(ctx, l.token, mandate.NewToken(mandate.TokenInfo{GrantID: l.id, Expires: l.end})),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, taken := range []store.Grant{{ID: l.id, Key: mandate.DigestOf(text(16))}, {ID: text(16), Key: l.key}} {
				if err := s.CreateGrant(ctx, taken); !errors.Is(err, store.ErrExists) {
					t.Fatalf("CreateGrant of what is taken = %v, want %v", err, store.ErrExists)
				}
			}
			logins = append(logins, l)
		}
		now = now.Add(time.Minute)
		forget(t, s, now)
		for _, l := range logins {
			var want error
			if l.end.Before(now) {
				want = store.ErrNotFound
			} else if !now.Before(l.end) {
				continue // its last millisecond
			}
			_, byID := s.Grant(ctx, l.id)
			_, byKey := s.GrantByKey(ctx, l.key)
			_, token := s.Token(ctx, l.token, now)
			for name, err := range map[string]error{"Grant": byID, "GrantByKey": byKey, "Token": token} {
				if !errors.Is(err, want) {
					t.Fatalf("round %d: %s = %v, want %v", round, name, err, want)
				}
			}
			if list, err := s.FindGrants(ctx, store.GrantQuery{Subject: l.id}, store.Page{}); err != nil || (len(list) == 0) != (want != nil) {
				t.Fatalf("round %d: FindGrants = %d grants, %v", round, len(list), err)
			}
		}
	}
}

// Any key may come again once it was dropped, even the one of all zeros.
func TestKeyComesAgain(t *testing.T) {
	t.Parallel()
	ctx, s, now := t.Context(), memstore.New(), start
	for round := range 3 {
		for _, key := range []mandate.Digest{{}, mandate.DigestOf("one")} {
			if _, err := s.Token(ctx, key, now); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("round %d: Token = %v, want %v", round, err, store.ErrNotFound)
			}
			if err := s.PutToken(ctx, key, brief(now)); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
			if err := s.PutToken(ctx, key, brief(now)); !errors.Is(err, store.ErrExists) {
				t.Errorf("round %d: PutToken of what is there = %v, want %v", round, err, store.ErrExists)
			}
		}
		now = now.Add(2 * time.Minute)
		forget(t, s, now)
	}
}

// Of many grants that one subject or one session has, each is forgotten as fast as any other, and what stays is found.
func TestManyGrantsInCommon(t *testing.T) { //nolint:paralleltest // what runs beside it would be measured
	const n = 20_000
	build := func(in func(i int, g *store.Grant)) (*memstore.Store, time.Duration) {
		s := memstore.New()
		for i := range n {
			g := store.Grant{ID: text(16), Created: start, Expires: start.Add(time.Duration(1+i%2) * time.Hour)}
			in(i, &g)
			if err := s.CreateGrant(t.Context(), g); err != nil {
				t.Fatal(err)
			}
		}
		at := time.Now()
		if gone := forget(t, s, start.Add(90*time.Minute)); gone != n/2 {
			t.Fatalf("%d grants went, want %d", gone, n/2)
		}
		return s, time.Since(at)
	}
	_, usual := build(func(i int, g *store.Grant) { g.Subject, g.SessionID = text(16), text(16) })
	for name, tc := range map[string]struct {
		in func(i int, g *store.Grant)
		q  store.GrantQuery
	}{
		"one subject": {func(_ int, g *store.Grant) { g.Subject = "one" }, store.GrantQuery{Subject: "one"}},
		"one session": {func(_ int, g *store.Grant) { g.SessionID = "one" }, store.GrantQuery{SessionID: "one"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, took := build(tc.in)
			if t.Logf("%v, %v", took, usual); took > 20*usual+100*time.Millisecond {
				t.Errorf("to forget took %v, and %v where they have nothing in common", took, usual)
			}
			for what, find := range map[string]func() ([]store.Grant, error){
				"FindGrants":   func() ([]store.Grant, error) { return s.FindGrants(t.Context(), tc.q, store.Page{Limit: n}) },
				"RevokeGrants": func() ([]store.Grant, error) { return s.RevokeGrants(t.Context(), tc.q, store.ByLogout, start) },
			} {
				if list, err := find(); err != nil || len(list) != n/2 {
					t.Errorf("%s = %d grants, %v, want the %d that stay", what, len(list), err, n/2)
				}
			}
			if gone := forget(t, s, start.Add(3*time.Hour)); gone != n/2 {
				t.Errorf("%d grants went, want %d", gone, n/2)
			}
			if list, err := s.FindGrants(t.Context(), tc.q, store.Page{}); err != nil || len(list) != 0 {
				t.Errorf("FindGrants = %d grants, %v, want none", len(list), err)
			}
		})
	}
}
