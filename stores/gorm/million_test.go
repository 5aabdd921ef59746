package gormstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// crowd fills a store with grants g1, g2, ... and a token t1, t2, ... under each: a million where MANDATE_MILLION is set, and
// otherwise as many as make PostgreSQL take an index.
func crowd(t *testing.T, db *gorm.DB, prefix string) (rows int) {
	t.Helper()
	rows = 30_000
	if os.Getenv("MANDATE_MILLION") != "" {
		rows = 1_000_000
	}
	for _, fill := range []string{
		"INSERT INTO {}grants (id, digest, subject, client_id, session_id, expires, created) SELECT 'g' || i, sha256(('h' || i)::bytea), 's' || i / 10, 'c' || i % 500, 'n' || i, 4e12 + i, 1 " +
			"FROM generate_series(1, ?) i",
		"INSERT INTO {}tokens (digest, grant_id, expires, data) SELECT sha256(('t' || i)::bytea), 'g' || i, 4e12 + i, '{}' FROM generate_series(1, ?) i",
	} {
		must(t, db.Exec(strings.Replace(fill, "{}", prefix, 1), rows).Error)
	}
	for _, name := range []string{"grants", "tokens"} {
		must(t, db.Exec("VACUUM ANALYZE "+prefix+name).Error)
	}
	return rows
}

// node is a part of a plan.
type node struct {
	Type     string  `json:"Node Type"`
	Index    string  `json:"Index Name"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Plan Rows"`
	Plans    []node  `json:"Plans"`
}

// visit calls f with n and all below it.
func (n node) visit(f func(node)) {
	f(n)
	for _, below := range n.Plans {
		below.visit(f)
	}
}

// Among a million, a lookup, a redemption and the end of a family are work on single rows, by an index; and Prune keeps up.
func TestAMillionGrants(t *testing.T) {
	t.Parallel()
	db := open(t, postgreSQL(t))
	begin := time.Now()
	s, prefix := migrated(t, db)
	rows := crowd(t, db, prefix)
	t.Logf("%d grants with a token each after %v", rows, time.Since(begin))
	singleRows(t, db, prefix, rows)
	pruneBeside(t, db, s, prefix, rows)
}

func singleRows(t *testing.T, db *gorm.DB, prefix string, rows int) {
	t.Helper()
	const calls = 200
	worker := open(t, postgreSQL(t)) // a connection that ends has told what it did
	w := existing(t, worker, prefix)
	before, begin := scanned(t, db, prefix), time.Now()
	for i := range calls {
		work(t, w, 2*(1+i*(rows/calls/2)), rows)
	}
	t.Logf("%d lookups, redemptions, repeats and revocations took %v", calls, time.Since(begin))
	pool, err := worker.DB()
	must(t, err)
	must(t, pool.Close())
	after := scanned(t, db, prefix)
	for end := time.Now().Add(10 * time.Second); after.byIndex-before.byIndex < 4*calls && time.Now().Before(end); { // until the database has counted
		after = scanned(t, db, prefix)
	}
	if n := after.whole - before.whole; n > 0 {
		t.Errorf("%d rows were read in scans of whole tables", n)
	}
	if n := after.byIndex - before.byIndex; n < 4*calls || n > 40*calls {
		t.Errorf("%d calls read %d rows by index, want a few for each", 4*calls, n)
	}
	plans(t, db, w.Statements())
}

// work looks a token up, redeems a code and repeats that, and ends the family.
func work(t *testing.T, s *gormstore.Store, n, rows int) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	id := fmt.Sprint("g", n)
	_, err := s.Token(ctx, mandate.DigestOf(fmt.Sprint("t", n)), now)
	must(t, err)
	g, err := s.GrantByKey(ctx, mandate.DigestOf(fmt.Sprint("h", n)))
	must(t, err)
	if g.ID != id {
		t.Fatalf("GrantByKey = %s, want %s", g.ID, id)
	}
	for _, name := range []string{"new", "again"} {
		_, err = s.Redeem(ctx, store.Redemption{
			GrantID: id, Now: now, Expires: now.Add(time.Hour), Grace: time.Minute, KeyID: "k", Key: mandate.DigestOf(fmt.Sprint(name, n, rows)),
			Token: mandate.NewToken(mandate.TokenInfo{GrantID: id, Expires: now.Add(time.Hour)}),
		})
		must(t, err)
	}
	must(t, s.RevokeGrant(ctx, id, store.ByReuse, now))
}

// counts are rows that were read.
type counts struct{ whole, byIndex int64 }

func scanned(t *testing.T, db *gorm.DB, prefix string) (c counts) {
	t.Helper()
	must(t, db.Connection(func(db *gorm.DB) error {
		return db.Raw("SELECT sum(seq_tup_read), sum(idx_tup_fetch) FROM pg_stat_user_tables WHERE relname IN (?, ?)", prefix+"grants", prefix+"tokens").
			Row().Scan(&c.whole, &c.byIndex)
	}))
	return c
}

// plans checks that every statement on grants and tokens finds its rows by an index, one row at a time where it is about one.
func plans(t *testing.T, db *gorm.DB, statements []string) {
	t.Helper()
	allowed := []string{"Index Scan", "Index Only Scan", "ModifyTable", "CTE Scan", "Result", "Nested Loop", "Subquery Scan"}
	scans := 0
	must(t, db.Connection(func(db *gorm.DB) error {
		must(t, db.Exec("SET plan_cache_mode = force_generic_plan").Error)
		for i, statement := range statements {
			if !strings.Contains(statement, "grants") && !strings.Contains(statement, "tokens") || strings.HasPrefix(statement, "SELECT attname") {
				continue
			}
			params := 0
			for strings.Contains(statement, fmt.Sprintf("$%d", params+1)) {
				params++
			}
			must(t, db.Exec(fmt.Sprintf("PREPARE m%d AS %s", i, statement)).Error)
			var text string
			must(t, db.Raw(fmt.Sprintf("EXPLAIN (FORMAT JSON) EXECUTE m%d(%s)", i, strings.TrimSuffix(strings.Repeat("NULL, ", params), ", "))).Row().Scan(&text))
			var plan []struct{ Plan node }
			must(t, json.Unmarshal([]byte(text), &plan))
			plan[0].Plan.visit(func(n node) {
				scans += min(len(n.Index), 1)
				if !slices.Contains(allowed, n.Type) || n.Rows > 1 {
					t.Errorf("%s\n\t%s on %s by %q, of %v rows", statement, n.Type, n.Relation, n.Index, n.Rows)
				}
			})
		}
		return nil
	}))
	if scans < 5 {
		t.Errorf("%d steps by an index were seen: the test looks at the wrong plans", scans)
	}
}

// pruneBeside shows that Prune keeps up with a server that issues a thousand tokens a second.
func pruneBeside(t *testing.T, db *gorm.DB, s *gormstore.Store, prefix string, rows int) {
	t.Helper()
	const over = 50_000
	must(t, db.Exec("INSERT INTO "+prefix+"tokens (digest, grant_id, expires, data) SELECT sha256(('o' || i)::bytea), 'g' || i, 1000 + i, '{}' FROM generate_series(1, ?) i", over).Error)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var traffic atomic.Int64
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := 1 + 2*worker; ctx.Err() == nil && n < rows; n += 8 { // the even ones are used up
				work(t, s, n, rows) //nolint:contextcheck // a family that has begun is not cut off
				traffic.Add(1)
			}
		})
	}
	begin, pruned := time.Now(), 0
	for {
		n, err := s.Prune(t.Context(), time.Now(), 1000)
		must(t, err)
		if pruned += n; n < 1000 {
			break
		}
	}
	took := time.Since(begin)
	stop()
	wg.Wait()
	t.Logf("%d rows among %d went in %v beside %d families that were begun, used and ended", pruned, rows, took, traffic.Load())
	if pruned < over || took > over*time.Millisecond {
		t.Errorf("Prune removed %d rows in %v, want %d of them at a thousand a second at least", pruned, took, over)
	}
	if traffic.Load() == 0 {
		t.Error("nothing went on beside it")
	}
}
