package memstore_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, int(678*time.Millisecond), time.UTC)

// text returns n random bytes as an authorization server writes them.
func text(n int) string {
	b := make([]byte, (n+7)/8*8)
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rand.Uint64())
	}
	return base64.RawURLEncoding.EncodeToString(b[:n])
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
		GrantID: g.ID, Subject: g.Subject, ClientID: g.ClientID, Scopes: g.Details.Scopes, Audience: []string{g.Details.Resources},
		IssuedAt: start, Expires: start.Add(time.Hour), AuthTime: g.Details.AuthTime,
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
