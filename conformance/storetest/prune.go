package storetest

import (
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// pruned prunes until nothing is left to prune, and returns how many records went.
func (k kit) pruned(t *testing.T, now time.Time) int {
	t.Helper()
	total := 0
	for range 100 {
		n, err := k.Prune(t.Context(), now, 1000)
		must(t, err)
		if n == 0 {
			return total
		}
		total += n
	}
	t.Fatal("Prune never comes to an end")
	return 0
}

// prune is about what must go and what must stay. Every case has a store of its own.
func prune() cases {
	const end, later = 10 * time.Minute, 20 * time.Minute
	return cases{
		"an empty store has nothing to prune": func(t *testing.T, k kit) {
			if n := k.pruned(t, k.at(later)); n != 0 {
				t.Errorf("Prune = %d, want 0", n)
			}
		},
		"up to limit records at a time, and says how many": func(t *testing.T, k kit) {
			for range 25 {
				must(t, k.PutToken(t.Context(), digest(), mandate.NewToken(mandate.TokenInfo{Expires: k.at(end)})))
				must(t, k.UseOnce(t.Context(), "jti", digest(), k.at(0), k.at(end)))
			}
			total := 0
			for range 50 {
				n, err := k.Prune(t.Context(), k.at(later), 7)
				must(t, err)
				if n > 7 {
					t.Fatalf("Prune = %d, want at most 7", n)
				}
				if total += n; n == 0 {
					break
				}
			}
			if total != 50 {
				t.Errorf("%d records went, want 50", total)
			}
		},
		"nothing goes at its end or earlier, used or not": func(t *testing.T, k kit) {
			ctx := t.Context()
			g := k.approval()
			g.Expires = k.at(end)
			spent := k.approval()
			spent.Expires, spent.Details.Ends = k.at(end), k.at(time.Hour)
			k.approve(t, g)
			k.approve(t, spent)
			r := k.redemption(spent)
			r.Expires, r.Token = k.at(end), nil
			_, err := k.Redeem(ctx, r)
			must(t, err)
			live, dead, stone := digest(), digest(), digest()
			tok := mandate.NewToken(mandate.TokenInfo{GrantID: g.ID, Expires: k.at(end)})
			must(t, k.PutToken(ctx, live, tok))
			must(t, k.PutToken(ctx, dead, tok))
			must(t, k.RevokeToken(ctx, dead, k.at(end)))
			must(t, k.RevokeToken(ctx, stone, k.at(end)))
			open, used := k.wait(t), k.wait(t)
			used.Used = k.at(time.Minute)
			must(t, k.UpdateTicket(ctx, used))
			used.Revision++
			once := digest()
			must(t, k.UseOnce(ctx, "jti", once, k.at(0), k.at(end)))
			c := store.Consent{Subject: name(), ClientID: name(), Expires: k.at(end)}
			must(t, k.PutConsent(ctx, c))
			s, over := k.signIn(t), k.signIn(t)
			s.Expires, over.Expires = k.at(end), k.at(end)
			must(t, k.TouchSession(ctx, s.Key, s.Expires))
			must(t, k.TouchSession(ctx, over.Key, over.Expires))
			over, err = k.EndSession(ctx, over.ID, k.at(time.Minute))
			must(t, err)
			held := store.RemoteToken{Key: name(), Expires: k.at(end)}
			must(t, k.PutRemoteToken(ctx, held))

			for _, now := range []time.Time{k.at(0), k.at(end - time.Millisecond), k.at(end)} {
				if n := k.pruned(t, now); n != 0 {
					t.Errorf("Prune = %d, want 0", n)
				}
			}
			k.isGrant(t, g)
			k.refused(t, "the spent code", k.redemption(spent), store.ErrUsed)
			k.live(t, live)
			for _, key := range []mandate.Digest{dead, stone} {
				_, err = k.Token(ctx, key, k.at(end-time.Millisecond))
				verdict(t, "a revoked token", err, store.ErrRevoked)
			}
			k.isTicket(t, open, k.at(0), nil)
			k.isTicket(t, used, k.at(0), store.ErrUsed)
			verdict(t, "UseOnce", k.UseOnce(ctx, "jti", once, k.at(0), k.at(end)), store.ErrUsed)
			_, err = k.Consent(ctx, c.Subject, c.ClientID)
			must(t, err)
			k.isSession(t, s, k.at(0), nil)
			k.isSession(t, over, k.at(0), store.ErrUsed)
			_, err = k.RemoteToken(ctx, held.Key)
			must(t, err)
		},
		"what never ends stays": func(t *testing.T, k kit) {
			ctx := t.Context()
			g := k.approval()
			g.Expires = time.Time{}
			k.approve(t, g)
			key, stone, once := digest(), digest(), digest()
			must(t, k.PutToken(ctx, key, mandate.NewToken(mandate.TokenInfo{GrantID: g.ID})))
			must(t, k.RevokeToken(ctx, stone, time.Time{}))
			must(t, k.UseOnce(ctx, "jti", once, k.at(0), time.Time{}))
			c := store.Consent{Subject: name(), ClientID: name()}
			must(t, k.PutConsent(ctx, c))
			w := k.ticket()
			w.Expires = time.Time{}
			must(t, k.PutTicket(ctx, w))
			must(t, k.PutRemoteToken(ctx, store.RemoteToken{Key: "r"}))
			must(t, k.PutSigningKeys(ctx, "keys", []byte("x"), 0))
			far := k.at(10 * 365 * 24 * time.Hour)
			if n := k.pruned(t, far); n != 0 {
				t.Errorf("Prune = %d, want 0", n)
			}
			_, err := k.Token(ctx, key, far)
			must(t, err)
			_, err = k.Token(ctx, stone, far)
			verdict(t, "the tombstone", err, store.ErrRevoked)
			verdict(t, "UseOnce", k.UseOnce(ctx, "jti", once, k.at(0), time.Time{}), store.ErrUsed)
			_, err = k.Consent(ctx, c.Subject, c.ClientID)
			must(t, err)
			_, err = k.Ticket(ctx, w.Kind, w.Key, far)
			must(t, err)
			_, err = k.RemoteToken(ctx, "r")
			must(t, err)
			k.hasKeys(t, "keys", []byte("x"), 1)
		},
		"what is over goes, and its keys are free again": func(t *testing.T, k kit) {
			ctx := t.Context()
			g := k.approval() // never redeemed
			g.Expires = k.at(end)
			k.approve(t, g)
			key, stone, once := digest(), digest(), digest()
			must(t, k.PutToken(ctx, key, mandate.NewToken(mandate.TokenInfo{Expires: k.at(end)})))
			must(t, k.RevokeToken(ctx, stone, k.at(end)))
			must(t, k.UseOnce(ctx, "jti", once, k.at(0), k.at(end)))
			w := k.wait(t)
			s := k.signIn(t)
			must(t, k.TouchSession(ctx, s.Key, k.at(end)))
			c := store.Consent{Subject: name(), ClientID: name(), Expires: k.at(end)}
			must(t, k.PutConsent(ctx, c))
			if n := k.pruned(t, k.at(end+time.Millisecond)); n != 7 {
				t.Errorf("Prune = %d, want all 7", n)
			}

			_, err := k.Grant(ctx, g.ID)
			verdict(t, "Grant", err, store.ErrNotFound)
			_, err = k.GrantByKey(ctx, g.Key)
			verdict(t, "GrantByKey", err, store.ErrNotFound)
			must(t, k.CreateGrant(ctx, g))
			for _, key := range []mandate.Digest{key, stone} {
				_, err = k.Token(ctx, key, k.at(0))
				verdict(t, "Token", err, store.ErrNotFound)
				must(t, k.PutToken(ctx, key, mandate.NewToken(mandate.TokenInfo{})))
			}
			must(t, k.UseOnce(ctx, "jti", once, k.at(0), k.at(later)))
			for _, key := range []mandate.Digest{w.Key, w.AltKey} {
				_, err = k.Ticket(ctx, w.Kind, key, k.at(0))
				verdict(t, "Ticket", err, store.ErrNotFound)
			}
			verdict(t, "UpdateTicket", k.UpdateTicket(ctx, w), store.ErrNotFound)
			must(t, k.PutTicket(ctx, w))
			_, err = k.SessionByID(ctx, s.ID, k.at(0))
			verdict(t, "SessionByID", err, store.ErrNotFound)
			must(t, k.PutSession(ctx, s))
			_, err = k.Consent(ctx, c.Subject, c.ClientID)
			verdict(t, "Consent", err, store.ErrNotFound)
			must(t, k.PutConsent(ctx, c))
		},
		"an end that has moved is the one that counts": func(t *testing.T, k kit) {
			ctx := t.Context()
			g := k.approval()
			g.Expires = k.at(end)
			k.approve(t, g)
			r := k.redemption(g)
			r.Expires = k.at(later)
			_, err := k.Redeem(ctx, r)
			must(t, err)
			w := k.wait(t)
			w.Expires = k.at(later)
			must(t, k.UpdateTicket(ctx, w))
			s := k.signIn(t)
			must(t, k.TouchSession(ctx, s.Key, k.at(end)))
			must(t, k.TouchSession(ctx, s.Key, k.at(later)))
			c := store.Consent{Subject: name(), ClientID: name(), Expires: k.at(end)}
			must(t, k.PutConsent(ctx, c))
			c.Revision, c.Expires = 1, k.at(later)
			must(t, k.PutConsent(ctx, c))
			if n := k.pruned(t, k.at(end+time.Second)); n != 0 {
				t.Errorf("Prune at the old end = %d, want 0", n)
			}
			r = k.redemption(g)
			r.From, r.Now, r.Expires, r.Token = 1, k.at(end+time.Second), k.at(15*time.Minute), nil
			_, err = k.Redeem(ctx, r) // nearer again
			must(t, err)
			if n := k.pruned(t, k.at(15*time.Minute+time.Second)); n != 1 {
				t.Errorf("Prune at the nearer end = %d, want the grant alone", n)
			}
			_, err = k.Session(ctx, s.Key, k.at(0))
			must(t, err)
			k.pruned(t, k.at(later+time.Second))
			_, err = k.Session(ctx, s.Key, k.at(0))
			verdict(t, "Session", err, store.ErrNotFound)
			_, err = k.Consent(ctx, c.Subject, c.ClientID)
			verdict(t, "Consent", err, store.ErrNotFound)
			_, err = k.Ticket(ctx, w.Kind, w.AltKey, k.at(0))
			verdict(t, "Ticket", err, store.ErrNotFound)
		},
		"a grant pruned before its tokens does not revive them": func(t *testing.T, k kit) {
			ctx := t.Context()
			g := k.approval()
			g.Expires = k.at(end)
			k.approve(t, g)
			key := digest()
			must(t, k.PutToken(ctx, key, mandate.NewToken(mandate.TokenInfo{GrantID: g.ID, Expires: k.at(later)})))
			k.pruned(t, k.at(end+time.Second))
			_, err := k.Token(ctx, key, k.at(end+time.Second))
			verdict(t, "Token", err, store.ErrRevoked)
			verdict(t, "PutToken", k.PutToken(ctx, digest(), k.token(g)), store.ErrRevoked)
			_, err = k.Redeem(ctx, k.redemption(g))
			verdict(t, "Redeem", err, store.ErrNotFound)
		},
		"a revoked grant takes its tokens along, pruned or not": func(t *testing.T, k kit) {
			ctx := t.Context()
			g := k.approval()
			g.Expires = k.at(end)
			k.approve(t, g)
			key := k.put(t, g)
			must(t, k.RevokeGrant(ctx, g.ID, store.ByReuse, k.at(0)))
			for _, d := range []time.Duration{time.Minute, end + time.Second} {
				k.pruned(t, k.at(d))
				_, err := k.Token(ctx, key, k.at(d))
				verdict(t, "Token", err, store.ErrRevoked)
			}
		},
		"a revocation that ends before the token does not revive it": func(t *testing.T, k kit) {
			ctx := t.Context()
			key := k.put(t, k.approve(t))
			must(t, k.RevokeToken(ctx, key, k.at(end)))
			must(t, k.RevokeToken(ctx, key, k.at(time.Minute)))
			k.pruned(t, k.at(later))
			if _, err := k.Token(ctx, key, k.at(later)); !isVerdict(err) {
				t.Errorf("Token: error = %v, want the token dead", err)
			}
		},
		"a tombstone lasts until the latest end that was named": func(t *testing.T, k kit) {
			ctx, key := t.Context(), digest()
			for _, d := range []time.Duration{end, later, end} {
				must(t, k.RevokeToken(ctx, key, k.at(d)))
			}
			token := k.put(t, k.approve(t))
			must(t, k.RevokeToken(ctx, token, k.at(40*time.Minute)))
			k.pruned(t, k.at(later))
			_, err := k.Token(ctx, key, k.at(later))
			verdict(t, "Token", err, store.ErrRevoked)
			k.pruned(t, k.at(35*time.Minute)) // after the token's own end
			verdict(t, "PutToken", k.PutToken(ctx, token, k.token(k.approve(t))), store.ErrExists, store.ErrRevoked)
		},
	}
}
