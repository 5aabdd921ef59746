package gormstore

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// RemoteToken implements [store.RemoteTokens].
func (s *Store) RemoteToken(ctx context.Context, key string) (store.RemoteToken, error) {
	t := store.RemoteToken{Key: key}
	var expires int64
	err := s.read(ctx, "read remote token", func(r *run) error {
		found, err := r.one([]any{&t.Revision, &t.Sealed, &expires}, "SELECT revision, sealed, expires FROM {remote_tokens} WHERE name = ?", key)
		if err == nil && !found {
			return store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return store.RemoteToken{}, err
	}
	if t.Expires = mandate.FromMilli(expires); len(t.Sealed) == 0 {
		t.Sealed = nil
	}
	return t, nil
}

// PutRemoteToken implements [store.RemoteTokens].
func (s *Store) PutRemoteToken(ctx context.Context, t store.RemoteToken) error {
	if err := fits(t.Key); err != nil {
		return named("put remote token", err)
	}
	sealed := append([]byte{}, t.Sealed...) // never nil, and the caller's no more
	return s.write(ctx, "put remote token", func(r *run) error {
		var n int64
		var err error
		if t.Revision == 0 {
			n, err = r.exec("{ignore} INTO {remote_tokens} (name, revision, sealed, expires, lease, leases) VALUES (?, 1, ?, ?, 0, 0) {ignored}",
				t.Key, sealed, mandate.Milli(t.Expires))
		} else {
			n, err = r.exec("UPDATE {remote_tokens} SET revision = revision + 1, sealed = ?, expires = ?, lease = 0 WHERE name = ? AND revision = ?",
				sealed, mandate.Milli(t.Expires), t.Key, t.Revision)
		}
		return changed(n, err, store.ErrConflict)
	})
}

// LeaseRemoteToken implements [store.RemoteTokens].
func (s *Store) LeaseRemoteToken(ctx context.Context, key string, revision int64, now, until time.Time) error {
	return s.write(ctx, "lease remote token", func(r *run) error {
		n, err := r.exec("UPDATE {remote_tokens} SET lease = ?, leases = leases + 1 WHERE name = ? AND revision = ? AND lease <= ?",
			until.UnixMilli(), key, revision, now.UnixMilli())
		return changed(n, err, store.ErrConflict)
	})
}

// DeleteRemoteToken implements [store.RemoteTokens].
func (s *Store) DeleteRemoteToken(ctx context.Context, key string) error {
	return s.write(ctx, "delete remote token", func(r *run) error {
		_, err := r.exec("DELETE FROM {remote_tokens} WHERE name = ?", key)
		return err
	})
}
