package gormstore

import (
	"context"

	"github.com/go-mandate/mandate/core/store"
)

// SigningKeys implements [store.SigningKeys].
func (s *Store) SigningKeys(ctx context.Context, name string) (sealed []byte, revision int64, err error) {
	err = s.read(ctx, "read signing keys", func(r *run) error {
		found, err := r.one([]any{&sealed, &revision}, "SELECT sealed, revision FROM {key_sets} WHERE name = ?", name)
		if err == nil && !found {
			return store.ErrNotFound
		}
		return err
	})
	return sealed, revision, err
}

// PutSigningKeys implements [store.SigningKeys].
func (s *Store) PutSigningKeys(ctx context.Context, name string, sealed []byte, revision int64) error {
	if err := fits(name); err != nil {
		return named("put signing keys", err)
	}
	sealed = append([]byte{}, sealed...) // never nil, and the caller's no more
	return s.write(ctx, "put signing keys", func(r *run) error {
		var n int64
		var err error
		if revision == 0 {
			n, err = r.exec("{ignore} INTO {key_sets} (name, revision, sealed) VALUES (?, 1, ?) {ignored}", name, sealed)
		} else {
			n, err = r.exec("UPDATE {key_sets} SET revision = revision + 1, sealed = ? WHERE name = ? AND revision = ?", sealed, name, revision)
		}
		return changed(n, err, store.ErrConflict)
	})
}
