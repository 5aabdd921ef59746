package gormstore_test

import (
	"path/filepath"
	"testing"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-mandate/mandate/conformance/storetest"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

func openFile(t *testing.T, name string) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(sqlite.Open(name+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)"), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return db
}

func migrated(t *testing.T, db *gorm.DB, c ...gormstore.Config) *gormstore.Store {
	t.Helper()
	s, err := gormstore.New(db, c...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformanceSQLite(t *testing.T) {
	t.Parallel()
	file := func(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "test.db") }
	files := map[store.Store]string{}
	_ = files
	storetest.Run(t, func(t *testing.T) store.Store { return migrated(t, openFile(t, file(t))) }, storetest.Features{
		Shared: func(t *testing.T) (a, b store.Store) {
			name := file(t)
			return migrated(t, openFile(t, name)), migrated(t, openFile(t, name))
		},
		Rounds: 20,
	})
}
