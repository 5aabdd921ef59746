package gormstore_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"github.com/go-mandate/mandate/conformance/rounds"
	"github.com/go-mandate/mandate/conformance/storetest"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// open opens a database until the test ends.
func open(tb testing.TB, d gorm.Dialector, c ...gorm.Config) *gorm.DB {
	tb.Helper()
	c = append(c, gorm.Config{})
	c[0].Logger = logger.Discard
	db, err := gorm.Open(d, &c[0])
	if err != nil {
		tb.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		tb.Fatal(err)
	}
	pool.SetMaxOpenConns(24)
	pool.SetMaxIdleConns(24)
	tb.Cleanup(func() { _ = pool.Close() })
	return db
}

// file is SQLite in a file, as the documentation says that it is opened.
func file(name string) gorm.Dialector {
	return sqlite.Open(name + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
}

func sqliteIn(name string) func(tb testing.TB) gorm.Dialector {
	return func(testing.TB) gorm.Dialector { return file(name) }
}

// dsn returns where a database is, or leaves the test out: see .ci/databases/start.
func dsn(tb testing.TB, database, variable string) string {
	tb.Helper()
	s := os.Getenv(variable)
	if s == "" {
		tb.Skipf("left out: %s, because %s is not set", database, variable)
	}
	return s
}

func postgreSQL(tb testing.TB) gorm.Dialector {
	tb.Helper()
	return postgres.Open(dsn(tb, "PostgreSQL", "MANDATE_POSTGRES"))
}

func mariaDB(tb testing.TB, options string) gorm.Dialector {
	tb.Helper()
	return mysql.Open(dsn(tb, "MariaDB", "MANDATE_MARIADB") + options)
}

// migrated returns a store with tables that nobody else has.
func migrated(tb testing.TB, db *gorm.DB) (s *gormstore.Store, prefix string) {
	tb.Helper()
	prefix = "t" + strings.ToLower(rand.Text()[:10]) + "_"
	s = existing(tb, db, prefix)
	if db.Name() != "sqlite" { // whose file goes with the test
		tb.Cleanup(func() {
			for _, name := range tables() {
				if err := db.Migrator().DropTable(s.Table(name)); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	return s, prefix
}

func existing(tb testing.TB, db *gorm.DB, prefix string) *gormstore.Store {
	tb.Helper()
	s, err := gormstore.New(db, gormstore.Config{TablePrefix: prefix, Timeout: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

func tables() []string {
	return []string{"clients", "grants", "tokens", "tickets", "uses", "consents", "sessions", "key_sets", "remote_tokens"}
}

// races is how often each race is run: MANDATE_ROUNDS, and few where it is not set.
func races(t *testing.T) int {
	t.Helper()
	return rounds.From(t, "MANDATE_ROUNDS", fewRounds)
}

// conform holds stores on one database against the contract. The second opens it once more, as another process would.
func conform(t *testing.T, races int, first, second func(t *testing.T) *gorm.DB, change ...func(*gormstore.Store) error) {
	t.Helper()
	changed := func(t *testing.T, s *gormstore.Store) *gormstore.Store {
		t.Helper()
		for _, f := range change {
			must(t, f(s))
		}
		return s
	}
	var prefixes sync.Map // by store
	create := func(t *testing.T) store.Store {
		t.Helper()
		s, prefix := migrated(t, first(t))
		prefixes.Store(s, prefix)
		return changed(t, s)
	}
	again := func(t *testing.T, s store.Store) store.Store {
		t.Helper()
		prefix, _ := prefixes.Load(s)
		return changed(t, existing(t, second(t), prefix.(string)))
	}
	storetest.Run(t, create, storetest.Features{
		Shared: func(t *testing.T) (a, b store.Store) { t.Helper(); a = create(t); return a, again(t, a) },
		Reopen: again,
		Rounds: races,
	})
}

func TestConformanceSQLite(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "test.db")
	a, b := open(t, file(name)), open(t, file(name))
	conform(t, races(t), func(*testing.T) *gorm.DB { return a }, func(*testing.T) *gorm.DB { return b })
}

func TestConformancePostgreSQL(t *testing.T) {
	t.Parallel()
	a, b := open(t, postgreSQL(t)), open(t, postgreSQL(t))
	conform(t, races(t), func(*testing.T) *gorm.DB { return a }, func(*testing.T) *gorm.DB { return b })
}

func TestConformanceMariaDB(t *testing.T) {
	t.Parallel()
	a, b := open(t, mariaDB(t, "")), open(t, mariaDB(t, ""))
	conform(t, races(t), func(*testing.T) *gorm.DB { return a }, func(*testing.T) *gorm.DB { return b })
}

// MySQL has no blocks: there a redemption is a transaction, which MariaDB takes as well.
func TestConformanceAsMySQL(t *testing.T) {
	t.Parallel()
	a, b := open(t, mariaDB(t, "")), open(t, mariaDB(t, "?clientFoundRows=true"))
	conform(t, min(5, races(t)), func(*testing.T) *gorm.DB { return a }, func(*testing.T) *gorm.DB { return b }, (*gormstore.Store).AsMySQL)
}

// What an application sets for itself changes nothing, and two processes may differ in it.
func TestConformanceOfSettings(t *testing.T) {
	t.Parallel()
	some := gorm.Config{TranslateError: true, PrepareStmt: true, NamingStrategy: schema.NamingStrategy{TablePrefix: "app_", SingularTable: true, NoLowerCase: true}}
	other := gorm.Config{SkipDefaultTransaction: true, AllowGlobalUpdate: true, QueryFields: true}
	name := filepath.Join(t.TempDir(), "test.db")
	for database, d := range map[string][2]func(t testing.TB) gorm.Dialector{
		"SQLite": {sqliteIn(name), sqliteIn(name)},
		"PostgreSQL": {postgreSQL, func(tb testing.TB) gorm.Dialector {
			tb.Helper()
			return postgres.New(postgres.Config{DSN: dsn(tb, "PostgreSQL", "MANDATE_POSTGRES"), PreferSimpleProtocol: true})
		}},
		"MariaDB": {
			func(tb testing.TB) gorm.Dialector {
				tb.Helper()
				return mariaDB(tb, "?clientFoundRows=true&parseTime=true")
			},
			func(tb testing.TB) gorm.Dialector {
				tb.Helper()
				return mariaDB(tb, "?interpolateParams=true&tx_isolation=%27SERIALIZABLE%27")
			},
		},
	} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			a, b := open(t, d[0](t), some), open(t, d[1](t), other)
			conform(t, min(5, races(t)), func(*testing.T) *gorm.DB { return a }, func(*testing.T) *gorm.DB { return b })
		})
	}
}
