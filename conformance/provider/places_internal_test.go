package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/glebarez/sqlite"
	"github.com/redis/go-redis/v9"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// dsnOf returns where the store called name is, or leaves the test out: see .ci/databases/start. SQLite has a new file.
func dsnOf(t *testing.T, name string) string {
	t.Helper()
	switch name {
	case "memory":
		return ""
	case "sqlite":
		return filepath.Join(t.TempDir(), "test.db")
	}
	variable := map[string]string{"postgres": "MANDATE_POSTGRES", "mysql": "MANDATE_MARIADB", "redis": "MANDATE_REDIS"}[name]
	dsn := os.Getenv(variable)
	if dsn == "" {
		t.Skipf("left out: %s, because %s is not set", name, variable)
	}
	return dsn
}

// gormed opens the database of a SQL store until the test ends.
func gormed(t *testing.T, name, dsn string) *gorm.DB {
	t.Helper()
	d := map[string]func(string) gorm.Dialector{"sqlite": sqlite.Open, "postgres": postgres.Open, "mysql": mysql.Open}[name](dsn)
	db, err := gorm.Open(d, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return db
}

// leave removes, when the test ends, what it leaves in the store: everything whose name begins with prefix.
func leave(t *testing.T, name, dsn, prefix string) {
	t.Helper()
	switch name {
	case "memory", "sqlite": // go with the test
	case "redis":
		client := dialed(t, dsn)
		t.Cleanup(func() {
			if err := unlink(context.WithoutCancel(t.Context()), client, "{"+prefix+"}:*"); err != nil {
				t.Error(err)
			}
		})
	default:
		db := gormed(t, name, dsn)
		t.Cleanup(func() {
			tables, err := db.Migrator().GetTables()
			if err != nil {
				t.Error(err)
			}
			for _, table := range tables {
				if strings.HasPrefix(table, prefix) {
					if err := db.Migrator().DropTable(table); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

func dialed(t *testing.T, dsn string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(dsn)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// settle returns the flags of the store called name, and content with a secret of its own: what is kept there is this test's alone.
func settle(t *testing.T, f flags, name string, content map[string]any) flags {
	t.Helper()
	content["secret"] = cmp.Or(name, "x") + " " + rand.Text() + rand.Text()
	c, err := readConfig(file(t, content))
	if err != nil {
		t.Fatal(err)
	}
	f.store, f.dsn = name, dsnOf(t, name)
	leave(t, f.store, f.dsn, c.place())
	return f
}
