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

// token is a stored token, or the memory of one that was revoked. It never changes, so that it is read without a lock: writers put another
// in its place.
type token struct {
	key   mandate.Digest
	tok   mandate.Token // a copy: one object less for the garbage collector to find
	grant *grant        // nil: stands under none
}

// expires returns when the row may go, in milliseconds; 0: never.
func (r *token) expires() int64 { return mandate.Milli(r.tok.Expires()) }

// tokens is a hash table in stripes. Reading takes no lock and writes nothing, so that all processors may
// read one token at a time; writing takes the lock of one stripe.
type tokens struct {
	seed    [2]uint64                           // of the hash: which keys meet is nobody's to know
	tables  [stripes]atomic.Pointer[tokenTable] // apart from the locks, which would pull them from cache to cache
	stripe  [stripes]tokenStripe
	gone    grant  // what a revoked token stands under
	removed *token // what stands in the cell of a row that was dropped: searches go on behind it
}

// tokenTable is like table for readers without a lock: what was written to a cell stays there, but that rows take the place of others.
type tokenTable struct {
	cells []tokenCell // a power of two of them; a quarter was never used
	used  int
}

type tokenCell struct {
	hash uint64 // written before row is, and never again
	row  atomic.Pointer[token]
}

type tokenStripe struct {
	mu    sync.Mutex // guards the table against other writers, and the rest
	count int
	due   queue[uint64] // by hash
	_     [16]byte      // a cache line of its own
}

func (t *tokens) init() {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	t.seed = [2]uint64{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
	t.gone.revoked.Store(1)
	t.removed = new(token)
}

// hash spreads keys, whose own bits are as good as random, without telling how.
func (t *tokens) hash(key *mandate.Digest) uint64 {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(key[:8])^t.seed[0], binary.LittleEndian.Uint64(key[8:16])^t.seed[1])
	return hi ^ lo
}

// find returns the row under key, or nil.
func (t *tokens) find(key *mandate.Digest) *token {
	_, row := t.look(t.hash(key), key)
	return row
}

// look returns the row under key, whose hash is h, and its cell; or nil. What is put or dropped meanwhile may be found or not. Under the lock of
// the stripe there is nothing of the kind.
func (t *tokens) look(h uint64, key *mandate.Digest) (*tokenCell, *token) {
	table := t.tables[h%stripes].Load()
	if table == nil {
		return nil, nil
	}
	for i := table.place(h); ; i++ {
		c := &table.cells[i&uint64(len(table.cells)-1)] // #nosec G115 -- a length
		row := c.row.Load()
		if row == nil {
			return nil, nil
		}
		if c.hash == h && same(&row.key, key) && row != t.removed {
			return c, row
		}
	}
}

// same is *a == *b without a call.
func same(a, b *mandate.Digest) bool {
	return binary.LittleEndian.Uint64(a[:]) == binary.LittleEndian.Uint64(b[:]) && binary.LittleEndian.Uint64(a[8:]) == binary.LittleEndian.Uint64(b[8:]) &&
		binary.LittleEndian.Uint64(a[16:]) == binary.LittleEndian.Uint64(b[16:]) && binary.LittleEndian.Uint64(a[24:]) == binary.LittleEndian.Uint64(b[24:])
}

// place returns where to look for a row of hash h first.
func (t *tokenTable) place(h uint64) uint64 { return h / stripes & uint64(len(t.cells)-1) } // #nosec G115 -- a length

// put puts row into the first cell that was never used.
func (t *tokenTable) put(h uint64, row *token) {
	for i := t.place(h); ; i++ {
		if c := &t.cells[i&uint64(len(t.cells)-1)]; c.row.Load() == nil { // #nosec G115 -- a length
			c.hash = h
			c.row.Store(row)
			t.used++
			return
		}
	}
}

// insert puts row into its stripe, which is locked and has no row of that key.
func (t *tokens) insert(h uint64, row *token) {
	sh := &t.stripe[h%stripes]
	table := t.tables[h%stripes].Load()
	if table == nil || 4*table.used >= 3*len(table.cells) {
		table = t.resize(h % stripes)
	}
	table.put(h, row)
	sh.count++
	if end := row.expires(); end != 0 {
		sh.due.push(end, h)
	}
}

// resize gives a locked stripe a table with room for as many rows again as it has. The old one stays as it is: who reads
// it sees what was there when they began.
func (t *tokens) resize(stripe uint64) *tokenTable {
	table := &tokenTable{cells: make([]tokenCell, size(t.stripe[stripe].count))}
	if old := t.tables[stripe].Load(); old != nil {
		for i := range old.cells {
			if c := &old.cells[i]; c.row.Load() != nil && c.row.Load() != t.removed {
				table.put(c.hash, c.row.Load())
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
	for more = true; more && n < limit && tries > 0; tries-- {
		var h uint64
		if h, more = sh.due.pop(end); more {
			n += t.dropOne(sh, table, h, end)
		}
	}
	if len(table.cells) > 1024 && sh.count < len(table.cells)/8 {
		t.resize(stripe)
	}
	return n, more
}

// dropOne removes the row of hash h, if it was over before end, and reports how many that is. If not, its reminder is put back.
func (t *tokens) dropOne(sh *tokenStripe, table *tokenTable, h uint64, end int64) int {
	for i := table.place(h); ; i++ {
		c := &table.cells[i&uint64(len(table.cells)-1)] // #nosec G115 -- a length
		row := c.row.Load()
		if row == nil {
			return 0
		}
		if c.hash != h || row == t.removed {
			continue
		}
		switch at := row.expires(); {
		case at == 0:
		case at < end:
			c.row.Store(t.removed)
			sh.count--
			return 1
		default:
			sh.due.push(at, h)
		}
		return 0
	}
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

// row returns a new row for t, and the hash of its key. Meanwhile the cell where it will go comes into the processor's cache: it is
// seldom there, and whoever asks for it under a lock has to wait.
func (t *tokens) row(key mandate.Digest, tok *mandate.Token) (row *token, h uint64) {
	h = t.hash(&key)
	if table := t.tables[h%stripes].Load(); table != nil {
		_ = table.cells[table.place(h)].row.Load()
	}
	return &token{key: key, tok: *tok}, h
}

// PutToken implements [store.Tokens].
func (s *Store) PutToken(_ context.Context, key mandate.Digest, t *mandate.Token) error {
	row, h := s.tokens.row(key, t)
	if id := t.GrantID(); id != "" {
		if row.grant = s.grants.find(id); row.grant == nil || row.grant.revoked.Load() != 0 {
			return store.ErrRevoked
		}
	}
	return s.putToken(h, row)
}

// putToken stores a row that nobody else has.
func (s *Store) putToken(h uint64, row *token) error {
	sh := &s.tokens.stripe[h%stripes]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if _, old := s.tokens.look(h, &row.key); old != nil {
		return store.ErrExists
	}
	s.tokens.insert(h, row)
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
	case row.tok.ExpiredAt(now):
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
	cell, old := t.look(h, &key)
	if old != nil {
		cell.row.Store(t.tombstone(key, later(end, old.expires())))
		return nil
	}
	t.insert(h, t.tombstone(key, end))
	if end := s.longAgo(); end > 0 {
		t.drop(h%stripes, end, 2, 2)
	}
	return nil
}

// tombstone returns the memory of a token that was revoked.
func (t *tokens) tombstone(key mandate.Digest, end int64) *token {
	return &token{key: key, tok: *mandate.NewToken(mandate.TokenInfo{Expires: mandate.FromMilli(end)}), grant: &t.gone}
}
