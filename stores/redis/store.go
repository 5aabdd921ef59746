package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-mandate/mandate/core/store"
)

// Config says how a [Store] uses Redis. The zero value is a good one.
type Config struct {
	// Prefix is what all keys begin with, in braces: the hash tag of a cluster. Stores with one prefix are one store. It
	// cannot be changed later. Default: "mandate".
	Prefix string

	// Replicas is how many replicas must have a write before it is answered (WAIT). A write that fewer have is an error, though it
	// was made: a code is then spent, and whoever brought it signs in again. Default: 0, none.
	Replicas int

	// Wait is how long the replicas are waited for. It has to be less than the client's ReadTimeout. Default: one second.
	Wait time.Duration

	// Timeout bounds every command, beside the deadline of its context: a Redis that does not answer is an error in time, and no hang.
	// It holds within a command where the client has ContextTimeoutEnabled. Default: 5 seconds.
	Timeout time.Duration

	// Now is asked how far off an end is where no caller tells the time. It decides nothing but how soon Redis may
	// drop a record by itself. Default: time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	if c.Prefix == "" {
		c.Prefix = "mandate"
	}
	if strings.ContainsAny(c.Prefix, "{}") {
		return c, fmt.Errorf("redisstore: prefix %q has a brace; the store puts braces around it, for the hash tag", c.Prefix)
	}
	if c.Replicas < 0 {
		return c, fmt.Errorf("redisstore: replicas is %d; want 0, or how many have to have a write", c.Replicas)
	}
	if c.Wait < 0 || c.Wait > 0 && c.Wait < time.Millisecond {
		return c, fmt.Errorf("redisstore: wait is %v; want a millisecond at least, or 0 for one second", c.Wait)
	}
	if c.Wait == 0 {
		c.Wait = time.Second
	}
	if c.Timeout < 0 {
		return c, fmt.Errorf("redisstore: timeout is %v, and must not be negative", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// Store is a [store.Store] and a [store.ClientWriter] in Redis. Make one with [New]. All methods may be called from any number
// of goroutines.
type Store struct {
	client redis.UniversalClient
	config Config
	prefix string // of all keys: "{mandate}:"
	due    string // the key of the sorted set of ends
	lua    *scripts

	clock atomic.Int64  // the latest time that a caller told, in milliseconds
	seed  string        // of call
	calls atomic.Uint64 // how many were numbered

	writes atomic.Uint64
}

var (
	_ store.Store        = (*Store)(nil)
	_ store.ClientWriter = (*Store)(nil)
)

// New returns a store in the Redis of client, which stays the caller's to close. It sends nothing; see [Store.Check].
func New(client redis.UniversalClient, config Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisstore: client is nil; make one with redis.NewClient or redis.NewClusterClient")
	}
	c, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, ring := client.(*redis.Ring); ring && c.Replicas > 0 {
		return nil, errors.New("redisstore: replicas is set, and a redis.Ring cannot wait for them; use redis.NewClient or redis.NewClusterClient")
	}
	prefix := "{" + c.Prefix + "}:"
	return &Store{client: client, config: c, prefix: prefix, due: prefix + "due", lua: newScripts(), seed: rand.Text()[:12]}, nil
}

// Check asks Redis whether it can keep what it is given: that it answers, runs scripts, and evicts nothing. Call it once, at
// the start. Where the settings may not be read, as on many hosted ones, their owner has to see to the last.
func (s *Store) Check(ctx context.Context) error {
	if _, err := s.run(ctx, "check", s.lua.check, nil); err != nil {
		return err
	}
	node, err := s.node(ctx)
	if err != nil {
		return fmt.Errorf("redisstore: check: %w", err)
	}
	policy, err := node.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil {
		if _, answered := errors.AsType[redis.Error](err); answered { // it may not be read
			return nil
		}
		return fmt.Errorf("redisstore: check: %w", err)
	}
	if p := policy["maxmemory-policy"]; p != "" && p != "noeviction" {
		return fmt.Errorf("redisstore: maxmemory-policy is %q: a Redis that is full would forget which codes were used; set it to noeviction", p)
	}
	return nil
}

// node returns the primary that has the store's slot.
func (s *Store) node(ctx context.Context) (redis.Cmdable, error) {
	if c, ok := s.client.(*redis.ClusterClient); ok {
		return c.MasterForKey(ctx, s.due)
	}
	return s.client, nil
}

// batch is how many records a script looks at, so that none keeps Redis from others for long.
const batch = 250

// Prune implements [store.Pruner].
func (s *Store) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	s.note(now)
	total := 0
	for total < limit {
		size := min(batch, limit-total)
		out, err := s.run(ctx, "prune", s.lua.prune, nil, milli(now), size)
		if err != nil {
			return total, err
		}
		gone, _ := strconv.Atoi(text(out, 1))
		seen, _ := strconv.Atoi(text(out, 2))
		if total += gone; seen < size {
			break
		}
	}
	return total, nil
}

// note remembers the latest time that a caller told.
func (s *Store) note(now time.Time) {
	for ms := now.UnixMilli(); ; {
		old := s.clock.Load()
		if ms <= old || s.clock.CompareAndSwap(old, ms) {
			return
		}
	}
}

const (
	patience = time.Hour      // after the end, before a write drops a record on its way
	slack    = 24 * time.Hour // after the end, before Redis drops it by itself
	brief    = time.Hour      // the same of what nobody else drops, and is refused all the same once it is gone
)

// longAgo returns the end before which a write may drop records, in milliseconds. It is "" until a caller told the time, and for all writes
// but every eighth, which drops up to 16.
func (s *Store) longAgo() string {
	if s.writes.Add(1)%8 != 0 {
		return ""
	}
	if ms := s.clock.Load() - patience.Milliseconds(); ms > 0 {
		return strconv.FormatInt(ms, 10)
	}
	return ""
}

// ttl returns how long Redis keeps a record that ends at end, in milliseconds; "0" is for ever. It counts from the earliest of the
// clocks that are known, so that one which is wrong makes it longer, and never loses what still counts.
func (s *Store) ttl(end time.Time, told ...time.Time) string { return s.ttlWith(slack, end, told...) }

func (s *Store) ttlWith(slack time.Duration, end time.Time, told ...time.Time) string {
	if end.IsZero() {
		return "0"
	}
	from := s.config.Now().UnixMilli()
	if ms := s.clock.Load(); ms > 0 {
		from = min(from, ms)
	}
	for _, t := range told {
		if !t.IsZero() {
			from = min(from, t.UnixMilli())
		}
	}
	return strconv.FormatInt(max(end.UnixMilli()-from, 0)+slack.Milliseconds(), 10)
}

// call returns a name for one call that no other has: a script that finds it knows its own earlier attempt.
func (s *Store) call() string { return s.seed + strconv.FormatUint(s.calls.Add(1), 36) }
