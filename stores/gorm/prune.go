package gormstore

import (
	"context"
	"slices"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// batch is how many rows one statement of Prune deletes: it holds their locks.
const batch = 500

// Prune implements [store.Pruner]. It deletes by an index, some hundred rows to a statement, so that nothing waits for it for long. Two processes
// that prune at once do no harm.
func (s *Store) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx, cancel := s.within(ctx, 10)
	defer cancel()
	at, total := now.UnixMilli(), 0
	for _, p := range []struct {
		table, key, over string
		args             []any
	}{
		{"tokens", "digest", "expires > 0 AND expires < ?", []any{at}},
		{"uses", "space, digest", "expires > 0 AND expires < ?", []any{at}},
		{"tickets", "kind, digest", "expires > 0 AND expires < ?", []any{at}},
		{"grants", "id", "expires > 0 AND expires < ?", []any{at}},
		// Without an end, but revoked long ago: no token under it is told from one without a grant any more.
		{"grants", "id", "expires = 0 AND revoked > 0 AND revoked < ?", []any{now.Add(-kept).UnixMilli()}},
		{"sessions", "id", "expires > 0 AND expires < ?", []any{at}},
		{"consents", "subject, client_id", "expires > 0 AND expires < ?", []any{at}},
		{"remote_tokens", "name", "expires > 0 AND expires < ?", []any{at}},
	} {
		for total < limit {
			n, want := 0, min(batch, limit-total)
			err := s.write(ctx, "prune "+p.table, func(r *run) error {
				count, err := r.exec(s.pruning(p.table, p.key, p.over), append(slices.Clip(p.args), want)...)
				n = int(count)
				return err
			})
			if err != nil {
				return total, err
			}
			if total += n; n < want {
				break
			}
		}
	}
	return total, nil
}

// pruning returns the statement that deletes some rows that are over. Rows that another is changing are left for the next time.
func (s *Store) pruning(table, key, over string) string {
	switch s.dialect {
	case mysql:
		return "DELETE FROM {" + table + "} WHERE " + over + " ORDER BY expires LIMIT ?"
	case postgres:
		return "DELETE FROM {" + table + "} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {" + table + "} WHERE " + over + " ORDER BY expires LIMIT ? FOR UPDATE SKIP LOCKED))"
	default:
		return "DELETE FROM {" + table + "} WHERE (" + key + ") IN (SELECT " + key + " FROM {" + table + "} WHERE " + over + " ORDER BY expires LIMIT ?)"
	}
}

// KeepPruned prunes until ctx ends, and returns its error: an application starts it with one line,
//
//	go gormstore.KeepPruned(ctx, s, time.Minute, func(n int, err error) { ... })
//
// Every time it removes all that is over, a thousand records to a call. Done hears how many went, or what went wrong, in
// which case it goes on with the next time; nil: nobody hears. Every below a second is a minute. One process of
// several suffices, all do no harm.
func KeepPruned(ctx context.Context, s store.Pruner, every time.Duration, done func(n int, err error)) error {
	if every < time.Second {
		every = time.Minute
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		n, err := pruneAll(ctx, s, time.Now()) //nolint:forbidigo // nobody else tells it the time
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if done != nil {
			done(n, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

func pruneAll(ctx context.Context, s store.Pruner, now time.Time) (total int, err error) {
	const each = 1000
	for {
		n, err := s.Prune(ctx, now, each)
		if total += n; err != nil || n < each {
			return total, err
		}
	}
}
