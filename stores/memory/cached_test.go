package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-mandate/mandate/conformance/storetest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// counted counts the look-ups that reach a store. Where after is set it is called with each answer, before anybody has it.
type counted struct {
	*memstore.Store
	asked atomic.Int64
	after func()
	fail  error // of revocations that were made all the same
	down  atomic.Pointer[error]
}

func (c *counted) Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	c.asked.Add(1)
	if err := c.down.Load(); err != nil {
		return nil, *err
	}
	tok, err := c.Store.Token(ctx, key, now)
	if c.after != nil {
		c.after()
	}
	return tok, err
}

func (c *counted) RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error {
	return errors.Join(c.Store.RevokeToken(ctx, key, expires), c.fail)
}

func (c *counted) RevokeGrant(ctx context.Context, id string, why store.Reason, now time.Time) error {
	return errors.Join(c.Store.RevokeGrant(ctx, id, why, now), c.fail)
}

func (c *counted) RevokeGrants(ctx context.Context, q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
	list, err := c.Store.RevokeGrants(ctx, q, why, now)
	return list, errors.Join(err, c.fail)
}

// asks tells how many look-ups f cost the store.
func (c *counted) asks(f func()) int64 {
	before := c.asked.Load()
	f()
	return c.asked.Load() - before
}

// looked says what Token must return at now, and how often the store is asked for it.
func looked(t *testing.T, s store.Store, base *counted, key mandate.Digest, now time.Time, asks int64, want error) {
	t.Helper()
	var err error
	n := base.asks(func() { _, err = s.Token(t.Context(), key, now) })
	if !errors.Is(err, want) || n != asks {
		t.Errorf("Token after %v: error = %v with %d look-ups, want %v with %d", now.Sub(start), err, n, want, asks)
	}
}

// In one process a cached store is a store.
func TestCachedConformance(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(store.Store) store.Store{
		"cached":              func(s store.Store) store.Store { return store.Cached(s, store.CacheConfig{}) },
		"cached for a minute": func(s store.Store) store.Store { return store.Cached(s, store.CacheConfig{Stale: time.Hour}) },
		"one place":           func(s store.Store) store.Store { return store.Cached(s, store.CacheConfig{Size: 1}) },
		"around a namespace": func(s store.Store) store.Store {
			return store.Cached(store.Namespace(s, "acme"), store.CacheConfig{})
		},
		"in a namespace": func(s store.Store) store.Store {
			return store.Namespace(store.Cached(s, store.CacheConfig{}), "acme")
		},
		"as a part": func(s store.Store) store.Store {
			return store.Override(memstore.New(), parts(store.Cached(s, store.CacheConfig{})))
		},
		"no cache": func(s store.Store) store.Store { return store.Cached(s, store.CacheConfig{Size: -1}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(*testing.T) store.Store { return wrap(memstore.New()) }, storetest.Features{
				Shared: func(*testing.T) (a, b store.Store) { a = wrap(memstore.New()); return a, a },
				Reopen: func(_ *testing.T, s store.Store) store.Store { return s },
				Rounds: 10,
			})
		})
	}
}

func TestCachedIsAWriterWhereItsBaseIs(t *testing.T) {
	t.Parallel()
	base := memstore.New()
	if _, ok := store.Cached(base, store.CacheConfig{}).(store.ClientWriter); !ok {
		t.Error("the writer is lost")
	}
	if _, ok := store.Cached(struct{ store.Store }{base}, store.CacheConfig{}).(store.ClientWriter); ok {
		t.Error("there is a writer where base has none")
	}
	for _, off := range []store.CacheConfig{{Size: -1}, {Stale: -1}} {
		if store.Cached(base, off) != store.Store(base) {
			t.Errorf("Cached(%+v) is not base", off)
		}
	}
}

func TestCachedFor(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	type look struct {
		after time.Duration
		asks  int64
		err   error
	}
	for name, tc := range map[string]struct {
		stale   time.Duration
		revoked bool // elsewhere, after the first look
		looks   []look
	}{
		"five seconds":                    {looks: []look{{0, 1, nil}, {0, 0, nil}, {5*s - ms, 0, nil}, {5 * s, 1, nil}, {9 * s, 0, nil}, {10 * s, 1, nil}}},
		"as long as it is told":           {stale: 20 * s, looks: []look{{0, 1, nil}, {19 * s, 0, nil}, {20 * s, 1, nil}}},
		"a minute at most":                {stale: time.Hour, looks: []look{{0, 1, nil}, {60*s - ms, 0, nil}, {60 * s, 1, nil}}},
		"less than a millisecond":         {stale: 1, looks: []look{{0, 1, nil}, {0, 0, nil}, {1, 1, nil}, {s, 1, nil}}},
		"not at the token's end":          {looks: []look{{time.Hour - ms, 1, nil}, {time.Hour - ms, 0, nil}, {time.Hour, 1, store.ErrExpired}, {time.Hour - ms, 1, nil}}},
		"not after the token's end":       {looks: []look{{time.Hour - s, 1, nil}, {time.Hour + s, 1, store.ErrExpired}}},
		"until another process is seen":   {revoked: true, looks: []look{{0, 1, nil}, {5*s - ms, 0, nil}, {5 * s, 1, store.ErrRevoked}, {5 * s, 1, store.ErrRevoked}}},
		"no verdict":                      {looks: []look{{2 * time.Hour, 1, store.ErrExpired}, {2 * time.Hour, 1, store.ErrExpired}, {0, 1, nil}}},
		"no longer by a clock behind":     {revoked: true, looks: []look{{10 * s, 1, nil}, {9 * s, 1, store.ErrRevoked}, {11 * s, 1, store.ErrRevoked}}},
		"no longer by a clock set back":   {revoked: true, looks: []look{{0, 1, nil}, {4 * s, 0, nil}, {2 * s, 1, store.ErrRevoked}, {4 * s, 1, store.ErrRevoked}}},
		"however late a caller is":        {looks: []look{{0, 1, nil}, {4 * s, 0, nil}, {4*s - 500*ms, 0, nil}, {4*s + 500*ms, 0, nil}, {5 * s, 1, nil}}},
		"by a clock that was far ahead":   {looks: []look{{50 * time.Minute, 1, nil}, {0, 1, nil}, {4 * s, 0, nil}, {5 * s, 1, nil}}},
		"no longer by hits in the middle": {looks: []look{{0, 1, nil}, {2 * s, 0, nil}, {4 * s, 0, nil}, {6 * s, 1, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := &counted{Store: memstore.New()}
			c := store.Cached(base, store.CacheConfig{Stale: tc.stale})
			g := approve(t, base.Store)
			key := mint(t, base.Store, g)
			for i, l := range tc.looks {
				looked(t, c, base, key, start.Add(l.after), l.asks, l.err)
				if i == 0 && tc.revoked {
					if err := base.RevokeGrant(t.Context(), g.ID, store.ByAdmin, start); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// The wall clock may be set back; the monotonic clock that comes with time.Now is not.
func TestCachedByTheMonotonicClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		base := &counted{Store: memstore.New()}
		c := store.Cached(base, store.CacheConfig{})
		key := mandate.DigestOf("x")
		if err := base.PutToken(t.Context(), key, mandate.NewToken(mandate.TokenInfo{ClientID: "c"})); err != nil {
			t.Fatal(err)
		}
		looked(t, c, base, key, time.Now(), 1, nil)
		time.Sleep(5*time.Second - time.Millisecond)
		looked(t, c, base, key, time.Now(), 0, nil)
		time.Sleep(time.Millisecond)
		looked(t, c, base, key, time.Now(), 1, nil)
	})
}

func TestCachedRevocation(t *testing.T) {
	t.Parallel()
	unclear := errors.New("nobody knows")
	for name, end := range map[string]struct {
		revoke func(s store.Store, g store.Grant, key mandate.Digest) error
		whole  bool // all tokens of the grant end
	}{
		"RevokeToken": {func(s store.Store, _ store.Grant, key mandate.Digest) error {
			return s.RevokeToken(context.Background(), key, start.Add(time.Hour))
		}, false},
		"RevokeGrant": {func(s store.Store, g store.Grant, _ mandate.Digest) error {
			return s.RevokeGrant(context.Background(), g.ID, store.ByReuse, start)
		}, true},
		"RevokeGrants": {func(s store.Store, g store.Grant, _ mandate.Digest) error {
			_, err := s.RevokeGrants(context.Background(), store.GrantQuery{Subject: g.Subject}, store.ByLogout, start)
			return err
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("in one process is at once", func(t *testing.T) {
				t.Parallel()
				base := &counted{Store: memstore.New()}
				c := store.Cached(base, store.CacheConfig{})
				g, spared := approve(t, base.Store), approve(t, base.Store)
				key, sister, other := mint(t, base.Store, g), mint(t, base.Store, g), mint(t, base.Store, spared)
				for _, k := range []mandate.Digest{key, sister, other} {
					looked(t, c, base, k, start, 1, nil)
					looked(t, c, base, k, start, 0, nil)
				}
				if err := end.revoke(c, g, key); err != nil {
					t.Fatal(err)
				}
				looked(t, c, base, key, start, 1, store.ErrRevoked)
				if _, err := c.Token(t.Context(), sister, start); errors.Is(err, store.ErrRevoked) != end.whole {
					t.Errorf("another token of the grant: error = %v", err)
				}
				if _, err := c.Token(t.Context(), other, start); err != nil {
					t.Errorf("a token of another grant: %v", err)
				}
				looked(t, c, base, other, start, 0, nil)
			})
			t.Run("that seemed to fail counts", func(t *testing.T) {
				t.Parallel()
				base := &counted{Store: memstore.New(), fail: unclear}
				c := store.Cached(base, store.CacheConfig{})
				g := approve(t, base.Store)
				key := mint(t, base.Store, g)
				looked(t, c, base, key, start, 1, nil)
				if err := end.revoke(c, g, key); !errors.Is(err, unclear) {
					t.Fatalf("error = %v, want that of the store", err)
				}
				looked(t, c, base, key, start, 1, store.ErrRevoked)
			})
			t.Run("passes a look-up on its way", func(t *testing.T) {
				t.Parallel()
				base := &counted{Store: memstore.New()}
				c := store.Cached(base, store.CacheConfig{})
				g := approve(t, base.Store)
				key := mint(t, base.Store, g)
				base.after = sync.OnceFunc(func() { // the answer is that it lives, and is not with the caller yet
					if err := end.revoke(c, g, key); err != nil {
						t.Error(err)
					}
				})
				looked(t, c, base, key, start, 1, nil)
				looked(t, c, base, key, start, 1, store.ErrRevoked)
			})
			t.Run("elsewhere is seen in time", func(t *testing.T) {
				t.Parallel()
				base := &counted{Store: memstore.New()}
				here, there := store.Cached(base, store.CacheConfig{}), store.Cached(base, store.CacheConfig{})
				g := approve(t, base.Store)
				key := mint(t, base.Store, g)
				looked(t, here, base, key, start, 1, nil)
				looked(t, there, base, key, start, 1, nil)
				if err := end.revoke(there, g, key); err != nil {
					t.Fatal(err)
				}
				looked(t, there, base, key, start, 1, store.ErrRevoked)
				looked(t, here, base, key, start.Add(5*time.Second-time.Millisecond), 0, nil)
				looked(t, here, base, key, start.Add(5*time.Second), 1, store.ErrRevoked)
			})
		})
	}
}

// What a prune takes is gone, also by the clock of somebody who is behind.
func TestCachedPrune(t *testing.T) {
	t.Parallel()
	base := &counted{Store: memstore.New()}
	c := store.Cached(base, store.CacheConfig{})
	key := mint(t, base.Store, approve(t, base.Store))
	looked(t, c, base, key, start, 1, nil)
	if n, err := c.Prune(t.Context(), start, 10); n != 0 || err != nil {
		t.Fatalf("Prune = %d, %v, want nothing", n, err)
	}
	looked(t, c, base, key, start, 0, nil)
	if n, err := c.Prune(t.Context(), start.Add(2*time.Hour), 10); n != 1 || err != nil {
		t.Fatalf("Prune = %d, %v, want the token", n, err)
	}
	looked(t, c, base, key, start, 1, store.ErrNotFound)
}

func TestCachedIsBounded(t *testing.T) {
	t.Parallel()
	for size, most := range map[int]int64{1: 1, 5: 5, 8: 8, 100: 100, 1000: 1000, 1001: 1001} {
		t.Run(fmt.Sprint("size ", size), func(t *testing.T) {
			t.Parallel()
			base := &counted{Store: memstore.New()}
			c := store.Cached(base, store.CacheConfig{Size: size})
			g := approve(t, base.Store)
			keys := make([]mandate.Digest, 30*size)
			for i := range keys {
				keys[i] = mint(t, base.Store, g)
				looked(t, c, base, keys[i], start, 1, nil)
			}
			looked(t, c, base, keys[len(keys)-1], start, 0, nil)
			outage := errors.New("the store is away")
			base.down.Store(&outage) // so that a miss puts nothing in the place of another
			kept := int64(0)
			for _, key := range keys {
				if _, err := c.Token(t.Context(), key, start); err == nil {
					kept++
				} else if !errors.Is(err, outage) {
					t.Fatal(err)
				}
			}
			if kept > most || kept <= most/2 {
				t.Errorf("%d tokens are remembered, want at most %d and more than half of that", kept, most)
			}
		})
	}
}

func TestCachedForgetsTheOldest(t *testing.T) {
	t.Parallel()
	base := &counted{Store: memstore.New()}
	c := store.Cached(base, store.CacheConfig{Size: 8}) // one row
	g := approve(t, base.Store)
	var keys []mandate.Digest
	for i := range 9 {
		keys = append(keys, mint(t, base.Store, g))
		looked(t, c, base, keys[i], start.Add(time.Duration(i)*time.Millisecond), 1, nil)
	}
	now := start.Add(10 * time.Millisecond)
	for _, key := range keys[1:] {
		looked(t, c, base, key, now, 0, nil)
	}
	looked(t, c, base, keys[0], now, 1, nil)
	looked(t, c, base, keys[1], now, 1, nil)
}

// Many who look a token up at once take one place.
func TestCachedTakesOnePlaceForAToken(t *testing.T) {
	t.Parallel()
	base := &counted{Store: memstore.New()}
	c := store.Cached(base, store.CacheConfig{Size: 8})
	g := approve(t, base.Store)
	var others []mandate.Digest
	for i := range 7 {
		others = append(others, mint(t, base.Store, g))
		looked(t, c, base, others[i], start, 1, nil)
	}
	hot := mint(t, base.Store, g)
	left := 8
	base.after = func() { // all are on their way before the first comes back
		if left--; left > 0 {
			if _, err := c.Token(t.Context(), hot, start); err != nil {
				t.Error(err)
			}
		}
	}
	looked(t, c, base, hot, start, 8, nil)
	base.after = nil
	for _, key := range append(others, hot) {
		looked(t, c, base, key, start, 0, nil)
	}
}

// Once a call that revokes has returned nobody gets the token, whoever was looking it up.
func TestCachedRaces(t *testing.T) {
	t.Parallel()
	base := memstore.New()
	c := store.Cached(base, store.CacheConfig{Size: 64})
	for round := range 300 {
		g := approve(t, base)
		key := mint(t, base, g)
		var over atomic.Bool
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 200 {
					dead := over.Load()
					if _, err := c.Token(t.Context(), key, start); err == nil && dead {
						t.Errorf("round %d: the token is live after it was revoked", round)
						return
					} else if errors.Is(err, store.ErrRevoked) && dead {
						return
					}
				}
			})
		}
		wg.Go(func() {
			var err error
			switch round % 3 {
			case 0:
				err = c.RevokeToken(t.Context(), key, start.Add(time.Hour))
			case 1:
				err = c.RevokeGrant(t.Context(), g.ID, store.ByReuse, start)
			default:
				_, err = c.RevokeGrants(t.Context(), store.GrantQuery{Subject: g.Subject}, store.ByLogout, start)
			}
			if err != nil {
				t.Error(err)
			}
			over.Store(true)
		})
		wg.Wait()
		if _, err := c.Token(t.Context(), key, start); !errors.Is(err, store.ErrRevoked) {
			t.Fatalf("round %d: error = %v, want ErrRevoked", round, err)
		}
	}
}

func TestCachedHitAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun refuses it
	s := memstore.New()
	key, ctx := mint(t, s, approve(t, s)), t.Context()
	c := store.Cached(s, store.CacheConfig{})
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := c.Token(ctx, key, start); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Token allocates %v times, want 0", n)
	}
}

func BenchmarkCachedToken(b *testing.B) {
	s := memstore.New()
	g := approve(b, s)
	keys := make([]mandate.Digest, 1000)
	for i := range keys {
		keys[i] = mint(b, s, g)
	}
	for name, s := range map[string]store.Store{"memory": s, "cached": store.Cached(s, store.CacheConfig{})} {
		for _, n := range []int{1, len(keys)} {
			b.Run(fmt.Sprintf("%s/tokens=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				ctx, now := b.Context(), time.Now()
				for i := 0; b.Loop(); i++ {
					if _, err := s.Token(ctx, keys[i%n], now); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/tokens=%d/parallel", name, n), func(b *testing.B) {
				ctx, now := b.Context(), time.Now()
				b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); i++ {
						if _, err := s.Token(ctx, keys[i%n], now); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
