package gormstore

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
)

// moveInMySQL moves a grant and puts the token in one transaction of the store's own. MariaDB is sent all of it as one block, in one
// round trip; MySQL, which has no blocks, in four. Values are written into the text, as numbers and in
// hexadecimal: to prepare the statements would take longer than to make them, and would take a second connection.
func (r *run) moveInMySQL(d redemption) (keyID string, moved bool, err error) {
	src, err := r.s.source()
	if err != nil {
		return "", false, err
	}
	set, args := d.set()
	update := r.s.literal("UPDATE {grants} SET "+set+" WHERE "+moving, append(args, d.condition()...)...)
	insert := r.s.literal("INSERT "+tokenInto+"VALUES ("+tokenValues+")", d.row...)
	answer := r.s.literal("SELECT key_id FROM {grants} WHERE id = ?", d.GrantID)
	if !d.Keep {
		answer = r.s.literal("SELECT ?", d.KeyID)
	}
	maria, err := src.isMaria(r.ctx)
	if err != nil {
		return "", false, err
	}
	if maria {
		return scanKeyID(r.ctx, src.db, "BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; "+
			// Who has lost already waits for no lock. The update below decides.
			"IF EXISTS ("+r.s.literal("SELECT 1 FROM {grants} WHERE "+moving, d.condition()...)+") THEN START TRANSACTION; "+
			update+"; IF ROW_COUNT() > 0 THEN "+insert+"; COMMIT; "+answer+"; ELSE ROLLBACK; END IF; END IF; END")
	}
	tx, err := src.db.BeginTx(r.ctx, nil)
	if err != nil {
		return "", false, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing, and without one nothing is left either way
	res, err := tx.ExecContext(r.ctx, update)
	if err != nil {
		return "", false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return "", false, err
	}
	if _, err := tx.ExecContext(r.ctx, insert); err != nil {
		return "", false, err
	}
	if keyID = d.KeyID; d.Keep {
		if keyID, _, err = scanKeyID(r.ctx, tx, answer); err != nil {
			return "", false, err
		}
	}
	return keyID, true, tx.Commit()
}

func scanKeyID(ctx context.Context, to querier, query string) (keyID string, found bool, err error) {
	rows, err := to.QueryContext(ctx, query)
	if err != nil {
		return "", false, err
	}
	defer rows.Close() //nolint:errcheck // Err says it
	for rows.Next() {
		found = true
		if err := rows.Scan(&keyID); err != nil {
			return "", false, err
		}
	}
	return keyID, found, rows.Err()
}

// isMaria reports whether a source speaks MariaDB's SQL. It is asked once.
func (src *source) isMaria(ctx context.Context) (bool, error) {
	if known := src.maria.Load(); known != nil {
		return *known, nil
	}
	var version string
	if err := src.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return false, err
	}
	maria := strings.Contains(version, "MariaDB")
	src.maria.Store(&maria)
	return maria, nil
}

// literal returns a statement with its values in it. Every value but a number is hexadecimal, so that nothing in it can be taken for SQL.
func (s *Store) literal(statement string, args ...any) string {
	var b strings.Builder
	rest := s.text(statement)
	for _, arg := range args {
		before, after, _ := strings.Cut(rest, "?")
		b.WriteString(before)
		switch v := arg.(type) {
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		case string:
			b.WriteString("x'" + hex.EncodeToString([]byte(v)) + "'")
		case []byte:
			b.WriteString("x'" + hex.EncodeToString(v) + "'")
		default:
			b.WriteString("NULL")
		}
		rest = after
	}
	b.WriteString(rest)
	return b.String()
}
