package gormstore

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// UseOnce implements [store.Replay]: the insert is the check, and for a use that is over, the update.
func (s *Store) UseOnce(ctx context.Context, space string, key mandate.Digest, now, expires time.Time) error {
	if err := fits(space); err != nil {
		return named("use once", err)
	}
	at, end := now.UnixMilli(), mandate.Milli(expires)
	return s.write(ctx, "use once", func(r *run) error {
		if r.s.dialect != mysql {
			n, err := r.exec("INSERT INTO {uses} (space, digest, expires) VALUES (?, ?, ?) ON CONFLICT (space, digest) DO UPDATE SET expires = EXCLUDED.expires "+
				"WHERE {uses}.expires <> 0 AND {uses}.expires <= ?", space, key[:], end, at)
			return changed(n, err, store.ErrUsed)
		}
		n, err := r.exec("{ignore} INTO {uses} (space, digest, expires) VALUES (?, ?, ?) {ignored}", space, key[:], end)
		if err != nil || n > 0 {
			return err
		}
		n, err = r.exec("UPDATE {uses} SET expires = ? WHERE space = ? AND digest = ? AND expires <> 0 AND expires <= ?", end, space, key[:], at)
		return changed(n, err, store.ErrUsed)
	})
}
