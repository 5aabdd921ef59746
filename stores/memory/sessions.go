package memstore

import (
	"context"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

func (s *Store) initSessions() {
	s.sessions.init(func(n *store.Session) int64 { return mandate.Milli(n.Expires) }, func(n *store.Session) { s.sids.remove(n.ID) })
	s.sids.init(func(mandate.Digest) int64 { return 0 }, nil) // goes with its session
}

// PutSession implements [store.Sessions].
func (s *Store) PutSession(_ context.Context, n store.Session) error {
	n.AuthTime, n.Expires, n.Ends, n.Ended = whole(n.AuthTime), whole(n.Expires), whole(n.Ends), whole(n.Ended)
	sh := s.sessions.lock(n.Key)
	defer sh.mu.Unlock()
	if sh.rows[n.Key] != nil {
		return store.ErrExists
	}
	ids := s.sids.lock(n.ID)
	_, taken := ids.rows[n.ID]
	if !taken {
		ids.rows[n.ID] = n.Key
	}
	ids.mu.Unlock()
	if taken {
		return store.ErrExists
	}
	s.sessions.put(sh, n.Key, &n, s.longAgo())
	return nil
}

// Session implements [store.Sessions].
func (s *Store) Session(_ context.Context, key mandate.Digest, now time.Time) (store.Session, error) {
	s.note(now)
	sh := s.sessions.lock(key)
	defer sh.mu.Unlock()
	n := sh.rows[key]
	switch {
	case n == nil:
		return store.Session{}, store.ErrNotFound
	case !n.Ended.IsZero():
		return *n, store.ErrUsed
	case !n.LiveAt(now):
		return *n, store.ErrExpired
	default:
		return *n, nil
	}
}

// SessionByID implements [store.Sessions].
func (s *Store) SessionByID(ctx context.Context, id string, now time.Time) (store.Session, error) {
	key, ok := s.sids.get(id)
	if !ok {
		return store.Session{}, store.ErrNotFound
	}
	return s.Session(ctx, key, now)
}

// TouchSession implements [store.Sessions]: ErrNotFound, or ErrUsed if the session has ended.
func (s *Store) TouchSession(_ context.Context, key mandate.Digest, expires time.Time) error {
	return s.change(key, func(sh *shard[mandate.Digest, *store.Session], n *store.Session) {
		old := n.Expires
		n.Expires = whole(expires)
		if old.IsZero() || n.Expires.Before(old) {
			s.sessions.remind(sh, key, n)
		}
	})
}

// JoinSession implements [store.Sessions].
func (s *Store) JoinSession(_ context.Context, id, clientID string) error {
	key, ok := s.sids.get(id)
	if !ok {
		return store.ErrNotFound
	}
	return s.change(key, func(_ *shard[mandate.Digest, *store.Session], n *store.Session) {
		if clients := strings.Fields(n.Clients); !slices.Contains(clients, clientID) {
			n.Clients = strings.Join(append(clients, clientID), " ")
		}
	})
}

// change calls f with a session that has not ended, under its lock.
func (s *Store) change(key mandate.Digest, f func(*shard[mandate.Digest, *store.Session], *store.Session)) error {
	sh := s.sessions.lock(key)
	defer sh.mu.Unlock()
	switch n := sh.rows[key]; {
	case n == nil:
		return store.ErrNotFound
	case !n.Ended.IsZero():
		return store.ErrUsed
	default:
		f(sh, n)
		return nil
	}
}

// EndSession implements [store.Sessions].
func (s *Store) EndSession(_ context.Context, id string, now time.Time) (store.Session, error) {
	s.note(now)
	key, ok := s.sids.get(id)
	if !ok {
		return store.Session{}, store.ErrNotFound
	}
	sh := s.sessions.lock(key)
	defer sh.mu.Unlock()
	n := sh.rows[key]
	switch {
	case n == nil:
		return store.Session{}, store.ErrNotFound
	case !n.Ended.IsZero():
		return *n, store.ErrUsed
	default:
		n.Ended = whole(now)
		return *n, nil
	}
}

// FindSessions implements [store.Sessions]. It looks at every session, shard by shard.
func (s *Store) FindSessions(_ context.Context, subject string, now time.Time, page store.Page) ([]store.Session, error) {
	list := smallest[store.Session]{limit: limit(page), id: func(n store.Session) string { return n.ID }}
	for i := range s.sessions.shard {
		sh := &s.sessions.shard[i]
		sh.mu.Lock()
		for _, n := range sh.rows {
			if n.Subject == subject && n.ID > page.After && n.LiveAt(now) {
				list.add(*n)
			}
		}
		sh.mu.Unlock()
	}
	return list.sorted(), nil
}
