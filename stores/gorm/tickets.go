package gormstore

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// PutTicket implements [store.Tickets].
func (s *Store) PutTicket(ctx context.Context, t store.Ticket) error {
	if err := fits(string(t.Kind), t.State, t.ClientID, t.Subject, t.GrantID); err != nil {
		return named("put ticket", err)
	}
	return s.write(ctx, "put ticket", func(r *run) error {
		n, err := r.exec("{ignore} INTO {tickets} (kind, digest, alt_digest, revision, state, client_id, subject, grant_id, created, expires, used, data) "+
			"VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?) {ignored}", string(t.Kind), t.Key[:], nullable(t.AltKey), t.State, t.ClientID, t.Subject, t.GrantID,
			mandate.Milli(t.Created), mandate.Milli(t.Expires), mandate.Milli(t.Used), t.Data)
		return changed(n, err, store.ErrExists)
	})
}

const ticketColumns = "kind, digest, alt_digest, revision, state, client_id, subject, grant_id, created, expires, used, data"

// Ticket implements [store.Tickets].
func (s *Store) Ticket(ctx context.Context, kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error) {
	var t store.Ticket
	if key.IsZero() {
		return t, store.ErrNotFound
	}
	err := s.read(ctx, "read ticket", func(r *run) error {
		var digest, alt []byte
		var created, expires, used int64
		found, err := r.one([]any{&t.Kind, &digest, &alt, &t.Revision, &t.State, &t.ClientID, &t.Subject, &t.GrantID, &created, &expires, &used, &t.Data},
			"SELECT "+ticketColumns+" FROM {tickets} WHERE kind = ? AND digest = ? UNION ALL "+
				"SELECT "+ticketColumns+" FROM {tickets} WHERE kind = ? AND alt_digest = ? LIMIT 1", string(kind), key[:], string(kind), key[:])
		t.Key, t.AltKey = digestOf(digest), digestOf(alt)
		t.Created, t.Expires, t.Used = mandate.FromMilli(created), mandate.FromMilli(expires), mandate.FromMilli(used)
		if err == nil && !found {
			return store.ErrNotFound
		}
		return err
	})
	switch {
	case err != nil:
		return store.Ticket{}, err
	case !t.Used.IsZero():
		return t, store.ErrUsed
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return t, store.ErrExpired
	default:
		return t, nil
	}
}

// UpdateTicket implements [store.Tickets].
func (s *Store) UpdateTicket(ctx context.Context, t store.Ticket) error {
	if err := fits(t.State, t.Subject, t.GrantID); err != nil {
		return named("update ticket", err)
	}
	return s.write(ctx, "update ticket", func(r *run) error {
		n, err := r.exec("UPDATE {tickets} SET revision = revision + 1, state = ?, subject = ?, grant_id = ?, used = ?, expires = ?, data = ? "+
			"WHERE kind = ? AND digest = ? AND revision = ? AND used = 0", t.State, t.Subject, t.GrantID, mandate.Milli(t.Used), mandate.Milli(t.Expires), t.Data,
			string(t.Kind), t.Key[:], t.Revision)
		if err != nil || n > 0 {
			return err
		}
		var used int64
		found, err := r.one([]any{&used}, "SELECT used FROM {tickets} WHERE kind = ? AND digest = ?", string(t.Kind), t.Key[:])
		switch {
		case err != nil:
			return err
		case !found:
			return store.ErrNotFound
		case used != 0:
			return store.ErrUsed
		default:
			return store.ErrConflict
		}
	})
}
