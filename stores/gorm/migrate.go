package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Plan returns the statements that [Store.Migrate] would make, in their order, and makes none of them. None: the tables are as this
// version needs them.
func (s *Store) Plan(ctx context.Context) ([]string, error) {
	ctx, cancel := s.within(ctx, 10)
	defer cancel()
	plan, err := s.plan(ctx)
	return plan, named("plan", err)
}

func (s *Store) plan(ctx context.Context) ([]string, error) {
	m := s.db.Session(&gorm.Session{NewDB: true, Context: ctx, Logger: logger.Discard}).Set("gorm:db_resolver:write", struct{}{}).Migrator()
	var plan []string
	for _, t := range tables() {
		if !m.HasTable(s.prefix + t.name) {
			if err := ctx.Err(); err != nil { // or the question was not answered
				return nil, err
			}
			plan = append(plan, s.create(t))
			for _, i := range t.indexes {
				plan = append(plan, s.createIndex(t, i))
			}
			continue
		}
		have, err := s.columnNames(ctx, t.name)
		if err != nil {
			return nil, err
		}
		for _, c := range t.columns {
			if !slices.Contains(have, c.name) {
				plan = append(plan, "ALTER TABLE "+s.quoted(t.name)+" ADD COLUMN "+s.dialect.definition(c))
			}
		}
		for _, i := range t.indexes {
			if !m.HasIndex(s.prefix+t.name, s.indexName(t, i)) {
				plan = append(plan, s.createIndex(t, i))
			}
		}
	}
	return plan, ctx.Err()
}

// columnNames returns the columns that a table has.
func (s *Store) columnNames(ctx context.Context, table string) (names []string, err error) {
	src, err := s.source()
	if err != nil {
		return nil, err
	}
	r := &run{s: s, ctx: ctx, pool: src.db}
	if s.dialect == postgres { // where the plan of a SELECT * outlives the columns
		err = r.query(func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			names = append(names, name)
			return err
		}, "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped", s.quoted(table))
		return names, err
	}
	rows, err := src.db.QueryContext(ctx, "SELECT * FROM "+s.quoted(table)+" WHERE 1 = 0") // #nosec G202 -- a name of this package's, quoted
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err says it
	if names, err = rows.Columns(); err != nil {
		return nil, err
	}
	return names, rows.Err()
}

// Migrate creates the tables and indexes that are missing, and adds the columns that a later version needs. It removes and
// rewrites nothing, may be called at every start, by several processes at once, and beside traffic: on a large table
// an index takes its time, so look at [Store.Plan] before an upgrade. It has no deadline but that of ctx.
func (s *Store) Migrate(ctx context.Context) error {
	var failed error
	for range 10 { // another process may do the same: what it was quicker with is no fault
		plan, err := s.plan(ctx)
		if err != nil {
			return named("migrate", err)
		}
		if len(plan) == 0 {
			return nil
		}
		if failed = s.apply(ctx, plan); failed != nil && !pause(ctx, s.timeout/100) {
			break
		}
	}
	if failed == nil {
		failed = fmt.Errorf("the tables %s* do not become what was planned", s.prefix)
	}
	return named("migrate", failed)
}

func (s *Store) apply(ctx context.Context, plan []string) error {
	src, err := s.source()
	if err != nil {
		return err
	}
	if s.dialect == mysql { // which ends a transaction at every such statement
		return each(ctx, src.db, plan)
	}
	tx, err := src.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := each(ctx, tx, plan); err != nil {
		_ = tx.Rollback() // nothing of it is left, also where this fails
		return err
	}
	return tx.Commit()
}

func each(ctx context.Context, to interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, plan []string,
) error {
	for _, statement := range plan {
		if _, err := to.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w, at %s", err, statement)
		}
	}
	return nil
}
