package redisstore_test

import (
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// BenchmarkToken looks a token up in Redis, and with a cache in front of it.
func BenchmarkToken(b *testing.B) {
	options, err := redis.ParseURL(os.Getenv("MANDATE_REDIS"))
	if err != nil {
		b.Skipf("left out: MANDATE_REDIS: %v", err)
	}
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	b.Cleanup(func() { _ = client.Close() })
	s, err := redisstore.New(client, redisstore.Config{Prefix: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	key := mandate.DigestOf(now.String())
	if err := s.PutToken(b.Context(), key, mandate.NewToken(mandate.TokenInfo{Subject: "alice", ClientID: "web", Scopes: "read", Expires: now.Add(time.Minute)})); err != nil {
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
}
