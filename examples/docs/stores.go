package docs

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-mandate/mandate/core/store"
	cachestore "github.com/go-mandate/mandate/stores/cache"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// Redis is a store in Redis.
func Redis(ctx context.Context, addr string) (store.Store, error) {
	// doc:start redis
	rdb := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	st, err := redisstore.New(rdb, redisstore.Config{})
	if err != nil {
		return nil, err
	}
	if err := st.Check(ctx); err != nil { // it answers, runs scripts, and evicts nothing
		return nil, err
	}
	// doc:end
	return st, nil
}

// Cached remembers live tokens.
func Cached(database store.Store) store.Store {
	// doc:start cached
	st := store.Cached(database, store.CacheConfig{Stale: 5 * time.Second}) // how late the revocation of another process may be seen
	// doc:end
	return st
}

// Cache keeps tickets and replay in files, and all else in the database.
func Cache(database store.Store, directory string) (store.Store, error) {
	// doc:start cache
	quick, err := cachestore.Open(cachestore.Settings{Type: cachestore.Filesystem, Directory: directory})
	if err != nil {
		return nil, err
	}
	st := store.Override(database, store.Parts{Tickets: quick, Replay: quick})
	// doc:end
	return st, nil
}
