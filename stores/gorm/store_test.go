package gormstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/plugin/dbresolver"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// databases are those that there are here, SQLite always among them.
func databases() map[string]func(tb testing.TB) gorm.Dialector {
	return map[string]func(tb testing.TB) gorm.Dialector{
		"SQLite":     func(tb testing.TB) gorm.Dialector { tb.Helper(); return file(filepath.Join(tb.TempDir(), "test.db")) },
		"PostgreSQL": postgreSQL,
		"MariaDB":    func(tb testing.TB) gorm.Dialector { tb.Helper(); return mariaDB(tb, "?parseTime=true") },
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// approve stores a grant called id, and a token of that name under it.
func approve(t *testing.T, s *gormstore.Store, id string) {
	t.Helper()
	now := time.Now()
	must(t, s.CreateGrant(t.Context(), store.Grant{ID: id, Key: mandate.DigestOf("handle of " + id), Subject: "alice", Created: now, Expires: now.Add(time.Hour)}))
	must(t, s.PutToken(t.Context(), mandate.DigestOf(id), mandate.NewToken(mandate.TokenInfo{GrantID: id, Expires: now.Add(time.Hour)})))
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	db := open(t, file(filepath.Join(t.TempDir(), "test.db")))
	tx := db.Begin()
	t.Cleanup(func() { tx.Rollback() })
	prepared := db.Session(&gorm.Session{PrepareStmt: true}).Begin()
	t.Cleanup(func() { prepared.Rollback() })
	broken := db.Where("1 = 1")
	_ = broken.AddError(errors.New("boom"))
	for name, tc := range map[string]struct {
		db     *gorm.DB
		config []gormstore.Config
		want   string
	}{
		"no db":                            {nil, nil, "db is nil"},
		"one that was not opened":          {&gorm.DB{}, nil, "not opened"},
		"one with an error":                {broken, nil, "boom"},
		"one in DryRun mode":               {db.Session(&gorm.Session{DryRun: true}), nil, "DryRun"},
		"a transaction":                    {tx, nil, "transaction"},
		"a transaction that prepares":      {prepared, nil, "transaction"},
		"a transaction with a new session": {tx.Session(&gorm.Session{NewDB: true}), nil, "transaction"},
		"two Configs":                      {db, make([]gormstore.Config, 2), "one Config"},
		"a prefix with a quote":            {db, []gormstore.Config{{TablePrefix: "a`b"}}, "TablePrefix"},
		"a prefix with two dots":           {db, []gormstore.Config{{TablePrefix: "a.b.c"}}, "TablePrefix"},
		"a long prefix":                    {db, []gormstore.Config{{TablePrefix: strings.Repeat("a", 33)}}, "TablePrefix"},
		"a schema in SQLite":               {db, []gormstore.Config{{TablePrefix: "aux.m_"}}, "SQLite"},
		"a negative timeout":               {db, []gormstore.Config{{Timeout: -1}}, "Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := gormstore.New(tc.db, tc.config...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: error = %v, want one that names %q", err, tc.want)
			}
		})
	}
}

// An application's rollback must not undo an alarm.
func TestRollbackKeepsTheAlarm(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			db := open(t, d)
			s, prefix := migrated(t, db)
			approve(t, s, "g")
			must(t, db.Exec("CREATE TABLE "+prefix+"app (id INTEGER)").Error)
			t.Cleanup(func() { _ = db.Exec("DROP TABLE " + prefix + "app").Error })
			undone := errors.New("undone")
			err := db.Transaction(func(tx *gorm.DB) error {
				if tx.Name() != "sqlite" { // which has one writer: the store would wait for this transaction
					must(t, tx.Exec("INSERT INTO "+prefix+"app (id) VALUES (1)").Error)
				}
				var n int64
				must(t, tx.Table(prefix+"app").Count(&n).Error)
				must(t, s.RevokeGrant(tx.Statement.Context, "g", store.ByReuse, time.Now()))
				return undone
			})
			if !errors.Is(err, undone) {
				t.Fatal(err)
			}
			_, err = s.Token(t.Context(), mandate.DigestOf("g"), time.Now())
			if !errors.Is(err, store.ErrRevoked) {
				t.Errorf("Token: error = %v, want %v", err, store.ErrRevoked)
			}
		})
	}
}

// A middleware that holds the only connection for the time of a request: an error in time, and no hang.
func TestPoolOfOneInsideOfATransaction(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			db := open(t, d)
			_, prefix := migrated(t, db)
			pool, err := db.DB()
			must(t, err)
			pool.SetMaxOpenConns(1)
			s, err := gormstore.New(db, gormstore.Config{TablePrefix: prefix, Timeout: time.Second})
			must(t, err)
			must(t, db.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Exec("SELECT 1").Error)
				for call, err := range map[string]error{
					"RevokeGrant": s.RevokeGrant(t.Context(), "g", store.ByReuse, time.Now()),
					"UseOnce":     s.UseOnce(t.Context(), "jti", mandate.DigestOf("x"), time.Now(), time.Now().Add(time.Hour)),
					"Token":       func() error { _, err := s.Token(t.Context(), mandate.DigestOf("x"), time.Now()); return err }(),
					"Redeem": func() error {
						_, err := s.Redeem(t.Context(), store.Redemption{GrantID: "g", Now: time.Now()})
						return err
					}(),
					"Prune": func() error { _, err := s.Prune(t.Context(), time.Now(), 10); return err }(),
					"RevokeGrants": func() error {
						_, err := s.RevokeGrants(t.Context(), store.GrantQuery{Subject: "a"}, "", time.Now())
						return err
					}(),
				} {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s: error = %v, want %v", call, err, context.DeadlineExceeded)
					}
				}
				return nil
			}))
			must(t, s.UseOnce(t.Context(), "jti", mandate.DigestOf("x"), time.Now(), time.Now().Add(time.Hour)))
		})
	}
}

// With dbresolver no call goes to a replica, which may not have heard yet.
func TestReplicasAreNotAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	primary, source, replica := filepath.Join(dir, "primary.db"), filepath.Join(dir, "source.db"), filepath.Join(dir, "replica.db")
	for name, c := range map[string]struct {
		config dbresolver.Config
		at     string
	}{
		"replicas alone":       {dbresolver.Config{Replicas: []gorm.Dialector{file(replica)}}, primary},
		"sources and replicas": {dbresolver.Config{Sources: []gorm.Dialector{file(source)}, Replicas: []gorm.Dialector{file(replica)}}, source},
	} {
		for _, prepare := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", prepared ", prepare), func(t *testing.T) {
				t.Parallel()
				db := open(t, file(primary), gorm.Config{PrepareStmt: prepare})
				must(t, db.Use(dbresolver.Register(c.config)))
				s, prefix := migrated(t, db)
				approve(t, s, "g")
				if _, err := s.Redeem(t.Context(), store.Redemption{GrantID: "g", Now: time.Now(), KeyID: "k"}); err != nil {
					t.Error(err)
				}
				for _, at := range []string{primary, source, replica} {
					if there := open(t, file(at)).Migrator().HasTable(prefix + "grants"); there != (at == c.at) {
						t.Errorf("the tables are in %s: %v", filepath.Base(at), there)
					}
				}
			})
		}
	}
}

// What an application hangs onto its *gorm.DB takes no part.
func TestCallbacksAndLoggersSeeNothing(t *testing.T) {
	t.Parallel()
	db := open(t, file(filepath.Join(t.TempDir(), "test.db")))
	s, _ := migrated(t, db)
	refuse := func(tx *gorm.DB) { _ = tx.AddError(errors.New("refused")) }
	for _, register := range []func(string, func(*gorm.DB)) error{
		db.Callback().Raw().Before("*").Register, db.Callback().Row().Before("*").Register, db.Callback().Query().Before("*").Register,
		db.Callback().Create().Before("*").Register, db.Callback().Update().Before("*").Register, db.Callback().Delete().Before("*").Register,
	} {
		must(t, register("app:refuse", refuse))
	}
	approve(t, s, "g")
	_, err := s.Grant(t.Context(), "g")
	must(t, err)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	db := open(t, file(":memory:"))
	pool, err := db.DB()
	must(t, err)
	pool.SetMaxOpenConns(1)
	s, _ := migrated(t, db)
	for i := range 20 {
		approve(t, s, fmt.Sprint("g", i))
		_, err := s.Token(t.Context(), mandate.DigestOf(fmt.Sprint("g", i)), time.Now())
		must(t, err)
	}
	if n := pool.Stats().InUse; n != 0 {
		t.Errorf("%d connections are held, want none: the application needs the only one", n)
	}
}

func TestTextsTooLongAreRefused(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			s, _ := migrated(t, open(t, d))
			id := strings.Repeat("x", 512)
			must(t, s.CreateGrant(t.Context(), store.Grant{ID: id, Subject: id, ClientID: id, SessionID: id}))
			for _, err := range []error{
				s.CreateGrant(t.Context(), store.Grant{ID: id + "x"}),
				s.CreateGrant(t.Context(), store.Grant{ID: "g", Subject: id + "x"}),
				s.PutConsent(t.Context(), store.Consent{Subject: id + "x"}),
				s.PutTicket(t.Context(), store.Ticket{ClientID: id + "x"}),
				s.PutSession(t.Context(), store.Session{ID: id + "x"}),
				s.PutClient(t.Context(), &store.Client{ID: id + "x"}),
				s.RevokeGrant(t.Context(), id+"x", store.ByAdmin, time.Now()),
				s.UseOnce(t.Context(), id+"x", mandate.Digest{}, time.Now(), time.Now()),
			} {
				if err == nil || !strings.Contains(err.Error(), "512 bytes") {
					t.Errorf("error = %v, want one that names the limit", err)
				}
			}
		})
	}
}

// Errors that a driver makes name no values, which a log would keep.
func TestAnUnreachableTableIsNoVerdict(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			s, err := gormstore.New(open(t, d), gormstore.Config{TablePrefix: "nobody_made_"})
			must(t, err)
			_, err = s.Redeem(t.Context(), store.Redemption{GrantID: "canary", Now: time.Now()})
			for _, v := range []error{store.ErrNotFound, store.ErrUsed, store.ErrRevoked, store.ErrConflict, store.ErrExpired, store.ErrExists} {
				if err == nil || errors.Is(err, v) {
					t.Errorf("Redeem: error = %v, want one that is no verdict", err)
				}
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("the error says %q", err)
			}
		})
	}
}
