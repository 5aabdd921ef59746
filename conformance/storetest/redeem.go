package storetest

import (
	"context"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// token returns a token under g.
func (k kit) token(g store.Grant) *mandate.Token {
	return mandate.NewToken(mandate.TokenInfo{
		GrantID: g.ID, Subject: g.Subject, ClientID: g.ClientID, Scopes: g.Details.Scopes, IssuedAt: k.at(0), Expires: k.at(30 * time.Minute),
	})
}

// redemption returns what spends the generation that g has, a minute after the beginning, with a token of its own.
func (k kit) redemption(g store.Grant) store.Redemption {
	return store.Redemption{
		GrantID: g.ID, From: g.Generation, Now: k.at(time.Minute), Expires: k.at(35 * time.Minute), KeyID: "k2",
		Key: digest(), Token: k.token(g),
	}
}

// moves spends the generation that g has and returns the grant as it then must be.
func (k kit) moves(t *testing.T, g store.Grant) store.Grant {
	t.Helper()
	r := k.redemption(g)
	keyID, err := k.Redeem(t.Context(), r)
	must(t, err)
	if keyID != r.KeyID {
		t.Errorf("Redeem = key id %q, want %q", keyID, r.KeyID)
	}
	g.Generation++
	g.Advanced, g.Expires, g.KeyID = r.Now, r.Expires, r.KeyID
	return g
}

// refused checks that r is answered with want and changes nothing.
func (k kit) refused(t *testing.T, what string, r store.Redemption, want error) {
	t.Helper()
	before, missing := k.Grant(t.Context(), r.GrantID)
	keyID, err := k.Redeem(t.Context(), r)
	verdict(t, what, err, want)
	if err != nil && keyID != "" {
		t.Errorf("%s: key id = %q, want none beside an error", what, keyID)
	}
	if missing == nil {
		k.isGrant(t, before)
	}
	_, err = k.Token(t.Context(), r.Key, r.Now)
	verdict(t, "the token of a refused redemption", err, store.ErrNotFound)
}

// live checks that there is a live token under key.
func (k kit) live(t *testing.T, key mandate.Digest) {
	t.Helper()
	if _, err := k.Token(t.Context(), key, k.at(time.Minute)); err != nil {
		t.Errorf("the token: %v", err)
	}
}

func redeem() cases {
	return cases{
		"it moves the generation and puts the token": func(t *testing.T, k kit) {
			g := k.approve(t)
			r := k.redemption(g)
			keyID, err := k.Redeem(t.Context(), r)
			must(t, err)
			if keyID != "k2" {
				t.Errorf("Redeem = key id %q, want that of this call", keyID)
			}
			g.Generation, g.Advanced, g.Expires, g.KeyID = 1, r.Now, r.Expires, "k2"
			k.isGrant(t, g)
			got, err := k.GrantByKey(t.Context(), g.Key)
			must(t, err)
			same(t, "the grant by its key", got, g)
			tok, err := k.Token(t.Context(), r.Key, r.Now)
			must(t, err)
			same(t, "the token", tok.Info(), r.Token.Info())
		},
		"what the grant carries stays, its absolute end among it": func(t *testing.T, k kit) {
			var g store.Grant
			k.fill(t, &g)
			g.ID, g.Generation, g.Revoked, g.Reason = name(), 7, time.Time{}, ""
			g = k.approve(t, g)
			for range 3 {
				g = k.moves(t, g)
				k.isGrant(t, g)
			}
		},
		"without a token none is put": func(t *testing.T, k kit) {
			r := k.redemption(k.approve(t))
			r.Token = nil
			_, err := k.Redeem(t.Context(), r)
			must(t, err)
			_, err = k.Token(t.Context(), r.Key, r.Now)
			verdict(t, "Token", err, store.ErrNotFound)
		},
		"a zero end means that the grant never ends": func(t *testing.T, k kit) {
			r := k.redemption(k.approve(t))
			r.Expires = time.Time{}
			_, err := k.Redeem(t.Context(), r)
			must(t, err)
			got, err := k.Grant(t.Context(), r.GrantID)
			must(t, err)
			if !got.Expires.IsZero() {
				t.Errorf("Expires = %v, want none", got.Expires)
			}
			r.From, r.Key, r.Now = 1, digest(), k.at(49*time.Minute)
			_, err = k.Redeem(t.Context(), r)
			must(t, err)
		},
		"a grant that nobody made is ErrNotFound": func(t *testing.T, k kit) {
			k.refused(t, "Redeem", k.redemption(k.approval()), store.ErrNotFound)
		},
		"a code is single use (RFC 6749, section 4.1.2)": func(t *testing.T, k kit) {
			g := k.approve(t)
			k.moves(t, g)
			k.refused(t, "the second time", k.redemption(g), store.ErrUsed)
		},
		"any other generation is ErrUsed": func(t *testing.T, k kit) {
			g := k.approve(t)
			for range 3 {
				g = k.moves(t, g)
			}
			for _, from := range []int64{0, 1, 2, 4, 5, -1} {
				r := k.redemption(g)
				r.From = from
				k.refused(t, "a wrong generation", r, store.ErrUsed)
			}
			k.moves(t, g)
		},
		"a revoked grant is ErrRevoked": func(t *testing.T, k kit) {
			g := k.approve(t)
			must(t, k.RevokeGrant(t.Context(), g.ID, store.BySubject, k.at(0)))
			k.refused(t, "Redeem", k.redemption(g), store.ErrRevoked)
		},
		"a grant is over at its end, and not a millisecond earlier": func(t *testing.T, k kit) {
			g := k.approve(t)
			r := k.redemption(g)
			r.Now = g.Expires
			k.refused(t, "at the end", r, store.ErrExpired)
			r.Now = g.Expires.Add(-time.Millisecond)
			_, err := k.Redeem(t.Context(), r)
			must(t, err)
		},
		"used comes before revoked, revoked before expired": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			must(t, k.RevokeGrant(t.Context(), g.ID, store.ByAdmin, k.at(time.Minute)))
			late := k.redemption(g)
			late.Now = g.Expires.Add(time.Millisecond)
			k.refused(t, "revoked and expired", late, store.ErrRevoked)
			late.From = 0
			k.refused(t, "used, revoked and expired", late, store.ErrUsed)

			g = k.moves(t, k.approve(t))
			late = k.redemption(g)
			late.From, late.Now = 0, g.Expires.Add(time.Millisecond)
			k.refused(t, "used and expired", late, store.ErrUsed)
		},
		"the token dies with the grant": func(t *testing.T, k kit) {
			g := k.approve(t)
			r := k.redemption(g)
			_, err := k.Redeem(t.Context(), r)
			must(t, err)
			k.live(t, r.Key)
			must(t, k.RevokeGrant(t.Context(), g.ID, store.ByReuse, k.at(time.Minute)))
			_, err = k.Token(t.Context(), r.Key, r.Now)
			verdict(t, "Token", err, store.ErrRevoked)
		},
		"it revokes nothing by itself": func(t *testing.T, k kit) {
			g := k.approve(t)
			r := k.redemption(g)
			_, err := k.Redeem(t.Context(), r)
			must(t, err)
			k.refused(t, "a replay", k.redemption(g), store.ErrUsed)
			k.live(t, r.Key)
		},
		"a cancelled context is an outage and no verdict": func(t *testing.T, k kit) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			g := k.approve(t)
			if _, err := k.Redeem(ctx, k.redemption(g)); isVerdict(err) {
				t.Errorf("Redeem: error = %v, want none, or one that is no verdict", err)
			} else if err != nil {
				k.isGrant(t, g)
				k.moves(t, g)
			}
		},
		"with Keep only the end moves, and any number of calls may do so": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			for i := range 3 {
				r := k.redemption(g)
				r.Keep, r.KeyID, r.Now = true, "k3", k.at(time.Duration(i+2)*time.Minute)
				r.Expires = k.at(time.Duration(36+i) * time.Minute)
				keyID, err := k.Redeem(t.Context(), r)
				must(t, err)
				if keyID != g.KeyID {
					t.Errorf("Redeem = key id %q, want the stored %q", keyID, g.KeyID)
				}
				g.Expires = r.Expires
				k.isGrant(t, g)
				k.live(t, r.Key)
			}
			k.moves(t, g)
		},
		"with Keep to the end that it has": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			for range 2 {
				r := k.redemption(g)
				r.Keep, r.Expires = true, g.Expires
				_, err := k.Redeem(t.Context(), r)
				must(t, err)
				k.isGrant(t, g)
				k.live(t, r.Key)
			}
		},
		"with Keep the condition is the same": func(t *testing.T, k kit) {
			g := k.moves(t, k.moves(t, k.approve(t)))
			r := k.redemption(g)
			r.Keep, r.From = true, 0
			k.refused(t, "an old generation", r, store.ErrUsed)
			r.From, r.Now = g.Generation, g.Expires
			k.refused(t, "after the end", r, store.ErrExpired)
			must(t, k.RevokeGrant(t.Context(), g.ID, store.ByClient, k.at(time.Minute)))
			r.Now = k.at(time.Minute)
			k.refused(t, "after a revocation", r, store.ErrRevoked)
		},
	}
}

// repeat is about answers that were lost: the grace.
func repeat() cases {
	const grace = 30 * time.Second
	// repeated returns what asks once more for the generation before the grant's, d after it was spent.
	repeated := func(k kit, g store.Grant, d time.Duration) store.Redemption {
		r := k.redemption(g)
		r.From, r.Now, r.Grace, r.KeyID = g.Generation-1, g.Advanced.Add(d), grace, "k9"
		return r
	}
	// answered checks that r is answered as the first call was, with a token more and nothing else changed.
	answered := func(t *testing.T, k kit, g store.Grant, r store.Redemption) {
		t.Helper()
		keyID, err := k.Redeem(t.Context(), r)
		must(t, err)
		if keyID != g.KeyID {
			t.Errorf("Redeem = key id %q, want the stored %q", keyID, g.KeyID)
		}
		k.isGrant(t, g)
		k.live(t, r.Key)
	}
	return cases{
		"a repeat within the grace puts its token and changes nothing else": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			for _, d := range []time.Duration{0, time.Second, grace} {
				answered(t, k, g, repeated(k, g, d))
			}
		},
		"without a token it puts none": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			r := repeated(k, g, time.Second)
			r.Token = nil
			keyID, err := k.Redeem(t.Context(), r)
			must(t, err)
			if keyID != "k2" {
				t.Errorf("Redeem = key id %q, want the stored one", keyID)
			}
			k.isGrant(t, g)
		},
		"after the grace it is ErrUsed": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			k.refused(t, "Redeem", repeated(k, g, grace+time.Millisecond), store.ErrUsed)
		},
		"the grace does not slide": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			answered(t, k, g, repeated(k, g, 20*time.Second))
			answered(t, k, g, repeated(k, g, 29*time.Second))
			k.refused(t, "Redeem", repeated(k, g, 40*time.Second), store.ErrUsed)
		},
		"nothing forks: the successor is spent once": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			answered(t, k, g, repeated(k, g, time.Second))
			g = k.moves(t, g)
			r := k.redemption(g)
			r.From = 1
			k.refused(t, "the successor once more", r, store.ErrUsed)
		},
		"only the generation before is repeated": func(t *testing.T, k kit) {
			g := k.moves(t, k.moves(t, k.approve(t)))
			r := repeated(k, g, 0)
			r.From = 0
			k.refused(t, "the one before that", r, store.ErrUsed)
			answered(t, k, g, repeated(k, g, 0))
		},
		"there is none without a grace": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			r := repeated(k, g, 0)
			r.Grace = 0
			k.refused(t, "a code", r, store.ErrUsed)
		},
		"there is none under a dead grant": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			r := k.redemption(g)
			r.Expires = r.Now.Add(10 * time.Second)
			_, err := k.Redeem(t.Context(), r)
			must(t, err)
			g.Generation, g.Advanced, g.Expires = 2, r.Now, r.Expires
			k.refused(t, "after the end", repeated(k, g, 10*time.Second), store.ErrExpired)
			must(t, k.RevokeGrant(t.Context(), g.ID, store.ByReuse, r.Now))
			k.refused(t, "after a revocation", repeated(k, g, time.Second), store.ErrRevoked)
		},
		"with Keep a repeat is a repeat": func(t *testing.T, k kit) {
			g := k.moves(t, k.approve(t))
			r := repeated(k, g, time.Second)
			r.Keep, r.Expires = true, k.at(37*time.Minute)
			answered(t, k, g, r)
		},
	}
}
