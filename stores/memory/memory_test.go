package memstore_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"runtime"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, int(678*time.Millisecond), time.UTC)

func text(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// approve makes a grant as an authorization server does, every text of it a string of its own.
func approve(tb testing.TB, s *memstore.Store) store.Grant {
	tb.Helper()
	g := store.Grant{
		ID: text(16), Key: mandate.DigestOf(text(16)), KeyID: "k1", ClientID: "web-client-1",
		Subject: text(16), SessionID: text(16), Created: start, Advanced: start, Expires: start.Add(30 * 24 * time.Hour),
		Details: store.Details{
			Scopes: mandate.Scopes(fmt.Sprint("openid profile email orders:", "read")), Resources: fmt.Sprint("https://", "api.example.com"),
			Ends: start.Add(365 * 24 * time.Hour), AuthTime: start,
			RedirectURI: fmt.Sprint("https://", "app.example.com/callback"), Challenge: text(32), Nonce: text(16),
		},
	}
	if err := s.CreateGrant(tb.Context(), g); err != nil {
		tb.Fatal(err)
	}
	g, err := s.Grant(tb.Context(), g.ID)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// mint puts a token under g and returns its key.
func mint(tb testing.TB, s *memstore.Store, g store.Grant) mandate.Digest {
	tb.Helper()
	key := mandate.DigestOf(text(32))
	err := s.PutToken(tb.Context(), key, mandate.NewToken(mandate.TokenInfo{
		GrantID: g.ID, Subject: g.Subject, ClientID: g.ClientID, Scopes: g.Details.Scopes, IssuedAt: start, Expires: start.Add(time.Hour),
	}))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// heap returns the bytes that live objects take.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The numbers are chosen so that a hash table that doubles is at its emptiest, too.
func TestMemory(t *testing.T) { //nolint:paralleltest // what runs beside it would be measured
	for name, tc := range map[string]struct {
		grants, tokens int
		want           uint64
	}{
		"a million tokens under 100,000 grants, grants included": {100_000, 10, 400},
		"tokens with a grant of their own":                       {100_000, 1, 700},
		"the same right after the tables have grown":             {140_000, 1, 700},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := memstore.New()
			for range tc.grants {
				g := approve(t, s)
				for range tc.tokens {
					mint(t, s, g)
				}
			}
			each := (heap() - before) / uint64(tc.grants*tc.tokens)
			runtime.KeepAlive(s)
			t.Logf("%d bytes each", each)
			if each > tc.want {
				t.Errorf("a token takes %d bytes, want at most %d", each, tc.want)
			}
		})
	}
}
