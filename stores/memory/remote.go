package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

type remote struct {
	token store.RemoteToken
	lease time.Time // its end
}

// RemoteToken implements [store.RemoteTokens].
func (s *Store) RemoteToken(_ context.Context, key string) (store.RemoteToken, error) {
	sh := s.remote.lock(key)
	defer sh.mu.Unlock()
	row := sh.rows[key]
	if row == nil {
		return store.RemoteToken{}, store.ErrNotFound
	}
	t := row.token
	t.Sealed = slices.Clone(t.Sealed)
	return t, nil
}

// PutRemoteToken implements [store.RemoteTokens].
func (s *Store) PutRemoteToken(_ context.Context, t store.RemoteToken) error {
	sh := s.remote.lock(t.Key)
	defer sh.mu.Unlock()
	var have int64
	if row := sh.rows[t.Key]; row != nil {
		have = row.token.Revision
	}
	if have != t.Revision {
		return store.ErrConflict
	}
	t.Revision++
	t.Sealed, t.Expires = slices.Clone(t.Sealed), whole(t.Expires)
	s.remote.put(sh, t.Key, &remote{token: t}, s.longAgo())
	return nil
}

// LeaseRemoteToken implements [store.RemoteTokens]. Where no token is stored it returns ErrNotFound.
func (s *Store) LeaseRemoteToken(_ context.Context, key string, revision int64, now, until time.Time) error {
	s.note(now)
	sh := s.remote.lock(key)
	defer sh.mu.Unlock()
	row := sh.rows[key]
	switch {
	case row == nil:
		return store.ErrNotFound
	case row.token.Revision != revision, now.Before(row.lease):
		return store.ErrConflict
	}
	row.lease = until
	return nil
}

// DeleteRemoteToken implements [store.RemoteTokens].
func (s *Store) DeleteRemoteToken(_ context.Context, key string) error {
	s.remote.remove(key)
	return nil
}
