package memstore

import (
	"context"
	"slices"
	"sync"

	"github.com/go-mandate/mandate/core/store"
)

type keys struct {
	mu   sync.Mutex // guards sets
	sets map[string]keySet
}

type keySet struct {
	sealed   []byte
	revision int64
}

// SigningKeys implements [store.SigningKeys].
func (s *Store) SigningKeys(_ context.Context, name string) (sealed []byte, revision int64, err error) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	set, ok := s.keys.sets[name]
	if !ok {
		return nil, 0, store.ErrNotFound
	}
	return slices.Clone(set.sealed), set.revision, nil
}

// PutSigningKeys implements [store.SigningKeys].
func (s *Store) PutSigningKeys(_ context.Context, name string, sealed []byte, revision int64) error {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	if s.keys.sets[name].revision != revision {
		return store.ErrConflict
	}
	s.keys.sets[name] = keySet{slices.Clone(sealed), revision + 1}
	return nil
}
