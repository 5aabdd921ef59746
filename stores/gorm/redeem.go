package gormstore

import (
	"context"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// moving is the condition under which a redemption moves a grant; its parameters are those of moveArgs.
const moving = "id = ? AND generation = ? AND revoked = 0 AND (expires = 0 OR expires > ?)"

// Redeem implements [store.Grants]. The move and the token are one statement in PostgreSQL, one
// block in MariaDB, and one transaction in MySQL and SQLite. Who loses reads the grant afterwards, in a statement of its own.
func (s *Store) Redeem(ctx context.Context, r store.Redemption) (string, error) {
	d := redemption{Redemption: r}
	if err := fits(r.KeyID); err != nil {
		return "", named("redeem", err)
	}
	if r.Token != nil {
		row, err := tokenRow(r.Key, r.Token)
		if err != nil {
			return "", named("redeem", err)
		}
		d.row = row
	}
	var keyID string
	err := s.write(ctx, "redeem", func(r *run) (err error) {
		keyID, err = r.redeem(d)
		return err
	})
	switch {
	case s.dialect.taken(err): // said here, where the move is undone
		return "", store.ErrExists
	case err != nil:
		return "", err
	default:
		return keyID, nil
	}
}

// redemption is one with the row of its token; nil: there is none.
type redemption struct {
	store.Redemption

	row []any
}

// set returns what a move sets, and its parameters. Every move changes a value, or MySQL would not count it.
func (d redemption) set() (string, []any) {
	if d.Keep {
		return "revision = revision + 1, expires = ?", []any{mandate.Milli(d.Expires)}
	}
	return "revision = revision + 1, generation = generation + 1, advanced = ?, expires = ?, key_id = ?",
		[]any{d.Now.UnixMilli(), mandate.Milli(d.Expires), d.KeyID}
}

func (d redemption) condition() []any { return []any{d.GrantID, d.From, d.Now.UnixMilli()} }

func (r *run) redeem(d redemption) (string, error) {
	for range 3 {
		keyID, moved, err := r.move(d)
		if err != nil {
			return "", err
		}
		if moved {
			return keyID, nil
		}
		g, err := r.grant(d.GrantID)
		if err != nil {
			return "", err
		}
		switch err := d.Verdict(g); {
		case err == store.ErrConflict: //nolint:errorlint // as Verdict makes it
			continue // it was about to be moved, and was not
		case err != nil:
			return "", err
		}
		if d.row != nil {
			if err := r.putToken(d.row, d.GrantID); err != nil {
				return "", err
			}
		}
		return g.KeyID, nil
	}
	return "", store.ErrConflict
}

// move moves the grant and puts the token, if it may.
func (r *run) move(d redemption) (keyID string, moved bool, err error) {
	switch r.s.dialect {
	case postgres:
		return r.moveAtOnce(d)
	case sqlite:
		keyID, moved, err = r.moveGrant(d)
		if err == nil && moved && d.row != nil { // a key that is taken undoes the move: the error is none of package store's
			_, err = r.exec("INSERT "+tokenInto+"VALUES ("+tokenValues+")", d.row...)
		}
		return keyID, moved, err
	default:
		if d.row == nil {
			return r.moveGrant(d)
		}
		return r.moveInMySQL(d)
	}
}

// moveAtOnce is one statement, whose parts see one snapshot: the token is put if and only if the grant is moved. Who moves it
// knows its key, and to read rows takes longer than to count them.
func (r *run) moveAtOnce(d redemption) (keyID string, moved bool, err error) {
	if d.row == nil && !d.Keep {
		return r.moveGrant(d)
	}
	set, args := d.set()
	args = append(append(args, d.condition()...), d.row...)
	statement := "WITH moved AS (UPDATE {grants} SET " + set + " WHERE " + moving + " RETURNING key_id)"
	insert := " INSERT " + tokenInto + "SELECT " + tokenValuesPG + " FROM moved"
	if !d.Keep {
		n, err := r.exec(statement+insert, args...)
		return d.KeyID, n > 0, err
	}
	if d.row != nil {
		statement += ", put AS (" + insert + ")"
	}
	moved, err = r.one([]any{&keyID}, statement+" SELECT key_id FROM moved", args...)
	return keyID, moved, err
}

// moveGrant is the gate by itself.
func (r *run) moveGrant(d redemption) (keyID string, moved bool, err error) {
	set, args := d.set()
	n, err := r.exec("UPDATE {grants} SET "+set+" WHERE "+moving, append(args, d.condition()...)...)
	if err != nil || n == 0 || !d.Keep {
		return d.KeyID, n > 0, err
	}
	moved, err = r.one([]any{&keyID}, "SELECT key_id FROM {grants} WHERE id = ?", d.GrantID)
	return keyID, moved, err
}
