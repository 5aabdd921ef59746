package gormstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/mandatetest"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/store"
)

// queries is a driver that counts what is read through it.
type queries struct {
	plain driver.Driver
	name  string
	count atomic.Int64
}

func (q *queries) Connect(context.Context) (driver.Conn, error) {
	c, err := q.plain.Open(q.name)
	return queriesConn{c, q}, err
}

func (q *queries) Driver() driver.Driver { return q.plain }

type queriesConn struct {
	driver.Conn

	q *queries
}

func (c queriesConn) Prepare(query string) (driver.Stmt, error) {
	s, err := c.Conn.Prepare(query)
	return queriesStmt{s, c.q}, err
}

type queriesStmt struct {
	driver.Stmt

	q *queries
}

func (s queriesStmt) Query(args []driver.Value) (driver.Rows, error) {
	s.q.count.Add(1)
	return s.Stmt.Query(args) //nolint:staticcheck // as database/sql does with a driver that has nothing newer
}

// A guard with a cache in front of the database asks once for many requests, and refuses at once what was revoked.
func TestGuardWithCache(t *testing.T) {
	t.Parallel()
	dsn := filepath.Join(t.TempDir(), "test.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"
	plain, err := open(t, sqlite.Open(dsn)).DB()
	must(t, err)
	q := &queries{plain: plain.Driver(), name: dsn}
	pool := sql.OpenDB(q)
	t.Cleanup(func() { _ = pool.Close() })
	base, _ := migrated(t, open(t, &sqlite.Dialector{Conn: pool}))

	var ahead atomic.Int64
	st := store.Cached(base, store.CacheConfig{})
	guard, err := resource.New(resource.Config{
		Verifiers: []resource.Verifier{resource.Of(mandatetest.NewProvider(t, st).Server)},
		Now:       func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	must(t, err)
	h := nethttp.New(guard).Require("profile")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	get := func(raw string) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+raw)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Code
	}
	want := func(raw string, times, status int, asks int64) {
		t.Helper()
		before := q.count.Load()
		for range times {
			if got := get(raw); got != status {
				t.Errorf("status %d, want %d", got, status)
			}
		}
		if n := q.count.Load() - before; n != asks {
			t.Errorf("%d queries for %d requests, want %d", n, times, asks)
		}
	}

	one := mandatetest.StoreToken(t, st, mandate.TokenInfo{Scopes: "profile", GrantID: "one"})
	two := mandatetest.StoreToken(t, st, mandate.TokenInfo{Scopes: "profile", GrantID: "two", Subject: "bob"})
	three := mandatetest.StoreToken(t, st, mandate.TokenInfo{Scopes: "profile", GrantID: "three"})
	for _, raw := range []string{one, two, three} {
		want(raw, 100, http.StatusNoContent, 1)
	}
	want("nobodys", 3, http.StatusUnauthorized, 3)
	ahead.Store(int64(6 * time.Second)) // and once more after five seconds
	want(one, 100, http.StatusNoContent, 1)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if got := get(one); got != http.StatusNoContent {
				t.Errorf("status %d, want 204", got)
			}
		})
	}
	wg.Wait()

	must(t, st.RevokeToken(t.Context(), mandate.DigestOf(one), time.Now().Add(time.Hour)))
	want(one, 2, http.StatusUnauthorized, 2)
	_, err = st.RevokeGrants(t.Context(), store.GrantQuery{Subject: "bob"}, store.ByLogout, time.Now())
	must(t, err)
	want(two, 2, http.StatusUnauthorized, 2)
	want(three, 100, http.StatusNoContent, 1)
	must(t, st.RevokeGrant(t.Context(), "three", store.ByReuse, time.Now()))
	want(three, 2, http.StatusUnauthorized, 2)
}
