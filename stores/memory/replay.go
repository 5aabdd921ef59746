package memstore

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

type onceKey struct {
	space string
	key   mandate.Digest
}

// UseOnce implements [store.Replay]. An entry is over once it is pruned, or once any caller of the store told a time that is not before its end.
func (s *Store) UseOnce(_ context.Context, space string, key mandate.Digest, expires time.Time) error {
	k, now := onceKey{space, key}, s.clock.Load()
	sh := s.once.lock(k)
	defer sh.mu.Unlock()
	if end, ok := sh.rows[k]; ok && (end == 0 || now < end) {
		return store.ErrUsed
	}
	s.once.put(sh, k, milli(expires), s.longAgo())
	return nil
}
