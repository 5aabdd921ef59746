package server_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// table is a store of clients alone, which may change.
type table struct {
	store.Store
	rows sync.Map
}

// Client implements store.Clients.
func (t *table) Client(_ context.Context, id string) (*store.Client, error) {
	c, ok := t.rows.Load(id)
	if !ok {
		return nil, store.ErrNotFound
	}
	return c.(*store.Client), nil //nolint:forcetypeassert // put by keep
}

// keep puts a client with secrets.
func (t *table) keep(id string, secrets ...store.Secret) {
	t.rows.Store(id, &store.Client{ID: id, Secrets: secrets, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}})
}

// attempt authenticates a client with Basic credentials.
func attempt(ctx context.Context, s *server.Server, id, secret string) error {
	_, err := s.AuthenticateClient(ctx, &mandate.Request{
		Method: http.MethodPost, Header: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}},
	})
	return err
}

// hook is a Config.VerifySecret that counts, and that waits where it is told to.
type hook struct {
	calls, busy, most atomic.Int64
	wait              chan struct{} // nil: it does not wait
}

const ownForm store.SecretForm = "own"

// own keeps a secret for a hook: its text itself.
func own(secret string) store.Secret { return store.Secret{Form: ownForm, Value: []byte(secret)} }

func (h *hook) verify(ctx context.Context, kept store.Secret, secret string) (bool, error) {
	h.calls.Add(1)
	n := h.busy.Add(1)
	defer h.busy.Add(-1)
	for most := h.most.Load(); n > most && !h.most.CompareAndSwap(most, n); most = h.most.Load() {
	}
	if h.wait != nil {
		select {
		case <-h.wait:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if string(kept.Value) == "broken" {
		return false, errors.New("the HSM is away")
	}
	return string(kept.Value) == secret, nil
}

func withHook(tb testing.TB, h *hook, cores int) (*server.Server, *table) {
	tb.Helper()
	rows := new(table)
	c := valid()
	c.Store, c.SecretCores, c.Limiter = rows, cores, server.InsecureUnlimited()
	if h != nil {
		c.VerifySecret = h.verify
	}
	s, err := server.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return s, rows
}

// want ends the test unless err has the code; "" is no error.
func want(t *testing.T, err error, code mandate.Code) {
	t.Helper()
	if code == "" && err != nil || code != "" && !errors.Is(err, code) {
		t.Fatalf("error = %v, want %q", err, code)
	}
}

// Hashes of "a chosen passphrase", as other systems keep them.
const (
	hashArgon2id = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$koGEntwth3R24BbQpTjHwPRPGA7yIqCpMqqsytZrdOg"
	passphrase   = "a chosen passphrase"
)

// hashBcrypt returns a bcrypt hash of passphrase that begins with version.
func hashBcrypt(t *testing.T, version string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(passphrase), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return version + string(hash[len("$2a$"):])
}

func TestHashedSecret(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ hash, refused string }{
		"bcrypt of Go":                   {hash: hashBcrypt(t, "$2a$")},
		"bcrypt of Python":               {hash: hashBcrypt(t, "$2b$")},
		"bcrypt of PHP":                  {hash: hashBcrypt(t, "$2y$")},
		"argon2id":                       {hash: hashArgon2id},
		"bcrypt with the bug of 2011":    {hashBcrypt(t, "$2x$"), "VerifySecret"},
		"bcrypt that is cut off":         {hashBcrypt(t, "$2b$")[:40], "bcrypt"},
		"bcrypt that takes an hour":      {strings.Replace(hashBcrypt(t, "$2b$"), "$04$", "$25$", 1), "cost 16"},
		"argon2i":                        {strings.Replace(hashArgon2id, "argon2id", "argon2i", 1), "VerifySecret"},
		"argon2id of another version":    {strings.Replace(hashArgon2id, "v=19", "v=16", 1), "version 19"},
		"argon2id that takes all memory": {strings.Replace(hashArgon2id, "m=64", "m=99999999", 1), "KiB"},
		"argon2id with something behind": {strings.Replace(hashArgon2id, "p=1", "p=1x", 1), "PHC"},
		"a hash of Werkzeug":             {"pbkdf2:sha256:600000$salt$" + strings.Repeat("ab", 32), "VerifySecret"},
		"a secret in clear":              {"correct horse battery staple", "VerifySecret"},
		"nothing":                        {"", "0 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, err := server.HashedSecret(tc.hash)
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) || tc.hash != "" && strings.Contains(err.Error(), tc.hash) {
					t.Errorf("error = %v, want %q in it and not the hash", err, tc.refused)
				}
				return
			}
			want(t, err, "")
			s, rows := withHook(t, nil, 0)
			rows.keep("web", kept)
			for range 2 { // the second time it is remembered
				want(t, attempt(t.Context(), s, "web", "a+chosen+passphrase"), "")
				want(t, attempt(t.Context(), s, "web", "another"), mandate.InvalidClient)
			}
		})
	}
}

func TestSecretIsRemembered(t *testing.T) {
	t.Parallel()
	h := new(hook)
	s, rows := withHook(t, h, 1)
	rows.keep("web", own("right"))
	rows.keep("other", own("right"))
	for _, tc := range []struct {
		does  string
		id    string
		with  string
		code  mandate.Code
		calls int64
	}{
		{"the first use is computed", "web", "right", "", 1},
		{"the second is remembered", "web", "right", "", 1},
		{"another client's is not", "other", "right", "", 2},
		{"a wrong one is computed", "web", "wrong", mandate.InvalidClient, 3},
		{"and computed again: a failure is never remembered", "web", "wrong", mandate.InvalidClient, 4},
		{"which forgets nothing", "web", "right", "", 4},
	} {
		want(t, attempt(t.Context(), s, tc.id, tc.with), tc.code)
		if n := h.calls.Load(); n != tc.calls {
			t.Errorf("%s: %d computations, want %d", tc.does, n, tc.calls)
		}
	}
	rows.keep("web", own("new"))
	want(t, attempt(t.Context(), s, "web", "right"), mandate.InvalidClient)
	want(t, attempt(t.Context(), s, "web", "new"), "")
	kept := own("new")
	kept.Expires = time.Now().Add(-time.Minute)
	rows.keep("web", kept)
	want(t, attempt(t.Context(), s, "web", "new"), mandate.InvalidClient) // what is over is not asked for
	if n := h.calls.Load(); n != 6 {
		t.Errorf("%d computations, want 6: two for the changed secret", n)
	}
	rows.keep("web", own("broken"))
	for range 2 {
		if err := attempt(t.Context(), s, "web", "right"); err == nil || errors.Is(err, mandate.InvalidClient) || strings.Contains(mandate.AsError(err).Error(), "HSM") {
			t.Errorf("error = %v, want a fault that says nothing", err)
		}
	}
}

func TestRememberedSecretsAreBounded(t *testing.T) {
	t.Parallel()
	h := new(hook)
	s, rows := withHook(t, h, 1)
	const clients = 4096 + 100
	for i := range clients {
		id := "client-" + strconv.Itoa(i)
		rows.keep(id, own("right"))
		want(t, attempt(t.Context(), s, id, "right"), "")
	}
	h.calls.Store(0)
	for i := range clients {
		want(t, attempt(t.Context(), s, "client-"+strconv.Itoa(i), "right"), "")
	}
	if n := h.calls.Load(); n < 100 || n > clients/2 {
		t.Errorf("%d of %d secrets were forgotten, want 100 and what these displaced", n, clients)
	}
}

func TestFloodOfSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const cores = 2
		h := &hook{wait: make(chan struct{})}
		s, rows := withHook(t, h, cores)
		rows.keep("known", own("right"))
		rows.keep("new", own("right"))
		go func() { h.wait <- struct{}{} }()
		want(t, attempt(t.Context(), s, "known", "right"), "")

		var flood sync.WaitGroup
		var busy atomic.Int64
		for i := range 300 {
			id := "guessed-" + strconv.Itoa(i%30)
			rows.keep(id, own("right"))
			flood.Go(func() {
				if err := attempt(t.Context(), s, id, "wrong-"+strconv.Itoa(i)); errors.Is(err, mandate.TemporarilyUnavailable) {
					busy.Add(1)
					if got := s.Refuse(err).Status; got != 503 {
						t.Errorf("status = %d, want 503", got)
					}
				}
			})
		}
		synctest.Wait()
		if n := h.busy.Load(); n != cores {
			t.Errorf("%d computations at once, want %d", n, cores)
		}
		want(t, attempt(t.Context(), s, "known", "right"), "") // at once

		// Who waits gives up with its request, or after a while.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		want(t, attempt(ctx, s, "new", "right"), mandate.TemporarilyUnavailable)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("it waited %v, want 1s", waited)
		}
		began = time.Now()
		want(t, attempt(t.Context(), s, "new", "right"), mandate.TemporarilyUnavailable)
		if waited := time.Since(began); waited != 5*time.Second {
			t.Errorf("it waited %v, want 5s", waited)
		}
		flood.Wait()
		if n := busy.Load(); n != 300 {
			t.Errorf("%d of 300 were told to come again, want all: nothing was computed to its end", n)
		}
		close(h.wait)
		want(t, attempt(t.Context(), s, "new", "right"), "")
		if n := h.most.Load(); n != cores {
			t.Errorf("%d computations at once at most, want %d", n, cores)
		}
	})
}

func TestOneSecretIsComputedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{wait: make(chan struct{})}
		s, rows := withHook(t, h, 4)
		rows.keep("web", own("right"))
		first, hangUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { want(t, attempt(first, s, "web", "right"), mandate.TemporarilyUnavailable) })
		synctest.Wait()
		for range 100 {
			all.Go(func() { want(t, attempt(t.Context(), s, "web", "right"), "") })
		}
		synctest.Wait()
		if n := h.calls.Load(); n != 1 {
			t.Errorf("%d computations of one secret, want 1", n)
		}
		hangUp() // which is nobody else's failure
		synctest.Wait()
		close(h.wait)
		all.Wait()
		if n := h.calls.Load(); n != 2 {
			t.Errorf("%d computations of one secret, want 2", n)
		}
	})
}

// BenchmarkClientAuthentication compares a generated secret with a chosen one that was right before.
func BenchmarkClientAuthentication(b *testing.B) {
	s, rows := withHook(b, nil, 0)
	chosen, err := server.HashPassphrase("correct-horse-battery-staple")
	if err != nil {
		b.Fatal(err)
	}
	rows.keep("web", server.HashSecret("correct-horse-battery-staple"))
	rows.keep("own", chosen)
	for _, tc := range []struct{ name, id string }{{"sha256", "web"}, {"bcrypt-again", "own"}} {
		b.Run(tc.name, func(b *testing.B) {
			r := &mandate.Request{
				Method: http.MethodPost, Header: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(tc.id+":correct-horse-battery-staple"))}},
			}
			if _, err := s.AuthenticateClient(b.Context(), r); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = s.AuthenticateClient(b.Context(), r)
			}
		})
	}
}

func TestOneSecretOfSeveral(t *testing.T) {
	t.Parallel()
	h := &hook{}
	rows := new(table)
	rows.keep("one", own("old"), server.HashSecret("new-secret-0123456789"))
	rows.keep("two", own("old"), own("new"))
	down := errors.New("directory is down")
	s, err := server.New(server.Config{
		Issuer: "https://id.test", Store: rows, Secret: mandate.NewRandomSecret(),
		VerifySecret: func(ctx context.Context, kept store.Secret, secret string) (bool, error) {
			if string(kept.Value) == "old" {
				_, _ = h.verify(ctx, kept, secret)
				return false, down
			}
			return h.verify(ctx, kept, secret)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := attempt(t.Context(), s, "one", "new-secret-0123456789"); err != nil || h.calls.Load() != 0 {
		t.Errorf("a secret that is right at once = %v, after %d calls of VerifySecret; want none of either", err, h.calls.Load())
	}
	if err := attempt(t.Context(), s, "one", "wrong"); err == nil || errors.Is(err, mandate.InvalidClient) {
		t.Errorf("a secret of which nobody can tell = %v, want a fault", err)
	}
	if err := attempt(t.Context(), s, "two", "new"); err != nil {
		t.Errorf("a secret that is right beside one of which nobody can tell = %v", err)
	}
	before := h.calls.Load()
	if err := attempt(t.Context(), s, "two", "new"); err != nil || h.calls.Load() != before {
		t.Errorf("a secret that was right before = %v, after %d calls of VerifySecret more; want none of either", err, h.calls.Load()-before)
	}
}
