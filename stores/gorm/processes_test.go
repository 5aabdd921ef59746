package gormstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

// TestMain is, in a process that a test starts, one that redeems.
func TestMain(m *testing.M) {
	if job := os.Getenv("MANDATE_REDEEMER"); job != "" {
		if err := redeemer(strings.Split(job, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const codes = 400

// tokenOf is the token that a process puts for a code.
func tokenOf(process string, code int) mandate.Digest {
	return mandate.DigestOf(fmt.Sprint(process, " ", code))
}

// redeemer redeems all codes, side by side and in an order of its own, and says which it was told that it redeemed.
func redeemer(job []string) error {
	name, database, dsn, prefix := job[0], job[1], job[2], job[3]
	d := map[string]func(string) gorm.Dialector{
		"SQLite": func(name string) gorm.Dialector { return file(name) }, "PostgreSQL": postgres.Open, "MariaDB": mysql.Open,
	}[database](dsn)
	db, err := gorm.Open(d, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return err
	}
	s, err := gormstore.New(db, gormstore.Config{TablePrefix: prefix, Timeout: time.Minute})
	if err != nil {
		return err
	}
	now, work := time.Now(), make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards stdout
	for range 8 {
		wg.Go(func() {
			for code := range work {
				id := fmt.Sprint("g", code)
				_, err := s.Redeem(context.Background(), store.Redemption{
					GrantID: id, Now: now, Expires: now.Add(time.Hour), KeyID: name, Key: tokenOf(name, code),
					Token: mandate.NewToken(mandate.TokenInfo{GrantID: id, Expires: now.Add(time.Hour)}),
				})
				mu.Lock()
				if err == nil {
					fmt.Fprintln(os.Stdout, code)
				} else if !errors.Is(err, store.ErrUsed) && !errors.Is(err, store.ErrRevoked) {
					fmt.Fprintln(os.Stdout, "error", err)
				}
				mu.Unlock()
			}
		})
	}
	for _, code := range rand.Perm(codes) { // #nosec G404 -- an order
		work <- code
	}
	close(work)
	wg.Wait()
	return nil
}

// Processes redeem the same codes, and some are killed at it: no code is spent twice, nothing that was answered is lost, and no
// token lives under a dead grant.
func TestProcessesThatAreKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	for database, at := range map[string]struct {
		dialector func(tb testing.TB) gorm.Dialector
		dsn       string
	}{
		"SQLite":     {sqliteIn(path), path},
		"PostgreSQL": {postgreSQL, os.Getenv("MANDATE_POSTGRES")},
		"MariaDB":    {databases()["MariaDB"], os.Getenv("MANDATE_MARIADB")},
	} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			db := open(t, at.dialector(t))
			s, prefix := migrated(t, db)
			now := time.Now()
			for code := range codes {
				id := fmt.Sprint("g", code)
				must(t, s.CreateGrant(t.Context(), store.Grant{ID: id, Key: mandate.DigestOf(id), Subject: fmt.Sprint("s", code%10), Expires: now.Add(time.Hour)}))
			}
			won := map[int][]string{} // by code: who was told so
			var mu sync.Mutex         // guards won
			var wg sync.WaitGroup
			start := func(name string, killAfter int) {
				wg.Go(func() {
					told := process(t, name+"|"+database+"|"+at.dsn+"|"+prefix, killAfter)
					mu.Lock()
					defer mu.Unlock()
					for _, code := range told {
						won[code] = append(won[code], name)
					}
				})
			}
			start("a", 20+rand.IntN(60))  // #nosec G404 -- a moment
			start("b", 90+rand.IntN(100)) // #nosec G404 -- a moment
			if _, err := s.RevokeGrants(t.Context(), store.GrantQuery{Subject: "s3"}, store.BySubject, now); err != nil {
				t.Error(err)
			}
			wg.Wait()
			start("c", -1)
			start("d", -1)
			wg.Wait()

			for code := range codes {
				id := fmt.Sprint("g", code)
				g, err := s.Grant(t.Context(), id)
				must(t, err)
				var rows []gormstore.Token
				must(t, db.Table(s.Table("tokens")).Where("grant_id = ?", id).Find(&rows).Error)
				dead := !g.Revoked.IsZero()
				if len(won[code]) > 1 || int64(len(rows)) != g.Generation || g.Generation > 1 || !dead && g.Generation != 1 {
					t.Errorf("code %d: redeemed by %q, generation %d, %d tokens, dead %v", code, won[code], g.Generation, len(rows), dead)
				}
				for _, name := range []string{"a", "b", "c", "d"} { // also who was killed before it said so
					if _, err := s.Token(t.Context(), tokenOf(name, code), now); dead && !errors.Is(err, store.ErrRevoked) && !errors.Is(err, store.ErrNotFound) {
						t.Errorf("code %d: error = %v for what may be the token of %s under a dead grant", code, err, name)
					}
				}
				for _, name := range won[code] {
					switch _, err := s.Token(t.Context(), tokenOf(name, code), now); {
					case dead && !errors.Is(err, store.ErrRevoked):
						t.Errorf("code %d: error = %v for a token under a dead grant", code, err)
					case !dead && err != nil:
						t.Errorf("code %d: %s was told that it redeemed it: %v", code, name, err)
					}
				}
			}
		})
	}
}

// process starts a redeemer, kills it after it was told killAfter times that it had redeemed (negative: never), and returns which codes.
func process(t *testing.T, job string, killAfter int) (told []int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Error(err)
		return nil
	}
	cmd := exec.CommandContext(t.Context(), self) // #nosec G204 -- this program
	cmd.Env = append(os.Environ(), "MANDATE_REDEEMER="+job)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	killed := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var code int
		if _, err := fmt.Sscan(lines.Text(), &code); err != nil {
			t.Errorf("a process says %q", lines.Text())
			continue
		}
		if told = append(told, code); len(told) == killAfter {
			killed = cmd.Process.Kill() == nil
		}
	}
	if err := cmd.Wait(); err != nil && !killed {
		t.Errorf("a process ended with %v", err)
	}
	return told
}
