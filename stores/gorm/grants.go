package gormstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// grantColumns are what a grant is read from, in the order of scanGrant.
const grantColumns = "id, digest, key_id, client_id, subject, session_id, generation, advanced, created, expires, revoked, reason, details"

// CreateGrant implements [store.Grants].
func (s *Store) CreateGrant(ctx context.Context, g store.Grant) error {
	if err := fits(g.ID, g.KeyID, g.ClientID, g.Subject, g.SessionID, string(g.Reason)); err != nil {
		return named("create grant", err)
	}
	d := g.Details
	d.Ends, d.AuthTime = whole(d.Ends), whole(d.AuthTime)
	details, err := json.Marshal(d)
	if err != nil {
		return named("create grant", err)
	}
	return s.write(ctx, "create grant", func(r *run) error {
		n, err := r.exec("{ignore} INTO {grants} (id, digest, key_id, client_id, subject, session_id, generation, revision, advanced, created, expires, "+
			"revoked, reason, revocation, details) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, NULL, ?) {ignored}",
			g.ID, nullable(g.Key), g.KeyID, g.ClientID, g.Subject, g.SessionID, g.Generation, mandate.Milli(g.Advanced), mandate.Milli(g.Created),
			mandate.Milli(g.Expires), mandate.Milli(g.Revoked), string(g.Reason), string(details))
		return changed(n, err, store.ErrExists)
	})
}

// changed returns otherwise where no row was changed.
func changed(n int64, err, otherwise error) error {
	if err == nil && n == 0 {
		return otherwise
	}
	return err
}

// Grant implements [store.Grants].
func (s *Store) Grant(ctx context.Context, id string) (store.Grant, error) {
	var g store.Grant
	err := s.read(ctx, "read grant", func(r *run) (err error) {
		g, err = r.grant(id)
		return err
	})
	return g, err
}

// GrantByKey implements [store.Grants].
func (s *Store) GrantByKey(ctx context.Context, key mandate.Digest) (store.Grant, error) {
	if key.IsZero() {
		return store.Grant{}, store.ErrNotFound
	}
	var g store.Grant
	err := s.read(ctx, "read grant", func(r *run) error {
		return first(r.grants(&g, "SELECT "+grantColumns+" FROM {grants} WHERE digest = ?", key[:]))
	})
	return g, err
}

// first returns ErrNotFound where there is no row.
func first(n int, err error) error {
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

func (r *run) grant(id string) (g store.Grant, err error) {
	err = first(r.grants(&g, "SELECT "+grantColumns+" FROM {grants} WHERE id = ?", id))
	return g, err
}

// grants reads into g, the last of several.
func (r *run) grants(g *store.Grant, statement string, args ...any) (n int, err error) {
	err = r.query(func(rows *sql.Rows) (err error) {
		n++
		*g, err = scanGrant(rows)
		return err
	}, statement, args...)
	return n, err
}

func scanGrant(rows *sql.Rows) (g store.Grant, err error) {
	var digest, details []byte
	var advanced, created, expires, revoked int64
	if err := rows.Scan(&g.ID, &digest, &g.KeyID, &g.ClientID, &g.Subject, &g.SessionID, &g.Generation, &advanced, &created, &expires,
		&revoked, &g.Reason, &details); err != nil {
		return g, err
	}
	g.Key = digestOf(digest)
	g.Advanced, g.Created, g.Expires, g.Revoked = mandate.FromMilli(advanced), mandate.FromMilli(created), mandate.FromMilli(expires), mandate.FromMilli(revoked)
	if len(details) == 0 { // revoked before it was made
		return g, nil
	}
	if err := json.Unmarshal(details, &g.Details); err != nil {
		return g, fmt.Errorf("details of grant %q: %w", g.ID, err)
	}
	return g, nil
}

// where returns the condition that q stands for, and its parameters. An empty q has none.
func where(q store.GrantQuery) (string, []any) {
	var parts []string
	var args []any
	for _, f := range []struct{ column, value string }{{"subject", q.Subject}, {"session_id", q.SessionID}, {"client_id", q.ClientID}} {
		if f.value != "" {
			parts, args = append(parts, f.column+" = ?"), append(args, f.value)
		}
	}
	return strings.Join(parts, " AND "), args
}

// limit is how many records a page has.
func limit(p store.Page) int {
	if p.Limit <= 0 {
		return 100
	}
	return p.Limit
}

// FindGrants implements [store.Grants]. Every field of q has an index.
func (s *Store) FindGrants(ctx context.Context, q store.GrantQuery, page store.Page) ([]store.Grant, error) {
	cond, args := where(q)
	if cond != "" {
		cond += " AND "
	}
	args = append(args, page.After, limit(page))
	var list []store.Grant
	err := s.read(ctx, "find grants", func(r *run) error {
		list = nil
		return r.query(func(rows *sql.Rows) error {
			g, err := scanGrant(rows)
			list = append(list, g)
			return err
		}, "SELECT "+grantColumns+" FROM {grants} WHERE "+cond+"id > ? ORDER BY id LIMIT ?", args...)
	})
	return list, err
}

// RevokeGrant implements [store.Grants]: one row, and a row of its own for a grant that is not made yet.
func (s *Store) RevokeGrant(ctx context.Context, id string, why store.Reason, now time.Time) error {
	if err := fits(id, string(why)); err != nil {
		return named("revoke grant", err)
	}
	return s.write(ctx, "revoke grant", func(r *run) error {
		for {
			n, err := r.exec("UPDATE {grants} SET revoked = ?, reason = ? WHERE id = ? AND revoked = 0", now.UnixMilli(), string(why), id)
			if err != nil || n > 0 {
				return err
			}
			n, err = r.exec("{ignore} INTO {grants} (id, digest, key_id, client_id, subject, session_id, generation, revision, advanced, created, expires, "+
				"revoked, reason, revocation, details) VALUES (?, NULL, '', '', '', '', 0, 0, 0, ?, ?, ?, ?, NULL, '') {ignored}",
				id, now.UnixMilli(), now.Add(kept).UnixMilli(), now.UnixMilli(), string(why))
			if err != nil || n > 0 {
				return err
			}
			found, err := r.one([]any{new(int64)}, "SELECT revoked FROM {grants} WHERE id = ? AND revoked <> 0", id)
			if err != nil || found {
				return err
			} // made between the two: once more
		}
	})
}

// ResealGrant implements [store.Grants].
func (s *Store) ResealGrant(ctx context.Context, id, from, to string) error {
	return s.write(ctx, "reseal grant", func(r *run) error {
		var details []byte
		found, err := r.one([]any{&details}, "SELECT details FROM {grants} WHERE id = ?", id)
		switch {
		case err != nil:
			return err
		case !found:
			return store.ErrNotFound
		}
		// What others know of Details, and this version does not, stays as it is.
		old, fresh := `"sealed":"`+from+`"`, `"sealed":"`+to+`"`
		if !strings.Contains(string(details), old) {
			return store.ErrConflict
		}
		n, err := r.exec("UPDATE {grants} SET details = ? WHERE id = ? AND details = ?", strings.Replace(string(details), old, fresh, 1), id, string(details))
		return changed(n, err, store.ErrConflict)
	})
}

// kept is how long a grant that was revoked before it was made is remembered: longer than any approval takes to be
// stored, and any token under it to end.
const kept = 30 * 24 * time.Hour

// RevokeGrants implements [store.Grants]. One statement ends them all, and signs each row with a number of its own, by which a
// second one reads them.
func (s *Store) RevokeGrants(ctx context.Context, q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
	cond, args := where(q)
	if cond == "" {
		return nil, nil
	}
	if err := fits(string(why)); err != nil {
		return nil, named("revoke grants", err)
	}
	stamp := make([]byte, 16)
	_, _ = rand.Read(stamp) // never fails
	live := cond + " AND revoked = 0 AND (expires = 0 OR expires > ?)"
	update := "UPDATE {grants} SET revoked = ?, reason = ?, revocation = ? WHERE " + live
	if s.dialect == postgres { // in one order, or two such calls stop each other
		update = "UPDATE {grants} SET revoked = ?, reason = ?, revocation = ? WHERE revoked = 0 AND id IN (SELECT id FROM {grants} WHERE " + live +
			" ORDER BY id FOR UPDATE)"
	}
	set := append([]any{now.UnixMilli(), string(why), stamp}, args...)
	set = append(set, now.UnixMilli())
	var ended []store.Grant
	err := s.write(ctx, "revoke grants", func(r *run) error {
		ended = nil
		if _, err := r.exec(update, set...); err != nil {
			return err
		}
		return r.query(func(rows *sql.Rows) error {
			g, err := scanGrant(rows)
			ended = append(ended, g)
			return err
		}, "SELECT "+grantColumns+" FROM {grants} WHERE "+cond+" AND revocation = ? ORDER BY id", append(slices.Clip(args), stamp)...)
	})
	return ended, err
}
