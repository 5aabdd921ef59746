package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"github.com/go-mandate/mandate/conformance/admintest"
	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

func open(t *testing.T, file string) *gormstore.Store {
	t.Helper()
	db, err := gorm.Open(sqlite.Open(file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"), &gorm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	st, err := gormstore.New(db)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	admintest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		st := open(t, filepath.Join(t.TempDir(), "mandate.db"))
		if err := st.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return st
	})
}

// page is the documentation, whose commands TestDocs runs.
const page = "../../docs/admin.md"

// masks are what differs from run to run, and what stands in its place, of one length so that columns stay where they are.
var masks = []struct {
	what *regexp.Regexp
	with []string // in turn
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z"`), []string{`2026-11-21T08:00:00.123Z"`}},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), []string{"2026-11-21T08:00:00Z"}},
	{regexp.MustCompile(`\d+ statements made`), []string{"23 statements made"}},
	{regexp.MustCompile(`mds_[\w-]{43}`), []string{"mds_Tx0u8Zc3mYp1Qk7sVb4nRw9eLf2hJd6gAa5oCi-_UsE"}},
	{regexp.MustCompile(`(?m)^[A-Za-z0-9+/]{43}=$`), []string{"3q2+7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A="}},
	{regexp.MustCompile(`(?m)^[\w-]{43} `), []string{"nPzGkS1xWvQ4r8tYb2mJc6dHf0aLe9uKo3iRsT7-_VQ ", "Yh5wB8eXq0sLr2nVt7uKm4cJd9aFg1pZi6oTb3-_yEw "}},
	{regexp.MustCompile(`\b[a-z2-7]{8} sha256`), []string{"k7d2mq5x sha256", "w3fz6ahn sha256"}},
	{regexp.MustCompile(`\b[a-z2-7]{8}, until`), []string{"k7d2mq5x, until"}},
	{regexp.MustCompile(`"id": "[a-z2-7]{8}"`), []string{`"id": "k7d2mq5x"`}},
}

func masked(s string) string {
	for _, m := range masks {
		n := -1
		s = m.what.ReplaceAllStringFunc(s, func(string) string {
			n++
			return m.with[n%len(m.with)]
		})
	}
	return s
}

// TestDocs runs the commands of the documentation, one after the other on one database, and holds what they answer against what stands
// there. GOLDEN=write copies it.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "mandate.db")
	st := open(t, file)
	env := map[string]string{"MANDATE_DB": file, "MANDATE_SECRET": "b2xkIHNlY3JldCBvZiBhIHRlc3QsIG9mIDMyIGJ5dGVz"}
	files := map[string]string{"clients.json": snippet(t, string(text), "json")}

	var out strings.Builder
	console, answering, ran := false, false, 0
	for line := range strings.Lines(string(text)) {
		bare := strings.TrimSuffix(line, "\n")
		switch {
		case bare == "```console":
			console = true
		case console && bare == "```":
			console, answering = false, false
		case console && strings.HasPrefix(bare, "$ ./admin"):
			answering = true
			ran++
			out.WriteString(line)
			out.WriteString(masked(answer(t, st, bare[len("$ "):], files, env)))
			continue
		case answering:
			continue
		}
		out.WriteString(line)
	}
	if ran < 20 {
		t.Errorf("%s has %d commands, want all to be shown", page, ran)
	}
	if out.String() == string(text) {
		return
	}
	if os.Getenv("GOLDEN") == "write" {
		if err := os.WriteFile(page, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s shows other answers than the commands give: run GOLDEN=write go test ./examples/admin; they are\n%s", page, out.String())
}

// answer runs a line of the documentation.
func answer(t *testing.T, st store.Store, line string, files, env map[string]string) string {
	t.Helper()
	args := strings.Fields(line)[1:]
	for i, a := range args {
		if text, ok := files[a]; ok {
			args[i] = filepath.Join(t.TempDir(), a)
			if err := os.WriteFile(args[i], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args[i] = strings.Trim(args[i], `"'`)
	}
	var in bytes.Buffer
	switch args[0] {
	case "rewrap":
		env["MANDATE_SECRET"] = "bmV3IHNlY3JldCBvZiBhIHRlc3QsIG9mIDMyIGJ5dGVz " + env["MANDATE_SECRET"]
	case "token": // what stands for "-"
		in.WriteString(token(t, st) + "\n")
	}
	var out strings.Builder
	if err := run(t.Context(), args, &in, &out, func(name string) string { return env[name] }); err != nil {
		return out.String() + err.Error() + "\n"
	}
	if args[0] == "migrate" { // now there are tables to put them into
		people(t, st)
	}
	return out.String()
}

// snippet returns the first block of the language.
func snippet(t *testing.T, text, language string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "```"+language+"\n")
	block, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatalf("%s has no block of %s", page, language)
	}
	return block
}

// people puts what two users did into st.
func people(t *testing.T, st store.Store) {
	t.Helper()
	now := time.Now()
	for _, g := range []store.Grant{
		{ID: "g-5f2c", ClientID: "books", Subject: "user-1", SessionID: "s-81d0"},
		{ID: "g-9a01", ClientID: "phone", Subject: "user-1"},
		{ID: "g-c774", ClientID: "books", Subject: "user-2"},
	} {
		g.Generation, g.Created, g.Expires = 1, now, now.Add(24*time.Hour)
		g.Key, g.Details.Scopes = mandate.DigestOf(g.ID), "invoices"
		if err := st.CreateGrant(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	s := store.Session{Key: mandate.DigestOf("cookie"), ID: "s-81d0", Subject: "user-1", AuthTime: now, Expires: now.Add(time.Hour), Ends: now.Add(24 * time.Hour)}
	if err := st.PutSession(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := st.PutConsent(t.Context(), store.Consent{Subject: "user-1", ClientID: "books", Scopes: "invoices", Updated: now}); err != nil {
		t.Fatal(err)
	}
}

// token puts an access token of user-2 into st, once.
func token(t *testing.T, st store.Store) string {
	t.Helper()
	const raw = "mda_documentation"
	now := time.Now()
	tok := mandate.NewToken(mandate.TokenInfo{GrantID: "g-c774", ClientID: "books", Subject: "user-2", Scopes: "invoices", IssuedAt: now, Expires: now.Add(time.Hour)})
	_ = st.PutToken(t.Context(), mandate.DigestOf(raw), tok) // it may be there
	return raw
}
