package redisstore_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-mandate/mandate/conformance/storetest"
	"github.com/go-mandate/mandate/core/store"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// open returns a store in the Redis at addr.
func open(t *testing.T, addr string, config redisstore.Config) *redisstore.Store {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	s, err := redisstore.New(client, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The whole suite on a stand-in, so that it runs where there is no Redis. What only Redis proves is in TestRedis.
func TestConformance(t *testing.T) {
	t.Parallel()
	shared := func(t *testing.T) (a, b store.Store) {
		t.Helper()
		m := miniredis.RunT(t)
		return open(t, m.Addr(), redisstore.Config{}), open(t, m.Addr(), redisstore.Config{})
	}
	storetest.Run(t, func(t *testing.T) store.Store { t.Helper(); a, _ := shared(t); return a }, storetest.Features{
		Shared: shared,
		Reopen: func(_ *testing.T, s store.Store) store.Store { return s },
		Rounds: 5,
	})
}
