package gormstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

const sessionColumns = "id, digest, subject, clients, auth_time, expires, ends, ended, acr, amr, data, revision"

// session is a row of the table, with what the record has no field for.
type session struct {
	store.Session

	revision int64
}

func scanSession(rows *sql.Rows) (n session, err error) {
	var digest []byte
	var authTime, expires, ends, ended int64
	err = rows.Scan(&n.ID, &digest, &n.Subject, &n.Clients, &authTime, &expires, &ends, &ended, &n.ACR, &n.AMR, &n.Data, &n.revision)
	n.Key = digestOf(digest)
	n.AuthTime, n.Expires, n.Ends, n.Ended = mandate.FromMilli(authTime), mandate.FromMilli(expires), mandate.FromMilli(ends), mandate.FromMilli(ended)
	return n, err
}

// session reads the only row of a condition.
func (r *run) session(cond string, arg any) (n session, err error) {
	found := 0
	err = r.query(func(rows *sql.Rows) (err error) {
		found++
		n, err = scanSession(rows)
		return err
	}, "SELECT "+sessionColumns+" FROM {sessions} WHERE "+cond, arg)
	return n, first(found, err)
}

// PutSession implements [store.Sessions].
func (s *Store) PutSession(ctx context.Context, n store.Session) error {
	if err := fits(n.ID, n.Subject); err != nil {
		return named("put session", err)
	}
	return s.write(ctx, "put session", func(r *run) error {
		count, err := r.exec("{ignore} INTO {sessions} (id, digest, revision, subject, clients, auth_time, expires, ends, ended, acr, amr, data) "+
			"VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?) {ignored}", n.ID, n.Key[:], n.Subject, n.Clients, mandate.Milli(n.AuthTime), mandate.Milli(n.Expires), mandate.Milli(n.Ends),
			mandate.Milli(n.Ended), n.ACR, n.AMR, n.Data)
		return changed(count, err, store.ErrExists)
	})
}

// Session implements [store.Sessions].
func (s *Store) Session(ctx context.Context, key mandate.Digest, now time.Time) (store.Session, error) {
	return s.session(ctx, now, "digest = ?", key[:])
}

// SessionByID implements [store.Sessions].
func (s *Store) SessionByID(ctx context.Context, id string, now time.Time) (store.Session, error) {
	return s.session(ctx, now, "id = ?", id)
}

func (s *Store) session(ctx context.Context, now time.Time, cond string, arg any) (store.Session, error) {
	var n session
	err := s.read(ctx, "read session", func(r *run) (err error) {
		n, err = r.session(cond, arg)
		return err
	})
	switch {
	case err != nil:
		return store.Session{}, err
	case !n.Ended.IsZero():
		return n.Session, store.ErrUsed
	case !n.LiveAt(now):
		return n.Session, store.ErrExpired
	default:
		return n.Session, nil
	}
}

// TouchSession implements [store.Sessions]: ErrNotFound, or ErrUsed if the session has ended.
func (s *Store) TouchSession(ctx context.Context, key mandate.Digest, expires time.Time) error {
	return s.write(ctx, "touch session", func(r *run) error {
		n, err := r.exec("UPDATE {sessions} SET revision = revision + 1, expires = ? WHERE digest = ? AND ended = 0", mandate.Milli(expires), key[:])
		if err != nil || n > 0 {
			return err
		}
		if _, err := r.session("digest = ?", key[:]); err != nil {
			return err
		}
		return store.ErrUsed
	})
}

// JoinSession implements [store.Sessions]. Who adds a client at the same time as another reads again.
func (s *Store) JoinSession(ctx context.Context, id, clientID string) error {
	return s.write(ctx, "join session", func(r *run) error {
		for {
			n, err := r.session("id = ?", id)
			if err != nil {
				return err
			}
			if !n.Ended.IsZero() {
				return store.ErrUsed
			}
			clients := strings.Fields(n.Clients)
			if slices.Contains(clients, clientID) {
				return nil
			}
			count, err := r.exec("UPDATE {sessions} SET revision = revision + 1, clients = ? WHERE id = ? AND revision = ? AND ended = 0",
				strings.Join(append(clients, clientID), " "), id, n.revision)
			if err != nil || count > 0 {
				return err
			}
		}
	})
}

// EndSession implements [store.Sessions].
func (s *Store) EndSession(ctx context.Context, id string, now time.Time) (store.Session, error) {
	var n session
	err := s.write(ctx, "end session", func(r *run) error {
		count, err := r.exec("UPDATE {sessions} SET revision = revision + 1, ended = ? WHERE id = ? AND ended = 0", now.UnixMilli(), id)
		if err != nil {
			return err
		}
		if n, err = r.session("id = ?", id); err != nil {
			return err
		}
		return changed(count, nil, store.ErrUsed)
	})
	if err != nil && !verdict(err) {
		return store.Session{}, err
	}
	return n.Session, err
}

// FindSessions implements [store.Sessions].
func (s *Store) FindSessions(ctx context.Context, subject string, now time.Time, page store.Page) ([]store.Session, error) {
	var list []store.Session
	at := now.UnixMilli()
	err := s.read(ctx, "find sessions", func(r *run) error {
		list = nil
		return r.query(func(rows *sql.Rows) error {
			n, err := scanSession(rows)
			list = append(list, n.Session)
			return err
		}, "SELECT "+sessionColumns+" FROM {sessions} WHERE subject = ? AND id > ? AND ended = 0 AND expires > ? AND (ends = 0 OR ends > ?) ORDER BY id LIMIT ?",
			subject, page.After, at, at, limit(page))
	})
	return list, err
}
