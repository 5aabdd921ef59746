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

// UseOnce implements [store.Replay].
func (s *Store) UseOnce(_ context.Context, space string, key mandate.Digest, now, expires time.Time) error {
	s.note(now)
	k := onceKey{space, key}
	sh := s.once.lock(k)
	defer sh.mu.Unlock()
	if end, ok := sh.rows[k]; ok && (end == 0 || mandate.Milli(now) < end) {
		return store.ErrUsed
	}
	s.once.put(sh, k, mandate.Milli(expires), s.longAgo())
	return nil
}
