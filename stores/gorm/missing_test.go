package gormstore_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// Who forgot Migrate is told so.
func TestTablesThatAreMissing(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]func(testing.TB) gorm.Dialector{
		"SQLite":     func(testing.TB) gorm.Dialector { return file(filepath.Join(t.TempDir(), "empty.db")) },
		"PostgreSQL": postgreSQL,
		"MariaDB":    func(tb testing.TB) gorm.Dialector { tb.Helper(); return mariaDB(tb, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := gormstore.New(open(t, d(t)), gormstore.Config{TablePrefix: "nobody_made_", Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Client(t.Context(), "web"); err == nil || !strings.Contains(err.Error(), "the tables are not there: call Migrate first") {
				t.Errorf("Client = %v, want to be told of Migrate", err)
			}
		})
	}
}
