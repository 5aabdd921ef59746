package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/store"
)

// rows is a store of remote tokens in memory, whose writes may fail.
type rows struct {
	mu    sync.Mutex // guards what follows
	row   map[string]store.RemoteToken
	lease map[string]time.Time
	fail  error // of PutRemoteToken
	late  error // of PutRemoteToken, after it has stored
	reads int
}

func (s *rows) RemoteToken(_ context.Context, key string) (store.RemoteToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if row, ok := s.row[key]; ok {
		return row, nil
	}
	return store.RemoteToken{}, store.ErrNotFound
}

func (s *rows) PutRemoteToken(_ context.Context, t store.RemoteToken) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.row[t.Key].Revision != t.Revision {
		return store.ErrConflict
	}
	if s.row == nil {
		s.row, s.lease = map[string]store.RemoteToken{}, map[string]time.Time{}
	}
	t.Revision++
	s.row[t.Key] = t
	delete(s.lease, t.Key)
	return s.late
}

func (s *rows) LeaseRemoteToken(_ context.Context, key string, revision int64, now, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.row[key].Revision != revision || s.lease[key].After(now) {
		return store.ErrConflict
	}
	s.lease[key] = until
	return nil
}

func (s *rows) DeleteRemoteToken(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.row, key)
	delete(s.lease, key)
	return nil
}

func (s *rows) set(fail, late error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail, s.late = fail, late
}

// rotating is a server that takes each refresh token once, and revokes everything when one comes again.
type rotating struct {
	delay   time.Duration
	now     atomic.Int32 // the number of the refresh token that is good
	asked   atomic.Int32
	revoked atomic.Bool
	down    atomic.Bool
}

func (s *rotating) answer(_ *mandate.FetchRequest, form url.Values) *mandate.Response {
	s.asked.Add(1)
	time.Sleep(s.delay)
	if s.down.Load() {
		return nil
	}
	n := s.now.Load()
	if form.Get("refresh_token") != fmt.Sprint("r", n) || s.revoked.Load() || !s.now.CompareAndSwap(n, n+1) {
		s.revoked.Store(true)
		return saysJSON(400, `{"error":"invalid_grant"}`)
	}
	return saysJSON(200, fmt.Sprintf(`{"access_token":"t%d","refresh_token":"r%d","expires_in":3600}`, n+1, n+1))
}

var theSecret = sync.OnceValue(mandate.NewRandomSecret)

// process returns what one process keeps tokens with.
func process(tb testing.TB, s *rows, srv *rotating, change ...func(*client.TokensConfig)) (*client.Tokens, *client.TokenRequester) {
	tb.Helper()
	c := client.TokensConfig{Store: s, Secret: theSecret()}
	for _, f := range change {
		f(&c)
	}
	k, err := client.NewTokens(c)
	if err != nil {
		tb.Fatal(err)
	}
	return k, requester(tb, srv.answer)
}

// old is a token that has run out.
func old() *oauth2.Token {
	return (&oauth2.Token{AccessToken: "t0", TokenType: "Bearer", RefreshToken: "r0", Expiry: time.Now().Add(-time.Second)}).
		WithExtra(map[string]any{"id_token": "an ID token", "scope": "a b"})
}

func keep(tb testing.TB, k *client.Tokens, tok *oauth2.Token) {
	tb.Helper()
	if err := k.Keep(tb.Context(), "test", "ada", tok); err != nil {
		tb.Fatal(err)
	}
}

func TestProcessesRefreshOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, srv := &rows{}, &rotating{delay: 3 * time.Second}
		var wg sync.WaitGroup
		for i := range 3 {
			k, r := process(t, s, srv)
			if i == 0 {
				keep(t, k, old())
			}
			for range 300 {
				wg.Go(func() { wantToken(t, k.Source(r, "ada"), "t1") })
			}
		}
		wg.Wait()
		if srv.asked.Load() != 1 {
			t.Errorf("%d requests, want 1", srv.asked.Load())
		}
	})
}

func TestANewTokenIsStoredBeforeItIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, srv := &rows{}, &rotating{}
		k, r := process(t, s, srv)
		keep(t, k, old())
		s.set(errors.New("database is away"), nil)
		src := k.Source(r, "ada")
		if tok, err := src.Token(); !errors.Is(err, client.Fault) {
			t.Fatalf("token = %+v, %v, want %v", tok, err, client.Fault)
		}
		s.set(nil, nil)
		time.Sleep(2 * time.Second)
		wantToken(t, src, "t1")
		if srv.asked.Load() != 1 {
			t.Errorf("%d requests: the old refresh token was used again", srv.asked.Load())
		}
		if tok, err := k.Stored(t.Context(), "test", "ada"); err != nil || tok.RefreshToken != "r1" || tok.Extra("id_token") != "an ID token" || tok.Extra("scope") != "a b" {
			t.Errorf("stored %+v, %v", tok, err)
		}
	})
}

func TestAStoreThatCannotSayThatItHasStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, srv := &rows{}, &rotating{}
		k, r := process(t, s, srv)
		keep(t, k, old())
		s.set(nil, errors.New("connection lost"))
		wantToken(t, k.Source(r, "ada"), "t1")
		if srv.asked.Load() != 1 {
			t.Errorf("%d requests, want 1", srv.asked.Load())
		}
	})
}

func TestAGrantThatIsLost(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*rotating, *oauth2.Token){
		"as the server says":               func(s *rotating, _ *oauth2.Token) { s.revoked.Store(true) },
		"as there is no refresh token":     func(_ *rotating, tok *oauth2.Token) { tok.RefreshToken = "" },
		"as the refresh token was used up": func(s *rotating, _ *oauth2.Token) { s.now.Store(5) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, srv := &rows{}, &rotating{}
				var heard []string
				lost := func(c *client.TokensConfig) {
					c.Lost = func(_ context.Context, app, account string, err *client.Error) {
						heard = append(heard, app+" "+account+" "+string(err.Kind))
						panic("a hook of the application")
					}
				}
				k, r := process(t, s, srv, lost)
				tok := old()
				change(srv, tok)
				keep(t, k, tok)
				other, _ := process(t, s, srv, lost)
				for _, p := range []*client.Tokens{k, other, k} {
					time.Sleep(2 * time.Second)
					if _, err := p.Source(r, "ada").Token(); !errors.Is(err, client.GrantLost) {
						t.Errorf("error = %v, want %v", err, client.GrantLost)
					}
				}
				if fmt.Sprint(heard) != "[test ada grant lost]" || srv.asked.Load() > 1 {
					t.Errorf("heard %q, %d requests", heard, srv.asked.Load())
				}
				if _, err := k.Stored(t.Context(), "test", "ada"); !errors.Is(err, client.GrantLost) {
					t.Errorf("error = %v, want %v", err, client.GrantLost)
				}
				keep(t, k, &oauth2.Token{AccessToken: "t9", RefreshToken: "r9", Expiry: time.Now().Add(time.Hour)}) // signs in again
				wantToken(t, k.Source(r, "ada"), "t9")
				time.Sleep(2 * time.Second)
				wantToken(t, other.Source(r, "ada"), "t9")
			})
		})
	}
}

func TestAServerThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, srv := &rows{}, &rotating{}
		k, r := process(t, s, srv)
		keep(t, k, old())
		srv.down.Store(true)
		if _, err := k.Source(r, "ada").Token(); !errors.Is(err, client.Unreachable) {
			t.Errorf("error = %v, want %v", err, client.Unreachable)
		}
		srv.down.Store(false)
		other, _ := process(t, s, srv)
		begun := time.Now()
		wantToken(t, other.Source(r, "ada"), "t1") // no lease keeps it
		if took := time.Since(begun); took > time.Second {
			t.Errorf("another process waited for %v", took)
		}
	})
}

func TestALeaseOfAProcessThatIsDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, srv := &rows{}, &rotating{}
		k, r := process(t, s, srv)
		keep(t, k, old())
		for key := range s.row {
			if err := s.LeaseRemoteToken(t.Context(), key, 1, time.Now(), time.Now().Add(20*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		wantToken(t, k.Source(r, "ada"), "t1")
		if took := time.Since(begun); took < 19*time.Second || took > 21*time.Second {
			t.Errorf("took %v, want as long as the lease", took)
		}
	})
}

func TestKeepKeepsTheOldRefreshToken(t *testing.T) {
	t.Parallel()
	k, _ := process(t, &rows{}, &rotating{})
	keep(t, k, old())
	keep(t, k, &oauth2.Token{AccessToken: "t5", Expiry: time.Now().Add(time.Hour)})
	if tok, err := k.Stored(t.Context(), "test", "ada"); err != nil || tok.AccessToken != "t5" || tok.RefreshToken != "r0" {
		t.Errorf("stored %+v, %v", tok, err)
	}
}

func TestNothingIsStoredInClear(t *testing.T) {
	t.Parallel()
	s := &rows{}
	k, _ := process(t, s, &rotating{})
	keep(t, k, old())
	for key, row := range s.row {
		if strings.Contains(key, "ada") || row.Key != key {
			t.Errorf("key = %q", key)
		}
		for _, canary := range []string{"t0", "r0", "an ID token"} {
			if bytes.Contains(row.Sealed, []byte(canary)) {
				t.Errorf("%q is stored in clear", canary)
			}
		}
		other := mandate.NewRandomSecret()
		foreign, _ := process(t, s, &rotating{}, func(c *client.TokensConfig) { c.Secret = other })
		if _, err := foreign.Stored(t.Context(), "test", "ada"); !errors.Is(err, client.Fault) {
			t.Errorf("with another secret: error = %v, want %v", err, client.Fault)
		}
		moved := row // to another account
		moved.Key = strings.Replace(key, "test/", "else/", 1)
		s.row[moved.Key] = moved
		if _, err := k.Stored(t.Context(), "else", "ada"); !errors.Is(err, client.Fault) {
			t.Errorf("a row under another key: error = %v, want %v", err, client.Fault)
		}
		return
	}
}

func TestForgettingIsSeenByOtherProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, srv := &rows{}, &rotating{}
		k, r := process(t, s, srv)
		other, _ := process(t, s, srv)
		keep(t, k, old())
		mine, theirs := k.Source(r, "ada"), other.Source(r, "ada")
		wantToken(t, mine, "t1")
		wantToken(t, theirs, "t1")
		reads := s.reads
		for range 100 {
			wantToken(t, theirs, "t1")
		}
		if s.reads != reads {
			t.Errorf("%d reads of the store for a token in memory", s.reads-reads)
		}
		if err := k.Forget(t.Context(), "test", "ada"); err != nil {
			t.Fatal(err)
		}
		if _, err := mine.Token(); !errors.Is(err, client.NoToken) {
			t.Errorf("error = %v, want %v", err, client.NoToken)
		}
		time.Sleep(61 * time.Second)
		_, _ = theirs.Token() // looks in the background
		synctest.Wait()
		if _, err := theirs.Token(); !errors.Is(err, client.NoToken) {
			t.Errorf("error = %v, want %v", err, client.NoToken)
		}
	})
}

func TestDisconnectRevokes(t *testing.T) {
	t.Parallel()
	s := &rows{}
	k, _ := process(t, s, &rotating{})
	keep(t, k, old())
	var revoked []string
	r := requester(t, func(_ *mandate.FetchRequest, form url.Values) *mandate.Response {
		revoked = append(revoked, form.Get("token"))
		return says(503, "", "")
	})
	if err := k.Disconnect(t.Context(), r, "ada"); !errors.Is(err, client.Unreachable) {
		t.Errorf("error = %v, want that of the server", err)
	}
	if err := k.Disconnect(t.Context(), r, "ada"); err != nil || fmt.Sprint(revoked) != "[r0]" || len(s.row) != 0 {
		t.Errorf("error = %v, revoked %q, %d rows", err, revoked, len(s.row))
	}
}

func TestRenewedHearsWhatIsStored(t *testing.T) {
	t.Parallel()
	s, srv := &rows{}, &rotating{}
	var k *client.Tokens
	heard := make(chan string, 1)
	k, r := process(t, s, srv, func(c *client.TokensConfig) {
		c.Renewed = func(ctx context.Context, app, account string, tok *oauth2.Token) {
			stored, err := k.Stored(ctx, app, account)
			if err != nil || stored.AccessToken != tok.AccessToken || tok.RefreshToken != "" {
				t.Errorf("heard of %+v, stored %+v, %v", tok, stored, err)
			}
			heard <- tok.AccessToken
		}
	})
	keep(t, k, old())
	wantToken(t, k.Source(r, "ada"), "t1")
	if got := <-heard; got != "t1" {
		t.Errorf("heard of %q", got)
	}
}

func TestFaultsOfTokensAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := client.NewTokens(client.TokensConfig{Timeout: -1, Recheck: -1, Leeway: -1})
	for _, want := range []string{"Store", "Secret", "Timeout", "Recheck", "Leeway"} {
		if err == nil || !strings.Contains(err.Error(), "TokensConfig."+want) {
			t.Errorf("error = %v, want one that names %s", err, want)
		}
	}
	k, _ := process(t, &rows{}, &rotating{})
	for _, err := range []error{k.Keep(t.Context(), "test", "", old()), k.Keep(t.Context(), "test", "ada", nil)} {
		if !errors.Is(err, client.Fault) {
			t.Errorf("error = %v, want %v", err, client.Fault)
		}
	}
}

// TestANameThatIsWrittenOver has the name of an account in a buffer that is used again, as Fiber's are.
func TestANameThatIsWrittenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, srv, told := &rows{}, &rotating{}, ""
		k, r := process(t, s, srv, func(c *client.TokensConfig) {
			c.Renewed = func(_ context.Context, _, account string, _ *oauth2.Token) { told = account }
		})
		keep(t, k, old())
		buffer := []byte("ada")
		src := k.Source(r, unsafe.String(unsafe.SliceData(buffer), len(buffer))) // #nosec G103 -- as Fiber does
		copy(buffer, "eve")
		wantToken(t, src, "t1")
		if told != "ada" {
			t.Errorf("the hook heard of %q, want ada", told)
		}
	})
}

// TestKeptTokensMoveToANewRoot rotates the secret: what is used lies under the new root soon, though it is never refreshed.
func TestKeptTokensMoveToANewRoot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		before, fresh := []byte(strings.Repeat("o", 32)), []byte(strings.Repeat("n", 32))
		s, srv := &rows{}, &rotating{}
		under := func(roots ...[]byte) (*client.Tokens, *client.TokenRequester) {
			secret, err := mandate.NewSecret(roots...)
			if err != nil {
				t.Fatal(err)
			}
			return process(t, s, srv, func(c *client.TokensConfig) { c.Secret = secret })
		}
		k, _ := under(before)
		keep(t, k, &oauth2.Token{AccessToken: "t0"})
		k, r := under(fresh, before)
		wantToken(t, k.Source(r, "ada"), "t0")
		k, r = under(fresh)
		wantToken(t, k.Source(r, "ada"), "t0")
		for key := range s.row { // one who refreshes is not disturbed
			s.lease[key] = time.Now().Add(time.Hour)
		}
		k, r = under(before, fresh)
		wantToken(t, k.Source(r, "ada"), "t0")
		if revision := s.row[onlyKey(s)].Revision; revision != 2 {
			t.Errorf("revision %d, want 2", revision)
		}
	})
}

func onlyKey(s *rows) string {
	for key := range s.row {
		return key
	}
	return ""
}
