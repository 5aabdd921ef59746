package memstore

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// onceKey is key as it is in space: digests differ where one of the two does. There is no pointer in it, so that the garbage collector passes by
// what there may be very many of.
func (s *Store) onceKey(space string, key mandate.Digest) mandate.Digest {
	first := binary.LittleEndian.Uint64(key[:])
	binary.LittleEndian.PutUint64(key[:], first^maphash.String(s.once.seed, space))
	return key
}

// UseOnce implements [store.Replay].
func (s *Store) UseOnce(_ context.Context, space string, key mandate.Digest, now, expires time.Time) error {
	s.note(now)
	k := s.onceKey(space, key)
	sh := s.once.lock(k)
	defer sh.mu.Unlock()
	if end, ok := sh.rows[k]; ok && (end == 0 || mandate.Milli(now) < end) {
		return store.ErrUsed
	}
	s.once.put(sh, k, mandate.Milli(expires), s.longAgo())
	return nil
}
