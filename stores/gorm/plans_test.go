package gormstore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// everything makes every call of a store once, the winning and the losing kind.
func everything(t *testing.T, s *gormstore.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	end, key := now.Add(time.Hour), mandate.DigestOf("key")
	tok := mandate.NewToken(mandate.TokenInfo{GrantID: "g", Expires: end})
	_ = s.PutClient(ctx, &store.Client{ID: "c"})
	_ = s.PutClient(ctx, &store.Client{ID: "c", Revision: 1})
	_, _ = s.Client(ctx, "c")
	_, _ = s.FindClients(ctx, store.Page{})
	_ = s.CreateGrant(ctx, store.Grant{ID: "g", Key: key, Subject: "s", ClientID: "c", SessionID: "n", Expires: end})
	_, _ = s.Grant(ctx, "g")
	_, _ = s.GrantByKey(ctx, key)
	for _, r := range []store.Redemption{{}, {Token: tok, From: 1}, {Keep: true, From: 2}, {Keep: true, From: 2, Token: tok}, {From: 9}, {From: 1, Grace: time.Minute, Token: tok}} {
		r.GrantID, r.Now, r.Expires, r.Key = "g", now, end, mandate.DigestOf(fmt.Sprint(r.From, r.Keep, r.Grace))
		_, _ = s.Redeem(ctx, r)
	}
	_ = s.PutToken(ctx, key, tok)
	_ = s.PutToken(ctx, key, tok)
	_ = s.PutToken(ctx, mandate.DigestOf("own"), mandate.NewToken(mandate.TokenInfo{}))
	_, _ = s.Token(ctx, key, now)
	_ = s.RevokeToken(ctx, key, end)
	ticket := store.Ticket{Kind: store.Device, Key: key, Expires: end}
	_ = s.PutTicket(ctx, ticket)
	_, _ = s.Ticket(ctx, store.Device, key, now)
	_ = s.UpdateTicket(ctx, ticket)
	_ = s.UseOnce(ctx, "jti", key, now, end)
	_ = s.UseOnce(ctx, "jti", key, now, end)
	_ = s.PutConsent(ctx, store.Consent{Subject: "s", ClientID: "c"})
	_ = s.PutConsent(ctx, store.Consent{Subject: "s", ClientID: "c", Revision: 1})
	_, _ = s.Consent(ctx, "s", "c")
	_, _ = s.FindConsents(ctx, "s", store.Page{})
	_ = s.PutSession(ctx, store.Session{Key: key, ID: "n", Subject: "s", Expires: end})
	_, _ = s.Session(ctx, key, now)
	_, _ = s.SessionByID(ctx, "n", now)
	_ = s.TouchSession(ctx, key, end)
	_ = s.JoinSession(ctx, "n", "c")
	_, _ = s.FindSessions(ctx, "s", now, store.Page{})
	_, _ = s.EndSession(ctx, "n", now)
	for revision := range int64(2) {
		_ = s.PutSigningKeys(ctx, "k", nil, revision)
		_ = s.PutRemoteToken(ctx, store.RemoteToken{Key: "r", Revision: revision})
	}
	_, _, _ = s.SigningKeys(ctx, "k")
	_, _ = s.RemoteToken(ctx, "r")
	_ = s.LeaseRemoteToken(ctx, "r", 2, now, end)
	for _, q := range []store.GrantQuery{{}, {Subject: "s"}, {ClientID: "c"}, {SessionID: "n"}, {Subject: "s", ClientID: "c"}} {
		_, _ = s.FindGrants(ctx, q, store.Page{})
		_, _ = s.RevokeGrants(ctx, q, store.ByAdmin, now)
	}
	_ = s.RevokeGrant(ctx, "g", store.ByAdmin, now)
	_ = s.RevokeGrant(ctx, "unseen", store.ByAdmin, now)
	_ = s.DeleteConsent(ctx, "s", "c")
	_ = s.DeleteRemoteToken(ctx, "r")
	_ = s.DeleteClient(ctx, "c")
	if _, err := s.Prune(ctx, now, 10); err != nil {
		t.Fatal(err)
	}
}

func TestSQLiteScansNoTable(t *testing.T) {
	t.Parallel()
	db := open(t, file(filepath.Join(t.TempDir(), "test.db")))
	s, _ := migrated(t, db)
	everything(t, s)
	n := 0
	for _, statement := range s.Statements() {
		var steps []struct{ Detail string }
		args := make([]any, strings.Count(statement, "?"))
		must(t, db.Raw("EXPLAIN QUERY PLAN "+statement, args...).Scan(&steps).Error)
		for _, step := range steps {
			n++
			if strings.HasPrefix(step.Detail, "SCAN ") && step.Detail != "SCAN CONSTANT ROW" {
				t.Errorf("%s\n\tin %s", step.Detail, statement)
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d steps were looked at", n)
	}
}

// However many grants and tokens there are, a call touches those that it is about.
func TestPostgreSQLScansNoTable(t *testing.T) {
	t.Parallel()
	db := open(t, postgreSQL(t))
	s, prefix := migrated(t, db)
	rows := 30_000
	if races(t) >= 1000 {
		rows = 1_000_000
	}
	for _, fill := range []string{
		"INSERT INTO {}grants (id, digest, subject, client_id, session_id, expires) SELECT 'g' || i, sha256(i::text::bytea), 's' || i / 10, 'c' || i % 500, 'n' || i, 1e15 + i " +
			"FROM generate_series(1, ?) i",
		"INSERT INTO {}tokens (digest, grant_id, expires, data) SELECT sha256(('t' || i)::bytea), 'g' || i, 1e15 + i, '{}' FROM generate_series(1, ?) i",
		"INSERT INTO {}tickets (kind, digest, alt_digest, revision, expires) SELECT 'device', sha256(i::text::bytea), sha256(('a' || i)::bytea), 1, 1e15 + i FROM generate_series(1, ?) i",
		"INSERT INTO {}uses (space, digest, expires) SELECT 'jti', sha256(i::text::bytea), 1e15 + i FROM generate_series(1, ?) i",
		"INSERT INTO {}sessions (id, digest, subject, expires) SELECT 'n' || i, sha256(i::text::bytea), 's' || i / 10, 1e15 + i FROM generate_series(1, ?) i",
		"INSERT INTO {}consents (subject, client_id, expires) SELECT 's' || i, 'c', 1e15 + i FROM generate_series(1, ?) i",
		"INSERT INTO {}clients (id, data) SELECT 'c' || i, '{}' FROM generate_series(1, ?) i",
		"INSERT INTO {}remote_tokens (name, expires) SELECT 'r' || i, 1e15 + i FROM generate_series(1, ?) i",
		"INSERT INTO {}key_sets (name) SELECT 'k' || i FROM generate_series(1, ?) i",
	} {
		must(t, db.Exec(strings.Replace(fill, "{}", prefix, 1), rows).Error)
	}
	for _, name := range tables() {
		must(t, db.Exec("ANALYZE "+prefix+name).Error)
	}
	begin := time.Now()
	everything(t, s)
	t.Logf("every call once, among %d rows of each kind: %v", rows, time.Since(begin))
	must(t, db.Connection(func(db *gorm.DB) error {
		must(t, db.Exec("SET plan_cache_mode = force_generic_plan").Error)
		for i, statement := range s.Statements() {
			params := 0
			for strings.Contains(statement, fmt.Sprintf("$%d", params+1)) {
				params++
			}
			call := fmt.Sprint("p", i)
			must(t, db.Exec("PREPARE "+call+" AS "+statement).Error)
			if params > 0 {
				call += "(NULL" + strings.Repeat(", NULL", params-1) + ")"
			}
			var steps []string
			must(t, db.Raw("EXPLAIN (COSTS OFF) EXECUTE "+call).Scan(&steps).Error)
			plan := strings.Join(steps, "\n\t")
			if strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s\n\t%s", statement, plan)
			}
			if strings.Contains(statement, "WITH moved") || strings.Contains(statement, "LEFT JOIN") {
				t.Logf("%s\n\t%s", statement, plan)
			}
		}
		return nil
	}))
}
