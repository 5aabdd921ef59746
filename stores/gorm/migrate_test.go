package gormstore_test

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

func TestPlanSaysWhatMigrateDoes(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			db := open(t, d)
			_, prefix := migrated(t, db)
			for _, name := range tables() {
				must(t, db.Migrator().DropTable(prefix+name))
			}
			s, err := gormstore.New(db, gormstore.Config{TablePrefix: prefix})
			must(t, err)
			for range 2 {
				plan, err := s.Plan(t.Context())
				must(t, err)
				if len(plan) != 9+14 {
					t.Errorf("Plan = %d statements, want 9 tables and 14 indexes", len(plan))
				}
			}
			must(t, s.Migrate(t.Context()))
			plan, err := s.Plan(t.Context())
			must(t, err)
			if len(plan) != 0 {
				t.Errorf("Plan after Migrate = %q, want none", plan)
			}
			must(t, s.Migrate(t.Context()))
		})
	}
}

// A later version adds columns and indexes to tables that have rows.
func TestMigrateUpgrades(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			db := open(t, d)
			s, prefix := migrated(t, db)
			approve(t, s, "g")
			must(t, db.Migrator().DropIndex(prefix+"grants", prefix+"grants_expires_revoked"))
			for _, column := range []string{"revocation", "reason", "revision"} {
				must(t, db.Exec("ALTER TABLE "+prefix+"grants DROP COLUMN "+column).Error)
			}
			plan, err := s.Plan(t.Context())
			must(t, err)
			if len(plan) != 4 {
				t.Errorf("Plan = %q, want three columns and an index", plan)
			}
			must(t, s.Migrate(t.Context()))
			if plan, err = s.Plan(t.Context()); err != nil || len(plan) != 0 {
				t.Errorf("Plan = %q, %v, want none", plan, err)
			}
			_, err = s.Redeem(t.Context(), store.Redemption{GrantID: "g"})
			must(t, err)
			g, err := s.Grant(t.Context(), "g")
			must(t, err)
			if g.Generation != 1 || g.Subject != "alice" || g.Reason != "" {
				t.Errorf("the grant = %+v, want what it was", g)
			}
		})
	}
}

// Processes that start at once migrate at once.
func TestMigrateSideBySide(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			db := open(t, d)
			_, prefix := migrated(t, db)
			for _, name := range tables() {
				must(t, db.Migrator().DropTable(prefix+name))
			}
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					s, err := gormstore.New(db, gormstore.Config{TablePrefix: prefix})
					if err == nil {
						err = s.Migrate(t.Context())
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// The exported rows are what is in the tables, column by column.
func TestRowsAreTheTables(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			db := open(t, d)
			s, _ := migrated(t, db)
			approve(t, s, "g")
			for name, row := range map[string]any{
				"clients": gormstore.Client{}, "grants": gormstore.Grant{}, "tokens": gormstore.Token{}, "tickets": gormstore.Ticket{}, "uses": gormstore.Use{},
				"consents": gormstore.Consent{}, "sessions": gormstore.Session{}, "key_sets": gormstore.KeySet{}, "remote_tokens": gormstore.RemoteToken{},
			} {
				types, err := db.Migrator().ColumnTypes(s.Table(name))
				must(t, err)
				var have, want []string
				for _, c := range types {
					have = append(have, c.Name())
				}
				for f := range reflect.TypeOf(row).Fields() {
					column, _ := strings.CutPrefix(f.Tag.Get("gorm"), "column:")
					want = append(want, strings.TrimSuffix(column, ";primaryKey"))
				}
				slices.Sort(have)
				slices.Sort(want)
				if !slices.Equal(have, want) {
					t.Errorf("%s has %q, and its type %q", name, have, want)
				}
			}
			var g gormstore.Grant
			must(t, db.Table(s.Table("grants")).Where("subject = ?", "alice").Take(&g).Error)
			if g.ID != "g" || g.Revocation != nil || g.Expires == 0 {
				t.Errorf("the row = %+v", g)
			}
		})
	}
}
