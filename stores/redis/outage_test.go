package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	redisstore "github.com/go-mandate/mandate/stores/redis"
)

// A Redis that is gone is an outage, and when it is back, service resumes with what it had.
func TestOutage(t *testing.T) {
	t.Parallel()
	client, m := standIn(t)
	s := with(t, client, redisstore.Config{})
	g := store.Grant{ID: "g", Created: start, Expires: start.Add(time.Hour)}
	if err := s.CreateGrant(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	redemption := store.Redemption{GrantID: "g", Now: start, Expires: g.Expires, KeyID: "k", Key: mandate.DigestOf("t"), Token: mandate.NewToken(mandate.TokenInfo{GrantID: "g"})}
	m.Close()
	for call, f := range map[string]func(ctx context.Context) error{
		"Redeem":  func(ctx context.Context) error { _, err := s.Redeem(ctx, redemption); return err },
		"Grant":   func(ctx context.Context) error { _, err := s.Grant(ctx, "g"); return err },
		"UseOnce": func(ctx context.Context) error { return s.UseOnce(ctx, "jti", mandate.DigestOf("o"), start, g.Expires) },
		"RevokeGrants": func(ctx context.Context) error {
			_, err := s.RevokeGrants(ctx, store.GrantQuery{Subject: "s"}, store.ByAdmin, start)
			return err
		},
		"Prune": func(ctx context.Context) error { _, err := s.Prune(ctx, start, 10); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		begin := time.Now()
		err := f(ctx)
		cancel()
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUsed) {
			t.Errorf("%s: error = %v, want an outage", call, err)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%s took %v, and had 300ms", call, d)
		}
	}
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 100 { // until the client dials again
		if _, err = s.Redeem(t.Context(), redemption); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("Redeem afterwards: %v", err)
	}
	if _, err := s.Token(t.Context(), mandate.DigestOf("t"), start); err != nil {
		t.Errorf("Token: %v", err)
	}
}
