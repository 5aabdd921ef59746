package storetest

import (
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/store"
)

// durable checks that what a store acknowledged is there after it was opened again.
func durable(t *testing.T, k kit, reopen func(*testing.T, store.Store) store.Store) {
	t.Helper()
	ctx := t.Context()
	w, writes := k.Store.(store.ClientWriter)
	if writes {
		must(t, w.PutClient(ctx, &store.Client{ID: "c"}))
	}
	g, dead := k.moves(t, k.approve(t)), k.approve(t)
	live, lost := k.put(t, g), k.put(t, dead)
	must(t, k.RevokeGrant(ctx, dead.ID, store.ByReuse, k.at(0)))
	stone, once := digest(), digest()
	must(t, k.RevokeToken(ctx, stone, k.at(40*time.Minute)))
	must(t, k.UseOnce(ctx, "jti", once, k.at(0), k.at(40*time.Minute)))
	ticket, session := k.wait(t), k.signIn(t)
	c := store.Consent{Subject: "s", ClientID: "c", Scopes: "read"}
	must(t, k.PutConsent(ctx, c))
	must(t, k.PutSigningKeys(ctx, "keys", []byte("sealed"), 0))
	held := k.hold(t)
	must(t, k.LeaseRemoteToken(ctx, held.Key, 1, k.at(0), k.at(30*time.Minute)))

	k.Store = reopen(t, k.Store)
	if writes {
		_, err := k.Client(ctx, "c")
		must(t, err)
	}
	k.isGrant(t, g)
	k.isRevoked(t, dead.ID, store.ByReuse)
	k.live(t, live)
	_, err := k.Token(ctx, lost, k.at(0))
	verdict(t, "a token under the revoked grant", err, store.ErrRevoked)
	_, err = k.Token(ctx, stone, k.at(0))
	verdict(t, "the tombstone", err, store.ErrRevoked)
	verdict(t, "UseOnce", k.UseOnce(ctx, "jti", once, k.at(0), k.at(40*time.Minute)), store.ErrUsed)
	k.isTicket(t, ticket, k.at(0), nil)
	k.isSession(t, session, k.at(0), nil)
	verdict(t, "PutConsent", k.PutConsent(ctx, c), store.ErrConflict)
	k.hasKeys(t, "keys", []byte("sealed"), 1)
	k.isRemote(t, held)
	verdict(t, "a second lease", k.LeaseRemoteToken(ctx, held.Key, 1, k.at(0), k.at(time.Minute)), store.ErrConflict)
}
