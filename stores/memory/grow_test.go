package memstore_test

import (
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// What was put before a reader asked is there, whatever is put beside it: tables grow under readers, who take no lock.
func TestTokensAreFoundWhileTablesGrow(t *testing.T) {
	t.Parallel()
	s, ctx, now := memstore.New(), t.Context(), start.Add(time.Minute)
	g := approve(t, s)
	const total = 50_000
	keys := make([]mandate.Digest, total)
	var put, stop atomic.Int64
	done := make(chan struct{})
	for range 3 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := int64(0); stop.Load() == 0; i++ {
				n := put.Load()
				if n == 0 {
					runtime.Gosched()
					continue
				}
				if _, err := s.Token(ctx, keys[(i*7919)%n], now); err != nil {
					t.Errorf("token %d of %d: %v", (i*7919)%n, n, err)
					return
				}
			}
		}()
	}
	for i := range keys {
		keys[i] = mint(t, s, g)
		put.Add(1)
	}
	stop.Store(1)
	for range 3 {
		<-done
	}
}

// Tables shrink after a flood, to nothing at last.
func TestTokensComeAndGo(t *testing.T) {
	t.Parallel()
	s, ctx := memstore.New(), t.Context()
	g := approve(t, s)
	for range 300_000 {
		mint(t, s, g)
	}
	late := start.Add(2 * time.Hour)
	if n, err := s.Prune(ctx, late, 1_000_000); n != 300_000 || err != nil {
		t.Fatalf("Prune = %d, %v, want all 300000", n, err)
	}
	key := mint(t, s, g)
	if _, err := s.Token(ctx, key, start.Add(time.Minute)); err != nil {
		t.Errorf("a token after the flood: %v", err)
	}
}

// A limit that means all costs what any other does.
func TestLimitWithoutLimit(t *testing.T) {
	t.Parallel()
	s := memstore.New()
	const n = 5000
	for range n {
		if err := s.CreateGrant(t.Context(), store.Grant{ID: text(16), Created: start, Expires: start.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	find := func(limit int) testing.BenchmarkResult {
		return testing.Benchmark(func(b *testing.B) {
			b.Helper()
			for range b.N {
				if list, err := s.FindGrants(t.Context(), store.GrantQuery{}, store.Page{Limit: limit}); err != nil || len(list) != n {
					t.Errorf("FindGrants = %d grants, %v", len(list), err)
				}
			}
		})
	}
	if usual, most := find(1<<20).NsPerOp(), find(math.MaxInt).NsPerOp(); most > 20*usual {
		t.Errorf("%d ns without a limit, %d ns with one", most, usual)
	}
}
