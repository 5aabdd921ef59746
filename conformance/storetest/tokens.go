package storetest

import (
	"context"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// put stores a token under g and returns its key.
func (k kit) put(t *testing.T, g store.Grant) mandate.Digest {
	t.Helper()
	key := digest()
	must(t, k.PutToken(t.Context(), key, k.token(g)))
	return key
}

func tokens() cases {
	return cases{
		"all that is known of a token comes back": func(t *testing.T, k kit) {
			var info mandate.TokenInfo
			k.fill(t, &info)
			info.GrantID = k.approve(t).ID
			info.Claims = `{"roles": ["a b", "ü"], "n": 1.50}`
			key := digest()
			must(t, k.PutToken(t.Context(), key, mandate.NewToken(info)))
			got, err := k.Token(t.Context(), key, k.at(0))
			must(t, err)
			same(t, "the token", got.Info(), info)
		},
		"what is empty stays empty, and a token without a grant needs none": func(t *testing.T, k kit) {
			key := digest()
			must(t, k.PutToken(t.Context(), key, mandate.NewToken(mandate.TokenInfo{ClientID: "c"})))
			got, err := k.Token(t.Context(), key, k.at(49*time.Minute))
			must(t, err)
			same(t, "the token", got.Info(), mandate.TokenInfo{ClientID: "c"})
		},
		"a token that nobody put is ErrNotFound": func(t *testing.T, k kit) {
			_, err := k.Token(t.Context(), digest(), k.at(0))
			verdict(t, "Token", err, store.ErrNotFound)
			_, err = k.Token(t.Context(), mandate.Digest{}, k.at(0))
			verdict(t, "Token of no digest", err, store.ErrNotFound)
		},
		"a taken key is ErrExists": func(t *testing.T, k kit) {
			g := k.approve(t)
			key := k.put(t, g)
			other := mandate.NewToken(mandate.TokenInfo{GrantID: g.ID, Scopes: "admin"})
			verdict(t, "PutToken", k.PutToken(t.Context(), key, other), store.ErrExists)
			got, err := k.Token(t.Context(), key, k.at(0))
			must(t, err)
			if got.Scopes() != "read write" {
				t.Errorf("Scopes = %q, want those of the first token", got.Scopes())
			}
		},
		"a token is over at its end, and not a millisecond earlier": func(t *testing.T, k kit) {
			key := k.put(t, k.approve(t))
			_, err := k.Token(t.Context(), key, k.at(30*time.Minute-time.Millisecond))
			must(t, err)
			for _, d := range []time.Duration{0, time.Millisecond, time.Minute} {
				_, err = k.Token(t.Context(), key, k.at(30*time.Minute+d))
				verdict(t, "Token", err, store.ErrExpired)
			}
		},
		"under a grant that is gone or never was it is ErrRevoked": func(t *testing.T, k kit) {
			key := digest()
			verdict(t, "PutToken", k.PutToken(t.Context(), key, k.token(k.approval())), store.ErrRevoked)
			if _, err := k.Token(t.Context(), key, k.at(0)); err == nil {
				t.Error("the token is live")
			}
		},
		"a token inserted after its grant was revoked is refused": func(t *testing.T, k kit) {
			g, key := k.approve(t), digest()
			must(t, k.RevokeGrant(t.Context(), g.ID, store.ByReuse, k.at(0)))
			verdict(t, "PutToken", k.PutToken(t.Context(), key, k.token(g)), store.ErrRevoked)
			if _, err := k.Token(t.Context(), key, k.at(0)); err == nil {
				t.Error("the token is live")
			}
		},
		"whoever revokes the grant ends every token under it": func(t *testing.T, k kit) {
			one, many, spared := k.approve(t), k.approve(t), k.approve(t)
			var dead []mandate.Digest
			for range 5 {
				dead = append(dead, k.put(t, one), k.put(t, many))
			}
			alive := k.put(t, spared)
			must(t, k.RevokeGrant(t.Context(), one.ID, store.ByClient, k.at(0)))
			_, err := k.RevokeGrants(t.Context(), store.GrantQuery{Subject: many.Subject}, store.ByClient, k.at(0))
			must(t, err)
			for _, key := range dead {
				_, err := k.Token(t.Context(), key, k.at(0))
				verdict(t, "Token", err, store.ErrRevoked)
			}
			k.live(t, alive)
		},
		"RevokeToken ends one token, and is idempotent": func(t *testing.T, k kit) {
			g := k.approve(t)
			key, sister := k.put(t, g), k.put(t, g)
			for range 2 {
				must(t, k.RevokeToken(t.Context(), key, k.at(30*time.Minute)))
				_, err := k.Token(t.Context(), key, k.at(0))
				verdict(t, "Token", err, store.ErrRevoked)
			}
			k.live(t, sister)
			k.isGrant(t, g)
		},
		"a revoked token stays so, whatever end the revocation names": func(t *testing.T, k kit) {
			g := k.approve(t)
			for _, d := range []time.Duration{-time.Minute, time.Minute, 45 * time.Minute} {
				key := k.put(t, g)
				must(t, k.RevokeToken(t.Context(), key, k.at(d)))
				if _, err := k.Token(t.Context(), key, k.at(20*time.Minute)); err == nil {
					t.Errorf("the token is live after a revocation until %v", d)
				}
			}
		},
		"a cancelled context is an outage and no verdict": func(t *testing.T, k kit) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			g := k.approve(t)
			key := k.put(t, g)
			if _, err := k.Token(ctx, key, k.at(0)); isVerdict(err) {
				t.Errorf("Token: error = %v, want none, or one that is no verdict", err)
			}
			if err := k.PutToken(ctx, digest(), k.token(g)); isVerdict(err) {
				t.Errorf("PutToken: error = %v, want none, or one that is no verdict", err)
			}
			err := k.RevokeToken(ctx, key, k.at(30*time.Minute))
			if isVerdict(err) {
				t.Errorf("RevokeToken: error = %v, want none, or one that is no verdict", err)
			}
			if err != nil { // the caller's next attempt
				must(t, k.RevokeToken(t.Context(), key, k.at(30*time.Minute)))
			}
			_, err = k.Token(t.Context(), key, k.at(0))
			verdict(t, "Token after RevokeToken", err, store.ErrRevoked)
		},
		"what is revoked and not stored is remembered": func(t *testing.T, k kit) {
			key := digest()
			for range 2 {
				must(t, k.RevokeToken(t.Context(), key, k.at(30*time.Minute)))
			}
			_, err := k.Token(t.Context(), key, k.at(29*time.Minute))
			verdict(t, "Token", err, store.ErrRevoked)
			verdict(t, "PutToken", k.PutToken(t.Context(), key, k.token(k.approve(t))), store.ErrExists, store.ErrRevoked)
			_, err = k.Token(t.Context(), key, k.at(29*time.Minute))
			verdict(t, "Token after the attempt", err, store.ErrRevoked)
		},
	}
}
