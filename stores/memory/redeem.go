package memstore

import (
	"context"
	"strings"
	"time"
	"unique"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// Redeem implements [store.Grants]: the move and the token are one step.
func (s *Store) Redeem(_ context.Context, r store.Redemption) (string, error) {
	s.note(r.Now)
	var access *token
	var hash uint64
	if r.Token != nil {
		access, hash = s.tokens.row(r.Key, r.Token)
	}
	sh, h := s.grants.lock(r.GrantID)
	defer sh.mu.Unlock()
	row := sh.find(h, r.GrantID)
	if row == nil {
		return "", store.ErrNotFound
	}
	moves := row.generation == r.From && row.alive(r.Now.UnixMilli()) // as store.Redemption.Moves has it
	if !moves {
		var g store.Grant
		row.head(&g)
		if err := r.Verdict(g); err != nil {
			return "", err
		}
	}
	if access != nil {
		access.grant = row
		if err := s.putToken(hash, access); err != nil { // and nothing has moved
			return "", err
		}
	}
	if moves {
		sh.move(row, r)
	}
	return row.common.Value().keyID, nil
}

func (sh *idStripe) move(row *grant, r store.Redemption) {
	old := row.ends()
	row.expires = mandate.Milli(r.Expires)
	if at := row.ends(); at != 0 && (old == 0 || at < old) {
		sh.remind(row)
	}
	if r.Keep {
		return
	}
	row.generation++
	row.advanced = mandate.Milli(r.Now)
	if c := row.common.Value(); c.keyID != r.KeyID {
		c.keyID = r.KeyID
		row.common = unique.Make(c)
	}
}

// RevokeGrant implements [store.Grants].
func (s *Store) RevokeGrant(_ context.Context, id string, why store.Reason, now time.Time) error {
	s.note(now)
	sh, h := s.grants.lock(id)
	defer sh.mu.Unlock()
	if row := sh.find(h, id); row != nil {
		sh.revoke(row, why, now)
		return nil
	}
	sh.insert(s.grants.newGrant(&store.Grant{ID: id, Created: now, Revoked: now, Reason: why}))
	return nil
}

// RevokeGrants implements [store.Grants]. It looks at grants as FindGrants does.
func (s *Store) RevokeGrants(_ context.Context, q store.GrantQuery, why store.Reason, now time.Time) ([]store.Grant, error) {
	s.note(now)
	if q == (store.GrantQuery{}) {
		return nil, nil
	}
	var ended []store.Grant
	s.grants.each(q, func(sh *idStripe, row *grant) {
		if row.alive(now.UnixMilli()) {
			sh.revoke(row, why, now)
			ended = append(ended, sh.record(row))
		}
	})
	return ended, nil
}

// ResealGrant implements [store.Grants].
func (s *Store) ResealGrant(_ context.Context, id, from, to string) error {
	sh, h := s.grants.lock(id)
	defer sh.mu.Unlock()
	row := sh.find(h, id)
	switch {
	case row == nil:
		return store.ErrNotFound
	case sh.record(row).Details.Sealed != from:
		return store.ErrConflict
	}
	if sh.resealed == nil {
		sh.resealed = map[*grant]string{}
	}
	sh.resealed[row] = strings.Clone(to)
	return nil
}

func (sh *idStripe) revoke(row *grant, why store.Reason, now time.Time) {
	if row.revoked.Load() != 0 {
		return
	}
	c := row.common.Value()
	c.reason = why
	row.common = unique.Make(c)
	row.revoked.Store(now.UnixMilli())
	if row.expires == 0 {
		sh.remind(row)
	}
}

// prune drops up to limit grants of stripe i that were over before end, with the locks let go in between. It
// takes up to tries reminders.
func (t *grants) prune(i int, end int64, limit, tries int) (n int) {
	sh := &t.ids[i]
	for ; n < limit && tries > 0; tries-- {
		sh.mu.Lock()
		h, ok := sh.due.pop(end)
		var row *grant
		if place := sh.rows.first(h); ok && place >= 0 {
			row = sh.rows.cells[place].value
		}
		over := row != nil && sh.over(row, end)
		sh.mu.Unlock()
		if !ok {
			return n
		}
		if over && t.drop(sh, row, end) {
			n++
		}
	}
	return n
}

// over reports whether a row that a reminder names was over before end, and puts the reminder back if not.
func (sh *idStripe) over(row *grant, end int64) bool {
	at := row.ends()
	if at >= end {
		sh.due.push(at, row.ofID)
	}
	return at != 0 && at < end
}

// drop takes row out of the table and the indexes, unless it got a new end meanwhile or is out already.
func (t *grants) drop(sh *idStripe, row *grant, end int64) bool {
	places := t.places(row)
	t.lockAll(places)
	defer t.unlockAll(places)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	place := sh.place(row)
	if place < 0 || !sh.over(row, end) {
		return false
	}
	sh.rows.remove(place)
	delete(sh.resealed, row)
	if row.revoked.Load() == 0 {
		row.revoked.Store(end)
	}
	t.removeKey(places[byKey], row)
	for i := range t.index {
		if places[i].is {
			t.removeFrom(&t.index[i], places[i].hash, row)
		}
	}
	return true
}
