package gormstore_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// Person is an application's own user, with a soft delete.
type Person struct {
	gorm.Model

	Login string
	Name  string
}

func TestUserBy(t *testing.T) {
	t.Parallel()
	for name, dialector := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dialector(t)
			db := open(t, d)
			must(t, db.Migrator().DropTable(&Person{}))
			must(t, db.AutoMigrate(&Person{}))
			t.Cleanup(func() { _ = db.Migrator().DropTable(&Person{}) })
			ann, bob := &Person{Login: "ann", Name: "Ann"}, &Person{Login: "bob"}
			must(t, db.Create(ann).Error)
			must(t, db.Create(bob).Error)
			must(t, db.Delete(bob).Error)
			var queries atomic.Int64
			must(t, db.Callback().Query().Register("test:count", func(*gorm.DB) { queries.Add(1) }))
			user := gormstore.UserBy[Person](db, "login")

			got, err := user(t.Context(), mandate.NewToken(mandate.TokenInfo{Subject: "ann"}))
			must(t, err)
			if p, ok := got.(*Person); !ok || p.Name != "Ann" {
				t.Errorf("the user = %#v, want a *Person called Ann", got)
			}
			if n := queries.Load(); n != 1 {
				t.Errorf("%d queries, want one", n)
			}
			for name, subject := range map[string]string{"deleted": "bob", "never there": "eve", "SQL": "' OR 1 = 1 --"} {
				got, err := user(t.Context(), mandate.NewToken(mandate.TokenInfo{Subject: subject}))
				if !errors.Is(err, mandate.InvalidToken) || got != nil {
					t.Errorf("%s: the user = %v, %v, want %v", name, got, err, mandate.InvalidToken)
				}
			}
			if _, err := user(t.Context(), mandate.NewToken(mandate.TokenInfo{ClientID: "machine"})); !errors.Is(err, mandate.ErrNoUser) {
				t.Errorf("without a subject: error = %v, want %v", err, mandate.ErrNoUser)
			}
			if n := queries.Load(); n != 4 {
				t.Errorf("%d queries, want none for a token without a subject", n)
			}
		})
	}
}

func TestUserByOutage(t *testing.T) {
	t.Parallel()
	user := gormstore.UserBy[Person](open(t, file(filepath.Join(t.TempDir(), "test.db"))), "login") // no such table
	_, err := user(t.Context(), mandate.NewToken(mandate.TokenInfo{Subject: "ann"}))
	if err == nil || errors.Is(err, mandate.InvalidToken) {
		t.Errorf("error = %v, want one that is no verdict on the token", err)
	}
}
