package memstore

import (
	"hash/maphash"
	"math/bits"
	"sync"

	mandate "github.com/go-mandate/mandate/core"
)

// What grants are found by beside their ID. Whoever holds several locks takes them in this order, and that of the ID last.
const (
	bySubject = iota
	bySession
	byKey // has no chains
)

const indexes = byKey // those that have

// index finds the grants that have something in common, in stripes. It links the rows themselves: a grant in it costs
// a pointer and its share of the chains, which are short but for what very many have in common.
type index struct {
	which  int
	stripe [stripes]indexStripe
}

type indexStripe struct {
	mu     sync.Mutex // guards the rest
	chains []*grant
	count  int
	late   map[*grant]bool // removed, but still in a chain: it was too long to look for one row. nil: none
	_      [16]byte        // a cache line of its own
}

// link returns the place in chains for a row of hash h.
func link(chains []*grant, h uint64) **grant {
	return &chains[(h/stripes)&uint64(len(chains)-1)] // #nosec G115 -- a length
}

// size returns how many chains or cells there are for n rows and as many again.
func size(n int) int {
	return 1 << bits.Len(uint(max(16, 2*n)-1)) // #nosec G115 -- a count
}

// hash returns the hash of what row is found by, and false if it has nothing of the kind.
func (t *grants) hash(row *grant, which int) (h uint64, ok bool) {
	switch which {
	case byKey:
		return t.hashKey(row.key), !row.key.IsZero()
	case bySubject:
		return row.ofSubject, row.ofSubject != 0
	default:
		session := row.session()
		if session == "" {
			return 0, false
		}
		return maphash.String(t.seed, session), true
	}
}

// insertInto puts row into the stripe of hash h, which is locked.
func (t *grants) insertInto(x *index, h uint64, row *grant) {
	sh := &x.stripe[h%stripes]
	if sh.count >= len(sh.chains) && !sh.knows(t, x.which, h) {
		sh.resize(t, x.which)
	}
	at := link(sh.chains, h)
	row.next[x.which], *at = *at, row
	sh.count++
}

// resize moves the rows to as many chains as they need.
func (sh *indexStripe) resize(t *grants, which int) {
	chains := make([]*grant, size(sh.count))
	for _, old := range sh.chains {
		for old != nil {
			next := old.next[which]
			oldHash, _ := t.hash(old, which)
			at := link(chains, oldHash)
			old.next[which], *at = *at, old
			old = next
		}
	}
	sh.chains = chains
}

// knows reports whether the row that is first in the chain of hash h has that very hash: many grants of one subject are in
// one chain, however many chains there are.
func (sh *indexStripe) knows(t *grants, which int, h uint64) bool {
	if len(sh.chains) == 0 {
		return false
	}
	first := *link(sh.chains, h)
	if first == nil {
		return false
	}
	have, _ := t.hash(first, which)
	return have == h
}

const far = 8 // rows of a chain that a removal looks at

// removeFrom takes row out of the stripe of hash h, which is locked and has it. Of many that have one subject the oldest is last in their chain and the
// first to go: what is far behind stays until it is worth a walk through all of the chain.
func (t *grants) removeFrom(x *index, h uint64, row *grant) {
	sh := &x.stripe[h%stripes]
	sh.count--
	at := link(sh.chains, h)
	for n := 0; *at != row && n < far; n++ {
		at = &(*at).next[x.which]
	}
	switch {
	case *at == row:
		*at, row.next[x.which] = row.next[x.which], nil
	case sh.late == nil:
		sh.late = map[*grant]bool{row: true}
	default:
		sh.late[row] = true
	}
	if len(sh.late) > 4*far+sh.count/4 {
		sh.sweep(t, x.which)
	}
	if len(sh.chains) > 1024 && sh.count+len(sh.late) < len(sh.chains)/8 {
		sh.resize(t, x.which)
	}
}

// sweep takes what is late out of its chains.
func (sh *indexStripe) sweep(t *grants, which int) {
	for row := range sh.late {
		h, _ := t.hash(row, which)
		for at := link(sh.chains, h); *at != nil; {
			if next := *at; sh.late[next] {
				*at, next.next[which] = next.next[which], nil
				delete(sh.late, next)
			} else {
				at = &next.next[which]
			}
		}
	}
	sh.late = nil
}

// each calls f with the rows in the chain of hash h, which are those sought and a few others, dropped ones among them. What f
// looks at must be of the part of a row that never changes.
func (x *index) each(h uint64, f func(*grant)) {
	sh := &x.stripe[h%stripes]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.chains) == 0 {
		return
	}
	for row := *link(sh.chains, h); row != nil; row = row.next[x.which] {
		f(row)
	}
}

// place is where a row stands in an index: under a hash, if it is in that index at all.
type place struct {
	hash uint64
	is   bool
}

// places returns the places of row in all indexes.
func (t *grants) places(row *grant) (at [byKey + 1]place) {
	for i := range at {
		at[i].hash, at[i].is = t.hash(row, i)
	}
	return at
}

// lockAll locks the stripes of a row in all indexes.
func (t *grants) lockAll(at [byKey + 1]place) {
	for i := range at {
		if at[i].is {
			t.mutex(i, at[i].hash).Lock()
		}
	}
}

func (t *grants) unlockAll(at [byKey + 1]place) {
	for i := range at {
		if at[i].is {
			t.mutex(i, at[i].hash).Unlock()
		}
	}
}

// mutex returns the lock of the stripe of hash h in an index.
func (t *grants) mutex(which int, h uint64) *sync.Mutex {
	if which == byKey {
		return &t.keys[h%stripes].mu
	}
	return &t.index[which].stripe[h%stripes].mu
}

// findKey returns the row whose Key is key, and its stripe, locked; or nil. The stripe of the key is locked.
func (t *grants) findKey(h uint64, key mandate.Digest) (*idStripe, *grant) {
	keys := &t.keys[h%stripes].ids
	for i := keys.first(h); i >= 0; i = keys.after(i, h) {
		id := keys.cells[i].value
		sh := &t.ids[id%stripes]
		sh.mu.Lock()
		for j := sh.rows.first(id); j >= 0; j = sh.rows.after(j, id) {
			if row := sh.rows.cells[j].value; row.key == key {
				return sh, row
			}
		}
		sh.mu.Unlock()
	}
	return nil, nil
}

// takenKey reports whether a row has this Key, whose stripe is locked and stays so. So is sh, which is let go to look at a row in the rare case that there
// seems to be one: locks wait for memory, and between them the processor fetches the cells of a new Key and a new ID at once.
func (t *grants) takenKey(sh *idStripe, h uint64, key mandate.Digest) bool {
	if t.keys[h%stripes].ids.first(h) < 0 {
		return false
	}
	sh.mu.Unlock()
	defer sh.mu.Lock()
	holder, row := t.findKey(h, key)
	if row != nil {
		holder.mu.Unlock()
	}
	return row != nil
}

// insertKey notes under which Key a row is. The stripe of the key is locked.
func (t *grants) insertKey(at place, row *grant) {
	if at.is {
		t.keys[at.hash%stripes].ids.insert(at.hash, row.ofID)
	}
}

// removeKey is the reverse of insertKey.
func (t *grants) removeKey(at place, row *grant) {
	if !at.is {
		return
	}
	keys := &t.keys[at.hash%stripes].ids
	i := keys.first(at.hash)
	for keys.cells[i].value != row.ofID {
		i = keys.after(i, at.hash)
	}
	keys.remove(i)
}
