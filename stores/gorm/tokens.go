package gormstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// The parameters of putToken are the token's columns. They are cast where PostgreSQL would have to guess their types.
const (
	tokenValues   = "?, ?, ?, 0, ?"
	tokenValuesPG = "CAST(? AS bytea), CAST(? AS text), CAST(? AS bigint), 0, CAST(? AS text)"
	tokenInto     = "INTO {tokens} (digest, grant_id, expires, revoked, data) "
)

// tokenRow returns the values of a token's row.
func tokenRow(key mandate.Digest, t *mandate.Token) ([]any, error) {
	data, err := json.Marshal(t.Info())
	if err != nil {
		return nil, err
	}
	return []any{key[:], t.GrantID(), mandate.Milli(t.Expires()), string(data)}, fits(t.GrantID())
}

func (s *Store) tokenValues() string {
	if s.dialect == postgres {
		return tokenValuesPG
	}
	return tokenValues
}

// PutToken implements [store.Tokens].
func (s *Store) PutToken(ctx context.Context, key mandate.Digest, t *mandate.Token) error {
	row, err := tokenRow(key, t)
	if err != nil {
		return named("put token", err)
	}
	return s.write(ctx, "put token", func(r *run) error { return r.putToken(row, t.GrantID()) })
}

func (r *run) putToken(row []any, grant string) error {
	if grant == "" {
		n, err := r.exec("{ignore} "+tokenInto+"VALUES ("+r.s.tokenValues()+") {ignored}", row...)
		return changed(n, err, store.ErrExists)
	}
	n, err := r.exec("{ignore} "+tokenInto+"SELECT "+r.s.tokenValues()+" {dual} WHERE EXISTS (SELECT 1 FROM {grants} WHERE id = ? AND revoked = 0) {ignored}",
		append(slices.Clip(row), grant)...)
	if err != nil || n > 0 {
		return err
	}
	alive, err := r.one([]any{new(int64)}, "SELECT 1 FROM {grants} WHERE id = ? AND revoked = 0", grant)
	switch {
	case err != nil:
		return err
	case alive:
		return store.ErrExists
	default:
		return store.ErrRevoked
	}
}

// Token implements [store.Tokens]: one query, which reads the token's row and the grant's by their primary keys.
func (s *Store) Token(ctx context.Context, key mandate.Digest, now time.Time) (*mandate.Token, error) {
	var data []byte
	var grant string
	var expires, revoked int64
	var ended sql.NullInt64
	err := s.read(ctx, "read token", func(r *run) error {
		found, err := r.one([]any{&data, &grant, &expires, &revoked, &ended},
			"SELECT t.data, t.grant_id, t.expires, t.revoked, g.revoked FROM {tokens} t LEFT JOIN {grants} g ON g.id = t.grant_id WHERE t.digest = ?", key[:])
		if err == nil && !found {
			return store.ErrNotFound
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case revoked != 0, grant != "" && (!ended.Valid || ended.Int64 != 0):
		return nil, store.ErrRevoked
	case expires != 0 && now.UnixMilli() >= expires:
		return nil, store.ErrExpired
	}
	var info mandate.TokenInfo
	if err := json.Unmarshal(data, &info); err != nil {
		return nil, fmt.Errorf("gormstore: read token: data of a token under grant %q: %w", grant, err)
	}
	return mandate.NewToken(info), nil
}

// RevokeToken implements [store.Tokens].
func (s *Store) RevokeToken(ctx context.Context, key mandate.Digest, expires time.Time) error {
	const latest = " expires = CASE WHEN {tokens}.expires = 0 OR ? = 0 THEN 0 WHEN {tokens}.expires > ? THEN {tokens}.expires ELSE ? END"
	const pgLatest = " expires = CASE WHEN {tokens}.expires = 0 OR CAST(? AS bigint) = 0 THEN 0 ELSE GREATEST({tokens}.expires, CAST(? AS bigint), CAST(? AS bigint)) END"
	statement := "INSERT " + tokenInto + "VALUES (?, '', ?, 1, '') ON CONFLICT (digest) DO UPDATE SET revoked = 1,"
	switch s.dialect {
	case mysql:
		statement = "INSERT " + tokenInto + "VALUES (?, '', ?, 1, '') ON DUPLICATE KEY UPDATE revoked = 1," + latest
	case postgres:
		statement += pgLatest
	case sqlite:
		statement += latest
	}
	end := mandate.Milli(expires)
	return s.write(ctx, "revoke token", func(r *run) error {
		_, err := r.exec(statement, key[:], end, end, end, end)
		return err
	})
}
