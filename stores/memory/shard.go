package memstore

import (
	"hash/maphash"
	"sync"
)

const (
	shards = 64  // of each kind of record
	batch  = 128 // reminders taken under one lock
)

// sharded is a map in shards that forgets what is over.
type sharded[K comparable, V any] struct {
	seed  maphash.Seed
	hash  func(maphash.Seed, K) uint64
	ends  func(V) int64 // the millisecond after which a row may go; 0: never
	gone  func(V)       // called for a row that is dropped, under its lock; nil: nothing to do
	shard [shards]shard[K, V]
}

type shard[K comparable, V any] struct {
	mu   sync.Mutex // guards all of it, and the rows themselves
	rows map[K]V
	due  queue[K]
	_    [16]byte // a cache line of its own
}

func (s *sharded[K, V]) init(ends func(V) int64, gone func(V)) {
	s.seed = maphash.MakeSeed()
	s.hash = maphash.Comparable[K]
	s.ends, s.gone = ends, gone
	for i := range s.shard {
		s.shard[i].rows = make(map[K]V)
	}
}

// lock returns the shard of key, locked.
func (s *sharded[K, V]) lock(key K) *shard[K, V] {
	sh := &s.shard[s.hash(s.seed, key)%shards]
	sh.mu.Lock()
	return sh
}

// get returns the row under key.
func (s *sharded[K, V]) get(key K) (V, bool) {
	sh := s.lock(key)
	defer sh.mu.Unlock()
	row, ok := sh.rows[key]
	return row, ok
}

// remove takes the row under key away, if there is one.
func (s *sharded[K, V]) remove(key K) {
	sh := s.lock(key)
	defer sh.mu.Unlock()
	delete(sh.rows, key)
}

// put stores a row in a locked shard, and uses the occasion to drop up to two that were over before end.
func (s *sharded[K, V]) put(sh *shard[K, V], key K, row V, end int64) {
	sh.rows[key] = row
	s.remind(sh, key, row)
	if end > 0 {
		s.drop(sh, end, 2, 2)
	}
}

// remind makes sure that the row's end will be noticed. It is needed where that end is new or came nearer.
func (s *sharded[K, V]) remind(sh *shard[K, V], key K, row V) {
	at := s.ends(row)
	if at == 0 {
		return
	}
	sh.due.push(at, key)
	if len(sh.due.heap) > 2*len(sh.rows)+64 { // rows that were deleted and put again
		sh.due.clear()
		for key, row := range sh.rows {
			if at := s.ends(row); at != 0 {
				sh.due.push(at, key)
			}
		}
	}
}

// prune drops up to limit rows of shard i that were over before end, with the lock let go in between.
func (s *sharded[K, V]) prune(i int, end int64, limit int) (n int) {
	sh := &s.shard[i]
	for more := true; more && n < limit; {
		sh.mu.Lock()
		var dropped int
		dropped, more = s.drop(sh, end, limit-n, batch)
		sh.mu.Unlock()
		n += dropped
	}
	return n
}

// drop removes up to limit rows and looks at up to tries reminders. It reports whether there may be more.
func (s *sharded[K, V]) drop(sh *shard[K, V], end int64, limit, tries int) (n int, more bool) {
	for ; n < limit && tries > 0; tries-- {
		key, ok := sh.due.pop(end)
		if !ok {
			return n, false
		}
		row, ok := sh.rows[key]
		if !ok {
			continue
		}
		switch at := s.ends(row); {
		case at == 0:
		case at < end:
			delete(sh.rows, key)
			if s.gone != nil {
				s.gone(row)
			}
			n++
		default:
			sh.due.push(at, key)
		}
	}
	return n, true
}
