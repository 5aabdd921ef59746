package gormstore_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// BenchmarkRedeem redeems codes through the store, and as a transaction that is written with GORM in the usual way.
func BenchmarkRedeem(b *testing.B) {
	for _, database := range []struct {
		name string
		open func(tb testing.TB) gorm.Dialector
	}{
		{"SQLite", func(tb testing.TB) gorm.Dialector {
			tb.Helper()
			// Immediate, or the usual way is refused by those who write beside it.
			return sqlite.Open(filepath.Join(tb.TempDir(), "bench.db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate")
		}},
		{"PostgreSQL", postgreSQL},
		{"MariaDB", func(tb testing.TB) gorm.Dialector { tb.Helper(); return mariaDB(tb, "") }},
	} {
		b.Run(database.name, func(b *testing.B) {
			db := open(b, database.open(b))
			s, prefix := migrated(b, db)
			for _, procs := range []int{1, 16, 64} {
				b.Run(fmt.Sprintf("store/goroutines=%d", procs), func(b *testing.B) {
					benchRedeem(b, s, procs, func(r store.Redemption) error {
						_, err := s.Redeem(b.Context(), r)
						return err
					})
				})
				b.Run(fmt.Sprintf("usual/goroutines=%d", procs), func(b *testing.B) {
					benchRedeem(b, s, procs, func(r store.Redemption) error { return usual(b, db, prefix, r) })
				})
			}
		})
	}
}

func benchRedeem(b *testing.B, s *gormstore.Store, procs int, redeem func(store.Redemption) error) {
	b.Helper()
	now := time.Now()
	ids := make([]string, 8192)
	for i := range ids {
		ids[i] = rand.Text()
		if err := s.CreateGrant(b.Context(), store.Grant{
			ID: ids[i], Key: mandate.DigestOf(ids[i]), ClientID: "web", Subject: "alice", SessionID: rand.Text(), Created: now, Expires: now.Add(time.Hour),
		}); err != nil {
			b.Fatal(err)
		}
	}
	var next atomic.Int64
	work := func() {
		n := next.Add(1) - 1
		id := ids[n%int64(len(ids))]
		if err := redeem(store.Redemption{
			GrantID: id, From: n / int64(len(ids)), Now: now, Expires: now.Add(time.Hour), KeyID: "k2", Key: mandate.DigestOf(rand.Text()),
			Token: mandate.NewToken(mandate.TokenInfo{
				GrantID: id, Subject: "alice", ClientID: "web", Scopes: "read write", IssuedAt: now, Expires: now.Add(time.Hour),
			}),
		}); err != nil {
			b.Error(err)
		}
	}
	b.ResetTimer()
	gate := make(chan struct{}, procs)
	if procs == 1 {
		for range b.N {
			work()
		}
		return
	}
	for range b.N {
		gate <- struct{}{}
		go func() {
			defer func() { <-gate }()
			work()
		}()
	}
	for range procs {
		gate <- struct{}{}
	}
}

// usual is what an application writes: read, compare, change and put in a transaction, with GORM's defaults.
func usual(b *testing.B, db *gorm.DB, prefix string, r store.Redemption) error {
	b.Helper()
	data, err := json.Marshal(r.Token.Info())
	if err != nil {
		return err
	}
	return db.WithContext(b.Context()).Transaction(func(tx *gorm.DB) error {
		var g gormstore.Grant
		if err := tx.Table(prefix+"grants").Where("id = ?", r.GrantID).Take(&g).Error; err != nil {
			return err
		}
		res := tx.Table(prefix+"grants").Where("id = ? AND generation = ? AND revoked = 0", r.GrantID, r.From).Updates(map[string]any{
			"generation": r.From + 1, "advanced": r.Now.UnixMilli(), "expires": r.Expires.UnixMilli(), "key_id": r.KeyID,
		})
		if res.Error != nil || res.RowsAffected != 1 {
			return fmt.Errorf("%d rows: %w", res.RowsAffected, res.Error)
		}
		return tx.Table(prefix + "tokens").Create(&gormstore.Token{Digest: r.Key[:], GrantID: g.ID, Expires: r.Token.Expires().UnixMilli(), Data: string(data)}).Error
	})
}

// BenchmarkToken looks a token up, in each database and with a cache in front of it.
func BenchmarkToken(b *testing.B) {
	for name, d := range databases() {
		b.Run(name, func(b *testing.B) {
			s, _ := migrated(b, open(b, d(b)))
			key, now := mandate.DigestOf("x"), time.Now()
			if err := s.PutToken(b.Context(), key, mandate.NewToken(mandate.TokenInfo{Subject: "alice", ClientID: "web", Scopes: "read", Expires: now.Add(time.Hour)})); err != nil {
				b.Fatal(err)
			}
			for name, s := range map[string]store.Store{"asked": s, "cached": store.Cached(s, store.CacheConfig{})} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if _, err := s.Token(b.Context(), key, now); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// BenchmarkPrune removes tokens that are over, one at a time in the count.
func BenchmarkPrune(b *testing.B) {
	for name, d := range databases() {
		b.Run(name, func(b *testing.B) {
			s, _ := migrated(b, open(b, d(b)))
			now := time.Now()
			for range b.N {
				if err := s.PutToken(b.Context(), mandate.DigestOf(rand.Text()), mandate.NewToken(mandate.TokenInfo{ClientID: "web", Expires: now})); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for left := b.N; left > 0; {
				n, err := s.Prune(b.Context(), now.Add(time.Hour), 1000)
				if err != nil || n == 0 {
					b.Fatal(n, err)
				}
				left -= n
			}
		})
	}
}
