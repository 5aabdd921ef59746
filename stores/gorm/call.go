package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

// querier is what statements are sent through: a pool, a connection or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// run sends the statements of one call.
type run struct {
	s    *Store
	ctx  context.Context //nolint:containedctx // lives as long as the call
	pool querier
	prep func(ctx context.Context, query string) (*sql.Stmt, error) // nil: statements are not prepared
}

// exec returns how many rows a statement changed.
func (r *run) exec(statement string, args ...any) (int64, error) {
	text := r.s.text(statement)
	var res sql.Result
	var err error
	if r.prep != nil {
		var st *sql.Stmt
		if st, err = r.prep(r.ctx, text); err == nil { //nolint:sqlclosecheck // whoever prepares keeps it
			res, err = st.ExecContext(r.ctx, args...)
		}
	} else {
		res, err = r.pool.ExecContext(r.ctx, text, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query calls scan with every row.
func (r *run) query(scan func(*sql.Rows) error, statement string, args ...any) error {
	text := r.s.text(statement)
	var rows *sql.Rows
	var err error
	if r.prep != nil {
		var st *sql.Stmt
		if st, err = r.prep(r.ctx, text); err == nil { //nolint:sqlclosecheck // whoever prepares keeps it
			rows, err = st.QueryContext(r.ctx, args...)
		}
	} else {
		rows, err = r.pool.QueryContext(r.ctx, text, args...)
	}
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below says it
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the only row of a query, and reports whether there is one.
func (r *run) one(dest []any, statement string, args ...any) (found bool, err error) {
	err = r.query(func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dest...)
	}, statement, args...)
	return found && err == nil, err
}

// statement returns the prepared form of a query, which lives as long as the database.
func (src *source) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := src.stmts.Load(query); ok {
		return st.(*sql.Stmt), nil //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	st, err := src.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if old, loaded := src.stmts.LoadOrStore(query, st); loaded {
		_ = st.Close()              //nolint:sqlclosecheck // another was quicker
		return old.(*sql.Stmt), nil //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	return st, nil
}

// on returns what sends statements to src, each a transaction of its own.
func (s *Store) on(ctx context.Context, src *source) *run {
	r := &run{s: s, ctx: ctx, pool: src.db}
	if s.dialect != postgres { // whose drivers keep statements by themselves, or were told not to
		r.prep = src.statement
	}
	return r
}

// read makes a call that changes nothing. What names the call in errors.
func (s *Store) read(ctx context.Context, what string, f func(*run) error) error {
	ctx, cancel := s.within(ctx, 1)
	defer cancel()
	return s.call(ctx, what, f)
}

// write makes a call that changes something. In SQLite all of f is one transaction, which others share; elsewhere every statement is one. F may
// be called again after the database undid it because of others.
func (s *Store) write(ctx context.Context, what string, f func(*run) error) error {
	ctx, cancel := s.within(ctx, 1)
	defer cancel()
	if s.dialect != sqlite {
		return s.call(ctx, what, f)
	}
	return named(what, s.writer.do(ctx, f))
}

// call makes a call on the pool.
func (s *Store) call(ctx context.Context, what string, f func(*run) error) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		src, err := s.source()
		if err != nil {
			return err
		}
		err = f(s.on(ctx, src))
		if err == nil || !s.dialect.again(err) || !pause(ctx, wait) {
			return named(what, err)
		}
	}
}

// pause waits, and reports whether there is time to go on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// named says which call an error comes from. Verdicts say it themselves.
func named(what string, err error) error {
	if err == nil || verdict(err) {
		return err
	}
	if missing(err) {
		return fmt.Errorf("gormstore: %s: the tables are not there: call Migrate first: %w", what, err)
	}
	return fmt.Errorf("gormstore: %s: %w", what, err)
}

// missing reports whether a table is not there: in SQLite, PostgreSQL (42P01) and MySQL (1146).
func missing(err error) bool {
	return slices.ContainsFunc([]string{"no such table", "SQLSTATE 42P01", "Error 1146"}, func(sign string) bool { return strings.Contains(err.Error(), sign) })
}

// whole cuts a time to what is stored of it.
func whole(t time.Time) time.Time { return mandate.FromMilli(mandate.Milli(t)) }

// nullable returns NULL for a digest that is zero: a unique index takes any number of those.
func nullable(d mandate.Digest) any {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

// digestOf is the reverse of nullable.
func digestOf(b []byte) (d mandate.Digest) {
	copy(d[:], b)
	return d
}
