package cachestore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// Cache is [store.Tickets], [store.Replay] and [store.Pruner]: what [store.Override] takes. Make one with [Open]. All methods
// may be called from any number of goroutines.
type Cache struct {
	settings Settings
	medium   medium
	clock    atomic.Int64 // the latest time that a caller told, in milliseconds
}

var (
	_ store.Tickets = (*Cache)(nil)
	_ store.Replay  = (*Cache)(nil)
	_ store.Pruner  = (*Cache)(nil)
)

// medium is where values lie, by keys of printable characters. Each of its methods is one step that nobody sees half done.
type medium interface {
	// get returns the value under key and its version; errMissing.
	get(key string) (value []byte, version any, err error)
	// add puts a value where there is none, and reports whether it did.
	add(key string, value []byte, e end) (bool, error)
	// swap puts a value in place of the version that get returned, and reports whether that was still there.
	swap(key string, version any, value []byte, e end) (bool, error)
	// move gives a value another end.
	move(key string, e end) error
	// remove is not an error where there is no value.
	remove(key string) error
	// prune removes up to limit values that are over.
	prune(now time.Time, limit int) (int, error)
	check() error
	close() error
}

// end is when a value is over.
type end struct {
	at   time.Time     // zero: never
	left time.Duration // from now to at, by the clock of those who told
}

var errMissing = errors.New("cachestore: nothing there")

// Open returns the cache that the settings name. It makes the directory and sends nothing to memcached; see [Cache.Check].
func Open(settings Settings) (*Cache, error) {
	s, err := settings.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cache{settings: s, medium: null{}}
	switch s.Type {
	case Memcached:
		c.medium, err = newMemcached(s)
	case Filesystem:
		c.medium, err = newFiles(s, c.told)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Check asks whether the cache can be reached, and written. It is for the start of an application.
func (c *Cache) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cachestore: check: %w", err)
	}
	return c.medium.check()
}

// Close lets go of connections. What is kept stays.
func (c *Cache) Close() error { return c.medium.close() }

// Prune implements [store.Pruner]: it removes files that have been over for a minute, so that none is taken from
// under a slow reader. memcached removes by itself what is over.
func (c *Cache) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	c.note(now)
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("cachestore: prune: %w", err)
	}
	return c.medium.prune(now, limit)
}

// note remembers the latest time that a caller told.
func (c *Cache) note(now time.Time) {
	for ms := now.UnixMilli(); ; {
		old := c.clock.Load()
		if ms <= old || c.clock.CompareAndSwap(old, ms) {
			return
		}
	}
}

// told returns the latest time that a caller told; zero if none did.
func (c *Cache) told() time.Time {
	if ms := c.clock.Load(); ms > 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

// end returns the end at. What is left counts from the earliest clock that is known: one that is wrong makes it
// longer, and loses nothing that still counts.
func (c *Cache) end(at time.Time, told time.Time) end {
	if at.IsZero() {
		return end{}
	}
	from := c.settings.Now()
	for _, t := range []time.Time{c.told(), told} {
		if !t.IsZero() && t.Before(from) {
			from = t
		}
	}
	return end{at, max(at.Sub(from), 0)}
}
