package store

import (
	"context"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// CacheConfig says how much [Cached] remembers, and for how long. The zero value is good.
type CacheConfig struct {
	// Size is how many tokens are remembered at most, and more than half of it can be in any case; one costs some 150 bytes beside
	// the token itself. Default: 8192. More than 1,048,576 counts as that, less than 0 as no cache.
	Size int

	// Stale is how long an answer counts, and so how long another process's revocation can go unseen. Default: 5
	// seconds. More than a minute counts as a minute, less than 0 as no cache.
	Stale time.Duration
}

// The bounds of a CacheConfig.
const (
	defaultCacheSize, maxCacheSize   = 8192, 1 << 20
	defaultCacheStale, maxCacheStale = 5 * time.Second, time.Minute
)

// Cached returns base with a bounded memory of live access tokens in front of it, so that a guard does not ask a database or
// Redis for each request:
//
//	st := store.Cached(db, store.CacheConfig{})
//
// Token alone is answered from memory, and only with a token that base returned no longer than Stale ago: never an error or a
// verdict against a token, and never a token at or after its own end. Everything else asks base each time, Grant among it.
//
// What is revoked through the result is dead when the call returns, also for a look-up that was on its way: RevokeToken
// forgets the token, RevokeGrant those under the grant, RevokeGrants and a Prune that removes something forget all, each also where
// base returned an error. What is revoked elsewhere (by another process, through base itself, through a second cache, by a
// base that goes on after it returned an error) is seen within Stale. So make one for each process, and hand it to whoever revokes; around [Namespace] rather than
// in it, which copies what it returns.
//
// Stale runs from the now of the call that asked base: by the monotonic clock that time.Now adds, where both times have one, and
// by the wall clock. A clock that is seen to go back forgets what it would keep for longer. A hit takes no lock, writes
// next to nothing and does not allocate; nothing runs in the background.
//
// The result is a [ClientWriter] where base is one. Whatever base offers beyond that is base's alone.
func Cached(base Store, config CacheConfig) Store {
	if config.Size < 0 || config.Stale < 0 {
		return base
	}
	c := newCached(base, config)
	if w, ok := base.(ClientWriter); ok {
		return struct {
			*cached
			ClientWriter
		}{c, w}
	}
	return c
}

var _ Store = (*cached)(nil)

// cached is a store whose live tokens are remembered. They are in a table of small rows; what is revoked leaves a mark, which kills all
// that was asked for before it: what is remembered, however many tokens of a grant, and what is about to be.
type cached struct {
	Store

	seed  maphash.Seed
	stale time.Duration
	width int         // places that are used in a row
	rows  []cachedRow // a power of two of them
	marks []atomic.Uint64
	all   atomic.Uint64 // a mark on everything

	turn atomic.Uint64 // of the latest mark
	mu   sync.Mutex    // held while a mark is set, so that none takes the place of a later one
}

const cachedWidth = 8 // pointers in a cache line

type cachedRow [cachedWidth]atomic.Pointer[cachedToken]

// cachedToken is what base answered.
type cachedToken struct {
	key   mandate.Digest
	tok   *mandate.Token
	at    time.Time      // of the look-up
	ms    int64          // at, in milliseconds of the wall clock
	turn  uint64         // of the latest mark before the look-up
	grant *atomic.Uint64 // the mark of the token's grant
	last  atomic.Int64   // about when it was last found, in milliseconds
}

func newCached(base Store, config CacheConfig) *cached {
	if config.Size == 0 {
		config.Size = defaultCacheSize
	}
	if config.Stale == 0 {
		config.Stale = defaultCacheStale
	}
	size := min(config.Size, maxCacheSize)
	rows := 1 << (bits.Len(uint(max(1, size/cachedWidth))) - 1) // #nosec G115 -- not negative
	return &cached{
		Store: base,
		seed:  maphash.MakeSeed(), stale: min(config.Stale, maxCacheStale), width: min(cachedWidth, size),
		rows: make([]cachedRow, rows), marks: make([]atomic.Uint64, cachedWidth*max(8, rows)),
	}
}

// Token implements [Tokens].
func (c *cached) Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	h := c.hash(&key)
	if tok := c.find(h, &key, now); tok != nil {
		return tok, nil
	}
	turn := c.turn.Load() // before base is asked: what is revoked from now on may be missing from its answer
	tok, err := c.Store.Token(ctx, key, now)
	if err == nil {
		c.keep(h, &cachedToken{key: key, tok: tok, at: now, ms: now.UnixMilli(), turn: turn, grant: c.grantMark(tok.GrantID())})
	}
	return tok, err
}

// RevokeToken implements [Tokens].
func (c *cached) RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error {
	defer c.end(c.mark(c.hash(&key)))
	return c.Store.RevokeToken(ctx, key, expires)
}

// RevokeGrant implements [Grants].
func (c *cached) RevokeGrant(ctx context.Context, id string, why Reason, now time.Time) error {
	defer c.end(c.grantMark(id))
	return c.Store.RevokeGrant(ctx, id, why, now)
}

// RevokeGrants implements [Grants]. What it returns is not all that must be forgotten: another call, or an attempt that
// seemed to fail, may have ended others that q selects.
func (c *cached) RevokeGrants(ctx context.Context, q GrantQuery, why Reason, now time.Time) ([]Grant, error) {
	defer c.end(&c.all)
	return c.Store.RevokeGrants(ctx, q, why, now)
}

// Prune implements [Pruner]. A token whose grant goes is dead, be it by another clock than its reader's.
func (c *cached) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	n, err := c.Store.Prune(ctx, now, limit)
	if n > 0 || err != nil {
		c.end(&c.all)
	}
	return n, err
}

// end sets a mark.
func (c *cached) end(mark *atomic.Uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mark.Store(c.turn.Add(1))
}

// hash spreads keys over rows and marks. Which ones meet is nobody's to know.
func (c *cached) hash(key *mandate.Digest) uint64 { return maphash.Bytes(c.seed, key[:]) }

// mark returns the mark of what has the hash h. Others share it, and are forgotten with it.
func (c *cached) mark(h uint64) *atomic.Uint64 {
	return &c.marks[(h>>32)&uint64(len(c.marks)-1)] // #nosec G115 -- a length
}

func (c *cached) grantMark(id string) *atomic.Uint64 { return c.mark(maphash.String(c.seed, id)) }

func (c *cached) row(h uint64) *cachedRow {
	return &c.rows[h&uint64(len(c.rows)-1)] // #nosec G115 -- a length
}

// find returns the token under key, or nil.
func (c *cached) find(h uint64, key *mandate.Digest, now time.Time) *mandate.Token {
	row := c.row(h)
	for i := range c.width {
		e := row[i].Load()
		if e == nil || e.key != *key {
			continue
		}
		if c.mark(h).Load() <= e.turn && e.grant.Load() <= e.turn && c.all.Load() <= e.turn && e.fresh(now, c.stale) {
			return e.tok
		}
		row[i].CompareAndSwap(e, nil)
	}
	return nil
}

// fresh reports whether e is to be used at now.
func (e *cachedToken) fresh(now time.Time, stale time.Duration) bool {
	ms, most := now.UnixMilli(), stale.Milliseconds()
	if now.Sub(e.at) >= stale || ms-e.ms > most || e.tok.ExpiredAt(now) { // a monotonic clock may stand still while a machine sleeps
		return false
	}
	switch since := ms - e.last.Load(); { // noted in steps: other processors read this line
	case since < -most/8: // the clock went back
		return false
	case since > most/8:
		e.last.Store(ms)
	}
	return true
}

// keep remembers e in its row, in the place of an older one of its token, or else of the one that was asked for the longest time ago. Two
// look-ups that end together may take two places: each is as good as the other.
func (c *cached) keep(h uint64, e *cachedToken) {
	e.last.Store(e.ms)
	row := c.row(h)
	var oldest *cachedToken
	place := 0
	for i := range c.width {
		old := row[i].Load()
		if old == nil || old.key == e.key {
			place = i
			break
		}
		if oldest == nil || old.ms < oldest.ms {
			place, oldest = i, old
		}
	}
	row[place].Store(e)
}
