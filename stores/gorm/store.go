package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/go-mandate/mandate/core/store"
)

// Config changes what [New] does by itself. The zero value is right for most applications.
type Config struct {
	// TablePrefix is what the names of all tables begin with: letters, digits and underscores, and a dot after the
	// schema, but in SQLite. At most 32 bytes. Default: "mandate_".
	TablePrefix string

	// Timeout bounds every call, beside the deadline of its context: a call that gets no connection in time is an error
	// and no hang. Prune and Plan have ten times as long, Migrate has all the time. Default: 5 seconds.
	Timeout time.Duration
}

// Store is a [store.Store] and a [store.ClientWriter] in the application's database. Make one with [New]; the zero
// value is of no use. All methods may be called from any number of goroutines and, but for SQLite in memory, processes.
type Store struct {
	db      *gorm.DB
	dialect dialect
	prefix  string
	timeout time.Duration

	sources sync.Map // *sql.DB to *source
	texts   sync.Map // statement as written here to statement as sent
	writer  writer   // SQLite alone
}

var (
	_ store.Store        = (*Store)(nil)
	_ store.ClientWriter = (*Store)(nil)
)

// New returns a store on the tables that [Store.Migrate] makes in db. It sends nothing to the database.
//
// It uses the connections of db and nothing else of it: no callbacks, hooks, logger, naming strategy or soft delete of the
// application's take part, whatever its settings. Under dbresolver every call goes to a source and none to a replica,
// which may lag behind a revocation. A db inside of a transaction is an error, because what the store
// writes must outlive a rollback, and so is a db in DryRun mode or of an unknown dialect.
func New(db *gorm.DB, config ...Config) (*Store, error) {
	var c Config
	switch len(config) {
	case 0:
	case 1:
		c = config[0]
	default:
		return nil, errors.New("gormstore: New takes one Config")
	}
	if db == nil || db.Config == nil || db.Dialector == nil {
		return nil, errors.New("gormstore: db is nil or was not opened with gorm.Open")
	}
	if db.Error != nil {
		return nil, fmt.Errorf("gormstore: db carries an error: %w", db.Error)
	}
	if db.DryRun {
		return nil, errors.New("gormstore: db is in DryRun mode, in which nothing is stored; open one without it")
	}
	for _, pool := range []gorm.ConnPool{db.ConnPool, db.Statement.ConnPool} {
		if _, ok := pool.(gorm.TxCommitter); ok {
			return nil, errors.New("gormstore: db is inside of a transaction, whose rollback would undo revocations; give New the db that gorm.Open returned")
		}
	}
	d, ok := dialects(db.Name())
	if !ok {
		return nil, fmt.Errorf("gormstore: dialect %q is none of postgres, mysql and sqlite", db.Name())
	}
	if c.TablePrefix == "" {
		c.TablePrefix = "mandate_"
	}
	if !validPrefix(c.TablePrefix) {
		return nil, fmt.Errorf("gormstore: TablePrefix %q has more than letters, digits, underscores and one dot, or is longer than 32 bytes", c.TablePrefix)
	}
	if d == sqlite && strings.Contains(c.TablePrefix, ".") {
		return nil, fmt.Errorf("gormstore: TablePrefix %q has a dot; in SQLite the tables lie in the main database", c.TablePrefix)
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("gormstore: Timeout is %v, and must not be negative", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	s := &Store{db: db.Session(&gorm.Session{NewDB: true}), dialect: d, prefix: c.TablePrefix, timeout: c.Timeout}
	if _, err := s.source(); err != nil {
		return nil, err
	}
	s.writer.store = s
	return s, nil
}

func validPrefix(p string) bool {
	for _, r := range p {
		if r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return len(p) <= 32 && strings.Count(p, ".") <= 1 && !strings.HasPrefix(p, ".")
}

// source is one database with the statements that are prepared in it.
type source struct {
	db    *sql.DB
	stmts sync.Map             // string to *sql.Stmt
	maria atomic.Pointer[bool] // nil: not yet asked
}

// source returns the database that writes go to.
func (s *Store) source() (*source, error) {
	db, err := s.primary()
	if err != nil {
		return nil, err
	}
	if src, ok := s.sources.Load(db); ok {
		return src.(*source), nil //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	src, _ := s.sources.LoadOrStore(db, &source{db: db})
	return src.(*source), nil //nolint:forcetypeassert,errcheck // nothing else is stored
}

// primary asks dbresolver for a source, as its clause Write does, and otherwise takes the pool of db.
func (s *Store) primary() (*sql.DB, error) {
	resolve := s.db.Callback().Query().Get("gorm:db_resolver")
	if resolve == nil {
		db, err := s.db.DB()
		if err != nil {
			return nil, fmt.Errorf("gormstore: db has no *sql.DB: %w", err)
		}
		return db, nil
	}
	tx := s.db.Set("gorm:db_resolver:write", struct{}{})
	resolve(tx)
	pool := tx.Statement.ConnPool
	for range 4 {
		switch p := pool.(type) {
		case *sql.DB:
			return p, nil
		case *gorm.PreparedStmtDB:
			pool = p.ConnPool
		case gorm.GetDBConnector:
			return p.GetDBConn()
		}
	}
	return nil, fmt.Errorf("gormstore: a source of dbresolver is a %T and no *sql.DB", pool)
}

// within gives a call its deadline.
func (s *Store) within(ctx context.Context, times time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, times*s.timeout)
}
