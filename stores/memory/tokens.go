package memstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

const stripes = 64 // of tokens and of grants: powers of two. More would be more memory to be out of the processor's caches

// token is a stored token, or the memory of one that was revoked. It never changes but for next, so
// that it is read without a lock: writers put another in its place.
type token struct {
	key     mandate.Digest
	next    atomic.Pointer[token]
	tok     mandate.Token // a copy: one object less for the garbage collector to find
	grant   *grant        // nil: stands under none
	expires int64         // milliseconds; 0: never
}

// tokens is a hash table in stripes. Reading takes no lock and writes nothing, so that all processors may
// read one token at a time; writing takes the lock of one stripe.
type tokens struct {
	seed   [2]uint64                           // of the hash: which keys meet in a chain is nobody's to know
	tables [stripes]atomic.Pointer[tokenTable] // apart from the locks, which would pull them from cache to cache
	stripe [stripes]tokenStripe
	gone   grant // what a revoked token stands under
}

type tokenTable struct {
	chains []atomic.Pointer[token] // a power of two of them
	moving atomic.Bool             // its rows go to the chains of another table: what is not found here may be there
}

type tokenStripe struct {
	mu    sync.Mutex // guards the chains against other writers, and the rest
	count int
	due   queue[uint64] // by hash
	_     [16]byte      // a cache line of its own
}

func (t *tokens) init() {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	t.seed = [2]uint64{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
	t.gone.revoked.Store(1)
}

// hash spreads keys, whose own bits are as good as random, without telling how.
func (t *tokens) hash(key *mandate.Digest) uint64 {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(key[:8])^t.seed[0], binary.LittleEndian.Uint64(key[8:16])^t.seed[1])
	return hi ^ lo
}

// find returns the row under key, or nil. Who holds the lock of the stripe calls look instead.
func (t *tokens) find(key *mandate.Digest) *token {
	h := t.hash(key)
	if row, sure := t.look(h, key); row != nil || sure {
		return row
	}
	return t.findLocked(h, key)
}

// findLocked is find for a table whose rows are on the move.
func (t *tokens) findLocked(h uint64, key *mandate.Digest) *token {
	sh := &t.stripe[h%stripes]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	row, _ := t.look(h, key)
	return row
}

// look returns the row under key, whose hash is h. That there is none is sure where nothing was moved meanwhile, as under the
// lock of the stripe.
func (t *tokens) look(h uint64, key *mandate.Digest) (row *token, sure bool) {
	table := t.tables[h%stripes].Load()
	if table == nil {
		return nil, true
	}
	row = table.chain(h).Load()
	for row != nil && !same(&row.key, key) {
		row = row.next.Load()
	}
	return row, row != nil || !table.moving.Load()
}

// same is *a == *b without a call.
func same(a, b *mandate.Digest) bool {
	return binary.LittleEndian.Uint64(a[:]) == binary.LittleEndian.Uint64(b[:]) && binary.LittleEndian.Uint64(a[8:]) == binary.LittleEndian.Uint64(b[8:]) &&
		binary.LittleEndian.Uint64(a[16:]) == binary.LittleEndian.Uint64(b[16:]) && binary.LittleEndian.Uint64(a[24:]) == binary.LittleEndian.Uint64(b[24:])
}

func (t *tokenTable) chain(h uint64) *atomic.Pointer[token] {
	return &t.chains[(h/stripes)&uint64(len(t.chains)-1)] // #nosec G115 -- a length
}

// insert puts row into its stripe, which is locked and has no row of that key.
func (t *tokens) insert(h uint64, row *token) {
	sh := &t.stripe[h%stripes]
	table := t.tables[h%stripes].Load()
	if table == nil || sh.count >= len(table.chains) {
		table = t.resize(h%stripes, size(sh.count))
	}
	chain := table.chain(h)
	row.next.Store(chain.Load())
	chain.Store(row)
	sh.count++
	if row.expires != 0 {
		sh.due.push(row.expires, h)
	}
}

// resize gives a locked stripe a table of n chains and moves the rows there, one by one: each is in front of rows that were
// moved before it, so that a reader who is on it comes to an end, if to another than it was looking for.
func (t *tokens) resize(stripe uint64, n int) *tokenTable {
	table := &tokenTable{chains: make([]atomic.Pointer[token], n)}
	if old := t.tables[stripe].Load(); old != nil {
		old.moving.Store(true)
		for i := range old.chains {
			for row := old.chains[i].Load(); row != nil; {
				next := row.next.Load()
				chain := table.chain(t.hash(&row.key))
				row.next.Store(chain.Load())
				chain.Store(row)
				row = next
			}
		}
	}
	t.tables[stripe].Store(table)
	return table
}

// drop removes up to limit rows of a locked stripe that were over before end, and looks at up to tries
// reminders. It reports whether there may be more.
func (t *tokens) drop(stripe uint64, end int64, limit, tries int) (n int, more bool) {
	sh := &t.stripe[stripe]
	table := t.tables[stripe].Load()
	for ; n < limit && tries > 0; tries-- {
		h, ok := sh.due.pop(end)
		if !ok {
			return n, false
		}
		for at := table.chain(h); ; {
			row := at.Load()
			if row == nil {
				break
			}
			if t.hash(&row.key) != h {
				at = &row.next
				continue
			}
			if row.expires != 0 && row.expires < end {
				at.Store(row.next.Load())
				sh.count--
				n++
			} else if row.expires != 0 {
				sh.due.push(row.expires, h)
			}
			break
		}
	}
	if len(table.chains) > 1024 && sh.count < len(table.chains)/8 {
		t.resize(stripe, size(sh.count))
	}
	return n, true
}

func (t *tokens) prune(i int, end int64, limit int) (n int) {
	stripe := uint64(i) // #nosec G115 -- an index
	sh := &t.stripe[stripe]
	for more := true; more && n < limit; {
		sh.mu.Lock()
		if t.tables[stripe].Load() == nil {
			sh.mu.Unlock()
			return n
		}
		var dropped int
		dropped, more = t.drop(stripe, end, limit-n, batch)
		sh.mu.Unlock()
		n += dropped
	}
	return n
}

// PutToken implements [store.Tokens].
func (s *Store) PutToken(_ context.Context, key mandate.Digest, t *mandate.Token) error {
	var g *grant
	if id := t.GrantID(); id != "" {
		if g = s.grants.find(id); g == nil || g.revoked.Load() != 0 {
			return store.ErrRevoked
		}
	}
	h := s.tokens.hash(&key)
	sh := &s.tokens.stripe[h%stripes]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return s.putToken(h, key, t, g)
}

// putToken stores t in its stripe, which is locked.
func (s *Store) putToken(h uint64, key mandate.Digest, t *mandate.Token, g *grant) error {
	if row, _ := s.tokens.look(h, &key); row != nil {
		return store.ErrExists
	}
	s.tokens.insert(h, &token{key: key, tok: *t, grant: g, expires: mandate.Milli(t.Expires())})
	if end := s.longAgo(); end > 0 {
		s.tokens.drop(h%stripes, end, 2, 2)
	}
	return nil
}

// Token implements [store.Tokens]. It takes no lock and does not allocate.
func (s *Store) Token(_ context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	ms := now.UnixMilli()
	if d := ms - s.clock.Load(); d > 1000 || d < -lag { // not at every read: this line is everybody's
		s.note(now)
	}
	switch row := s.tokens.find(&key); {
	case row == nil:
		return nil, store.ErrNotFound
	case row.grant != nil && row.grant.revoked.Load() != 0:
		return nil, store.ErrRevoked
	case row.expires != 0 && ms >= row.expires:
		return nil, store.ErrExpired
	default:
		return &row.tok, nil
	}
}

// RevokeToken implements [store.Tokens].
func (s *Store) RevokeToken(_ context.Context, key mandate.Digest, expires time.Time) error {
	t, end := &s.tokens, mandate.Milli(expires)
	h := t.hash(&key)
	sh := &t.stripe[h%stripes]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	old, _ := t.look(h, &key)
	if old == nil {
		t.insert(h, &token{key: key, grant: &t.gone, expires: end})
		if end := s.longAgo(); end > 0 {
			t.drop(h%stripes, end, 2, 2)
		}
		return nil
	}
	dead := &token{key: key, grant: &t.gone, expires: later(end, old.expires)}
	dead.next.Store(old.next.Load())
	at := t.tables[h%stripes].Load().chain(h)
	for at.Load() != old {
		at = &at.Load().next
	}
	at.Store(dead)
	return nil
}
