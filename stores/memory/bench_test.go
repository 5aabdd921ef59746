package memstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func TestTokenAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun refuses it
	s := memstore.New()
	key, now, ctx := mint(t, s, approve(t, s)), start.Add(time.Minute), t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.Token(ctx, key, now); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Token allocates %v times, want 0", n)
	}
}

func TestGrantAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun refuses it
	s := memstore.New()
	g, ctx := approve(t, s), t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.GrantByKey(ctx, g.Key); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("GrantByKey allocates %v times, want 0", n)
	}
}

func BenchmarkToken(b *testing.B) {
	s := memstore.New()
	var keys []mandate.Digest
	for range 10_000 {
		g := approve(b, s)
		for range 10 {
			keys = append(keys, mint(b, s, g))
		}
	}
	now := start.Add(time.Minute)
	for _, n := range []int{1, 1_000, len(keys)} {
		b.Run(fmt.Sprintf("tokens=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			ctx := b.Context()
			var from atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for i := int(from.Add(7919)); pb.Next(); i++ {
					if _, err := s.Token(ctx, keys[i%n], now); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkPutToken(b *testing.B) {
	s := memstore.New()
	g := approve(b, s)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mint(b, s, g)
		}
	})
}

func BenchmarkRedeem(b *testing.B) {
	s := memstore.New()
	g := approve(b, s)
	r := store.Redemption{GrantID: g.ID, Now: start, KeyID: g.KeyID, Expires: g.Expires}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Redeem(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		r.From++
	}
}

func BenchmarkRevokeGrants(b *testing.B) {
	s := memstore.New()
	for range 100_000 {
		approve(b, s)
	}
	for b.Loop() {
		if _, err := s.RevokeGrants(b.Context(), store.GrantQuery{SessionID: "none"}, store.ByLogout, start); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGrantByKey(b *testing.B) {
	s := memstore.New()
	g := approve(b, s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.GrantByKey(b.Context(), g.Key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUseOnce(b *testing.B) {
	s := memstore.New()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.UseOnce(b.Context(), "jti", mandate.DigestOf(text(16)), start, start.Add(time.Minute)); err != nil {
				b.Error(err)
			}
		}
	})
}
