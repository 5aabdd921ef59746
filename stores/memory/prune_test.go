package memstore_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// forget prunes until nothing is left to prune, and returns how many records went.
func forget(t *testing.T, s *memstore.Store, now time.Time) (n int) {
	t.Helper()
	for {
		k, err := s.Prune(t.Context(), now, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if n += k; k == 0 {
			return n
		}
	}
}

// brief returns a token that lives for a minute from now on.
func brief(now time.Time) *mandate.Token {
	return mandate.NewToken(mandate.TokenInfo{IssuedAt: now, Expires: now.Add(time.Minute)})
}

func TestPruneGivesMemoryBack(t *testing.T) { //nolint:paralleltest // what runs beside it would be measured
	before := heap()
	s := memstore.New()
	const grants = 50_000
	for range grants {
		mint(t, s, approve(t, s))
	}
	full := heap() - before
	if n := forget(t, s, start.Add(31*24*time.Hour)); n != 2*grants {
		t.Errorf("%d records went, want %d", n, 2*grants)
	}
	if left := heap() - before; left > full/4 {
		t.Errorf("%d bytes of %d are still held", left, full)
	}
	mint(t, s, approve(t, s)) // and it works on
}

// Who never calls Prune loses no memory for good: writes drop what has long been over.
func TestWritesPruneWhereNobodyDoes(t *testing.T) { //nolint:paralleltest // what runs beside it would be measured
	const rounds, each = 40, 2_000
	ctx, s, now := t.Context(), memstore.New(), start
	var low uint64
	for round := range rounds {
		for range each {
			g := store.Grant{ID: text(16), Key: mandate.DigestOf(text(16)), Created: now, Expires: now.Add(time.Minute)}
			w := store.Ticket{Kind: store.Device, Key: mandate.DigestOf(text(16)), AltKey: mandate.DigestOf(text(16)), Expires: now.Add(time.Minute)}
			for _, err := range []error{
				s.CreateGrant(ctx, g),
				s.PutToken(ctx, mandate.DigestOf(text(16)), brief(now)),
				s.RevokeToken(ctx, mandate.DigestOf(text(16)), now.Add(time.Minute)),
				s.UseOnce(ctx, "jti", mandate.DigestOf(text(16)), now, now.Add(time.Minute)),
				s.PutTicket(ctx, w),
				s.PutSession(ctx, store.Session{Key: mandate.DigestOf(text(16)), ID: text(16), Expires: now.Add(time.Minute)}),
				s.PutConsent(ctx, store.Consent{Subject: text(16), ClientID: "c", Expires: now.Add(time.Minute)}),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		now = now.Add(30 * time.Minute)
		_, _ = s.Token(ctx, mandate.Digest{}, now) // somebody tells the time
		switch round {
		case rounds / 4:
			low = heap()
		case rounds - 1:
			if high := heap(); high > low+low/4 {
				t.Errorf("the heap grew from %d to %d bytes", low, high)
			}
		}
	}
	if n := forget(t, s, now.Add(time.Hour)); n > 7*each*8 {
		t.Errorf("%d records were left", n)
	}
}

// A record that is put and taken away again and again leaves nothing behind.
func TestPutAndDelete(t *testing.T) { //nolint:paralleltest // what runs beside it would be measured
	ctx, s := t.Context(), memstore.New()
	before := heap()
	for range 200_000 {
		c := store.Consent{Subject: "s", ClientID: "c", Expires: start.Add(365 * 24 * time.Hour)}
		if err := s.PutConsent(ctx, c); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteConsent(ctx, "s", "c"); err != nil {
			t.Fatal(err)
		}
	}
	if after := heap(); after > before+100_000 {
		t.Errorf("%d bytes are still held", after-before)
	}
}

// A token that lives is found at every moment, whatever is written around it.
func TestReadersSeeWhatStays(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), memstore.New()
	g := approve(t, s)
	var keys []mandate.Digest
	for range 500 {
		keys = append(keys, mint(t, s, g))
	}
	var stop atomic.Bool
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; !stop.Load(); i++ {
				if _, err := s.Token(ctx, keys[i%len(keys)], start); err != nil {
					t.Errorf("a live token: %v", err)
					return
				}
			}
		})
	}
	for range 2 {
		writers.Go(func() {
			for range 10 {
				for range 3_000 { // the tables grow
					key := mandate.DigestOf(text(16))
					if err := s.PutToken(ctx, key, brief(start)); err != nil {
						t.Error(err)
					}
					if key[0]%4 == 0 {
						if err := s.RevokeToken(ctx, key, start.Add(2*time.Minute)); err != nil {
							t.Error(err)
						}
					}
				}
				if _, err := s.Prune(ctx, start.Add(5*time.Minute), 100_000); err != nil { // and shrink
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
}

// A clock that jumped ahead for a moment and came back costs nothing that was written since.
func TestClockThatComesBack(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]func(s *memstore.Store, now time.Time){
		"told by a token": func(s *memstore.Store, now time.Time) { _, _ = s.Token(t.Context(), mandate.DigestOf("x"), now) },
		"told by a use": func(s *memstore.Store, now time.Time) {
			_ = s.UseOnce(t.Context(), "x", mandate.DigestOf(text(16)), now, now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := t.Context(), memstore.New()
			jump(s, start.Add(365*24*time.Hour))
			jump(s, start)
			end := start.Add(time.Hour)
			if err := s.UseOnce(ctx, "jti", mandate.DigestOf("one"), start, end); err != nil {
				t.Fatal(err)
			}
			if err := s.RevokeToken(ctx, mandate.DigestOf("one"), end); err != nil {
				t.Fatal(err)
			}
			for range 5000 {
				for _, err := range []error{
					s.UseOnce(ctx, "jti", mandate.DigestOf(text(16)), start, end.Add(time.Minute)),
					s.PutToken(ctx, mandate.DigestOf(text(16)), mandate.NewToken(mandate.TokenInfo{Expires: end.Add(time.Minute)})),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := s.UseOnce(ctx, "jti", mandate.DigestOf("one"), start, end); !errors.Is(err, store.ErrUsed) {
				t.Errorf("a second use = %v, want %v", err, store.ErrUsed)
			}
			if _, err := s.Token(ctx, mandate.DigestOf("one"), start); !errors.Is(err, store.ErrRevoked) {
				t.Errorf("the revoked token = %v, want %v", err, store.ErrRevoked)
			}
		})
	}
}
