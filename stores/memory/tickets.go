package memstore

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

type ticketKey struct {
	kind store.Kind
	key  mandate.Digest
}

func (s *Store) initTickets() {
	s.tickets.init(func(t *store.Ticket) int64 { return mandate.Milli(t.Expires) }, func(t *store.Ticket) {
		if !t.AltKey.IsZero() {
			s.alts.remove(ticketKey{t.Kind, t.AltKey})
		}
	})
	s.alts.init(func(mandate.Digest) int64 { return 0 }, nil) // goes with its ticket
}

// PutTicket implements [store.Tickets].
func (s *Store) PutTicket(_ context.Context, t store.Ticket) error {
	t.Revision = 1
	t.Created, t.Expires, t.Used = whole(t.Created), whole(t.Expires), whole(t.Used)
	key := ticketKey{t.Kind, t.Key}
	sh := s.tickets.lock(key)
	defer sh.mu.Unlock()
	if sh.rows[key] != nil {
		return store.ErrExists
	}
	if !t.AltKey.IsZero() {
		alt := ticketKey{t.Kind, t.AltKey}
		as := s.alts.lock(alt)
		_, taken := as.rows[alt]
		if !taken {
			as.rows[alt] = t.Key
		}
		as.mu.Unlock()
		if taken {
			return store.ErrExists
		}
	}
	s.tickets.put(sh, key, &t, s.longAgo())
	return nil
}

// Ticket implements [store.Tickets].
func (s *Store) Ticket(_ context.Context, kind store.Kind, key mandate.Digest, now time.Time) (store.Ticket, error) {
	s.note(now)
	t, ok := s.ticket(ticketKey{kind, key})
	if !ok {
		if key, ok = s.alts.get(ticketKey{kind, key}); ok {
			t, ok = s.ticket(ticketKey{kind, key})
		}
	}
	switch {
	case !ok:
		return t, store.ErrNotFound
	case !t.Used.IsZero():
		return t, store.ErrUsed
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return t, store.ErrExpired
	default:
		return t, nil
	}
}

func (s *Store) ticket(key ticketKey) (store.Ticket, bool) {
	sh := s.tickets.lock(key)
	defer sh.mu.Unlock()
	if t := sh.rows[key]; t != nil {
		return *t, true
	}
	return store.Ticket{}, false
}

// UpdateTicket implements [store.Tickets].
func (s *Store) UpdateTicket(_ context.Context, t store.Ticket) error {
	key := ticketKey{t.Kind, t.Key}
	sh := s.tickets.lock(key)
	defer sh.mu.Unlock()
	row := sh.rows[key]
	switch {
	case row == nil:
		return store.ErrNotFound
	case !row.Used.IsZero():
		return store.ErrUsed
	case row.Revision != t.Revision:
		return store.ErrConflict
	}
	old := row.Expires
	row.State, row.Subject, row.GrantID, row.Data = t.State, t.Subject, t.GrantID, t.Data
	row.Used, row.Expires = whole(t.Used), whole(t.Expires)
	row.Revision++
	if old.IsZero() || row.Expires.Before(old) {
		s.tickets.remind(sh, key, row)
	}
	return nil
}
