package mandatetest

import (
	"crypto/rand"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// StoreToken puts a token that is what info says into st, under a grant of its own, and returns its text: what a guard with
// resource.Of takes, of a server with that store. Where info is silent it is as with [Tokens.Issue], and for no audience in particular.
func StoreToken(tb testing.TB, st store.Store, info mandate.TokenInfo) string {
	tb.Helper()
	info = complete(info, time.Hour)
	if info.GrantID == "" {
		info.GrantID = "test-" + rand.Text()
	}
	grant := store.Grant{
		ID: info.GrantID, Key: mandate.DigestOf(rand.Text()), ClientID: info.ClientID, Subject: info.Subject,
		Generation: 1, Created: info.IssuedAt, Advanced: info.IssuedAt, Details: store.Details{Scopes: info.Scopes},
	}
	if err := st.CreateGrant(tb.Context(), grant); err != nil {
		tb.Fatalf("mandatetest: create grant %s: %v", grant.ID, err)
	}
	raw := prefix + rand.Text()
	if err := st.PutToken(tb.Context(), mandate.DigestOf(raw), mandate.NewToken(info)); err != nil {
		tb.Fatalf("mandatetest: put token: %v", err)
	}
	return raw
}
