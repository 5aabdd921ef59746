package memstore

import (
	"hash/maphash"
	"math/bits"
	"sync"
)

// What grants are found by beside their ID. Whoever holds several locks takes them in this order, and that of the ID last.
const (
	byKey = iota
	bySubject
	bySession
	indexes
)

// index finds the grants that have something in common, in stripes. It links the rows themselves: a grant in it costs
// a pointer and its share of the chains.
type index struct {
	which  int
	stripe [stripes]indexStripe
}

type indexStripe struct {
	mu     sync.Mutex // guards the chains
	chains []*grant
	count  int
	_      [24]byte // a cache line of its own
}

// link returns the place in chains for a row of hash h.
func link(chains []*grant, h uint64) **grant {
	return &chains[(h/stripes)&uint64(len(chains)-1)] // #nosec G115 -- a length
}

// size returns how many chains there are for n rows and more.
func size(n int) int { return max(8, 1<<bits.Len(uint(n))) } // #nosec G115 -- a count

// hash returns the hash of what row is found by, and false if it has nothing of the kind.
func (t *grants) hash(row *grant, which int) (h uint64, ok bool) {
	switch which {
	case byKey:
		return t.hashKey(row.key), !row.key.IsZero()
	case bySubject:
		return row.ofSubject, row.ofSubject != 0
	default:
		session := row.session()
		return maphash.String(t.seed, session), session != ""
	}
}

// insert puts row into the stripe of hash h, which is locked.
func (t *grants) insertInto(x *index, h uint64, row *grant) {
	sh := &x.stripe[h%stripes]
	if sh.count >= len(sh.chains) {
		chains := make([]*grant, size(sh.count))
		for _, old := range sh.chains {
			for old != nil {
				next := old.next[x.which]
				oldHash, _ := t.hash(old, x.which)
				at := link(chains, oldHash)
				old.next[x.which], *at = *at, old
				old = next
			}
		}
		sh.chains = chains
	}
	at := link(sh.chains, h)
	row.next[x.which], *at = *at, row
	sh.count++
}

// remove takes row out of the stripe of hash h, which is locked and has it.
func (x *index) remove(h uint64, row *grant) {
	sh := &x.stripe[h%stripes]
	at := link(sh.chains, h)
	for *at != row {
		at = &(*at).next[x.which]
	}
	*at = row.next[x.which]
	sh.count--
}

// each calls f with the rows in the chain of hash h, which are those sought and a few others. What f
// looks at must be of the part of a row that never changes.
func (x *index) each(h uint64, f func(*grant)) {
	sh := &x.stripe[h%stripes]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.count == 0 {
		return
	}
	for row := *link(sh.chains, h); row != nil; row = row.next[x.which] {
		f(row)
	}
}

// lockAll locks the stripes of all indexes that row belongs to. The caller calls unlock.
func (t *grants) lockAll(row *grant) (unlock func()) {
	for i := range t.index {
		if h, ok := t.hash(row, i); ok {
			t.index[i].stripe[h%stripes].mu.Lock()
		}
	}
	return func() {
		for i := range t.index {
			if h, ok := t.hash(row, i); ok {
				t.index[i].stripe[h%stripes].mu.Unlock()
			}
		}
	}
}
