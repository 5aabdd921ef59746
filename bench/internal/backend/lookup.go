package backend

import (
	"context"
	"crypto/rand"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// Lookup puts a token under a grant into s, and returns what looks it up: in s, and through a cache in front of it, as a guard does.
func Lookup(ctx context.Context, s store.Store) (asked, cached func() error, err error) {
	now, key := time.Now(), mandate.DigestOf(rand.Text())
	g := store.Grant{ID: rand.Text(), Key: mandate.DigestOf(rand.Text()), ClientID: "web", Subject: "alice", Created: now, Expires: now.Add(lifetime)}
	if err := s.CreateGrant(ctx, g); err != nil {
		return nil, nil, err
	}
	if err := s.PutToken(ctx, key, mandate.NewToken(mandate.TokenInfo{
		GrantID: g.ID, Subject: "alice", ClientID: "web", Scopes: "openid profile", IssuedAt: now, Expires: now.Add(lifetime),
	})); err != nil {
		return nil, nil, err
	}
	in := func(s store.Store) func() error {
		return func() error {
			_, err := s.Token(ctx, key, time.Now())
			return err
		}
	}
	return in(s), in(store.Cached(s, store.CacheConfig{})), nil
}
