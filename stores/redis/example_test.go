package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// The short-lived parts in Redis, everything else where it was.
func ExampleNew() {
	server, err := miniredis.Run() // in an application: a Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	defer func() { _ = client.Close() }()

	s, err := redisstore.New(client, redisstore.Config{Prefix: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, now := context.Background(), time.Now()
	if err := s.Check(ctx); err != nil {
		fmt.Println(err)
		return
	}
	all := store.Override(memstore.New(), store.Parts{Tickets: s, Replay: s})

	nonce := mandate.DigestOf("the jti of an assertion")
	fmt.Println(all.UseOnce(ctx, "assertion", nonce, now, now.Add(time.Minute)))
	fmt.Println(errors.Is(all.UseOnce(ctx, "assertion", nonce, now, now.Add(time.Minute)), store.ErrUsed))
	// Output:
	// <nil>
	// true
}
