package redisstore_test

import (
	"context"
	"crypto/rand"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-mandate/mandate/conformance/rounds"
	"github.com/go-mandate/mandate/conformance/storetest"
	"github.com/go-mandate/mandate/core/store"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// server returns the Redis of MANDATE_REDIS, or nil where there is none: a test then says what it leaves out.
func server(t *testing.T) *redis.Client {
	t.Helper()
	url := os.Getenv("MANDATE_REDIS")
	if url == "" {
		t.Log("left out: Redis, because MANDATE_REDIS is not set; redis://127.0.0.1:6379/0, say")
		return nil
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatalf("MANDATE_REDIS: %v", err)
	}
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// empty returns a config with a prefix that nobody else has, whose keys are removed at the end.
func empty(t *testing.T, client *redis.Client) redisstore.Config {
	t.Helper()
	c := redisstore.Config{Prefix: "test" + rand.Text()}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for names := client.Scan(ctx, 0, "{"+c.Prefix+"}:*", 1000).Iterator(); names.Next(ctx); {
			client.Unlink(ctx, names.Val())
		}
	})
	return c
}

func with(t *testing.T, client redis.UniversalClient, config redisstore.Config) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(client, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The suite on Redis itself. MANDATE_ROUNDS says how often each race is run.
func TestRedis(t *testing.T) {
	t.Parallel()
	client := server(t)
	if client == nil {
		return
	}
	var configs sync.Map // by store
	shared := func(t *testing.T) (a, b store.Store) {
		t.Helper()
		c := empty(t, client)
		a = with(t, client, c)
		configs.Store(a, c)
		return a, with(t, server(t), c)
	}
	storetest.Run(t, func(t *testing.T) store.Store { t.Helper(); a, _ := shared(t); return a }, storetest.Features{
		Shared: shared,
		Reopen: func(t *testing.T, s store.Store) store.Store {
			t.Helper()
			c, _ := configs.Load(s)
			return with(t, server(t), c.(redisstore.Config))
		},
		Rounds: rounds.From(t, "MANDATE_ROUNDS", 20),
	})
}
