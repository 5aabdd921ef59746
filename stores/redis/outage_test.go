package redisstore_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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

// A Redis that takes commands and answers none is an outage in time, whatever the client's own patience, and is told apart as one.
func TestSilence(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	client := redis.NewClient(&redis.Options{Addr: l.Addr().String(), ContextTimeoutEnabled: true, PoolSize: 1})
	t.Cleanup(func() { _ = client.Close() })
	s := with(t, client, redisstore.Config{Timeout: 100 * time.Millisecond})
	begin := time.Now()
	_, err = s.Grant(t.Context(), "g")
	if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > 2*time.Second {
		t.Errorf("Grant: %v after %v, want a deadline after 100ms", err, took)
	}
	if _, err := redisstore.New(client, redisstore.Config{Timeout: -1}); err == nil {
		t.Error("New takes a negative Timeout")
	}
}
