package gormstore_test

import (
	"testing"

	"gorm.io/gorm"

	"github.com/go-mandate/mandate/conformance/admintest"
	"github.com/go-mandate/mandate/core/store"
)

func administer(t *testing.T, db *gorm.DB) {
	t.Helper()
	admintest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		s, _ := migrated(t, db)
		return s
	})
}

func TestAdminPostgreSQL(t *testing.T) {
	t.Parallel()
	administer(t, open(t, postgreSQL(t)))
}

func TestAdminMariaDB(t *testing.T) {
	t.Parallel()
	administer(t, open(t, mariaDB(t, "")))
}
