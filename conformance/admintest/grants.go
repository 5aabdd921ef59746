package admintest

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// grantPages: what a user and a client were allowed is found page by page, and ends by either.
func grantPages(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, secret := w.web(t)
	other, otherSecret := w.web(t)
	for range 5 {
		w.signIn(t, id, secret, "ada")
	}
	bob, _ := w.signIn(t, id, secret, "bob")
	elsewhere, _ := w.signIn(t, other, otherSecret, "ada")
	seen := map[string]bool{}
	for after := ""; ; {
		page, err := st.FindGrants(t.Context(), store.GrantQuery{Subject: "ada"}, store.Page{After: after, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, g := range page {
			if g.Subject != "ada" || seen[g.ID] {
				t.Errorf("grant %s of %s, seen %v", g.ID, g.Subject, seen[g.ID])
			}
			seen[g.ID] = true
		}
		after = page[len(page)-1].ID
	}
	if len(seen) != 6 {
		t.Errorf("%d grants of ada, want 6", len(seen))
	}
	if ended, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{Subject: "ada", ClientID: id}, store.ByAdmin); err != nil || len(ended) != 5 {
		t.Errorf("RevokeGrants = %d, %v, want 5", len(ended), err)
	}
	w.guarded(t, bob, http.StatusOK)
	w.guarded(t, elsewhere, http.StatusOK)
	if ended, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{}, store.ByAdmin); err != nil || len(ended) != 0 {
		t.Errorf("RevokeGrants of an empty query = %d, %v, want nothing", len(ended), err)
	}
	left, err := st.FindGrants(t.Context(), store.GrantQuery{Subject: "bob"}, store.Page{})
	if err != nil || len(left) != 1 {
		t.Fatalf("grants of bob = %v, %v", left, err)
	}
	if alive, err := w.srv.RevokeGrant(t.Context(), left[0].ID, store.ByAdmin); err != nil || !alive {
		t.Errorf("RevokeGrant = %v, %v, want that it was alive", alive, err)
	}
	w.guarded(t, bob, http.StatusUnauthorized)
	if alive, err := w.srv.RevokeGrant(t.Context(), left[0].ID, store.ByAdmin); err != nil || alive {
		t.Errorf("RevokeGrant again = %v, %v, want that it was not alive", alive, err)
	}
	w.told(t, mandate.GrantRevoked, 6)
	_, err = w.srv.RevokeGrant(t.Context(), "nothing", store.ByAdmin)
	wantError(t, err, store.ErrNotFound, "read grant")
	if err := st.CreateGrant(t.Context(), store.Grant{ID: "nothing", Created: now()}); err != nil {
		t.Errorf("revoking a grant that is not there left something: %v", err)
	}
}

func tokenRevoked(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	for _, format := range []string{"opaque", "jwt"} {
		id, secret := w.machine(t, func(c *store.Client) { c.Policy.TokenFormat = format })
		one, two := w.token(t, id, secret), w.token(t, id, secret)
		tok, err := w.srv.RevokeToken(t.Context(), one)
		if err != nil || tok.ClientID() != id {
			t.Fatalf("%s: RevokeToken = %v, %v", format, tok, err)
		}
		w.guarded(t, one, http.StatusUnauthorized)
		w.guarded(t, two, http.StatusOK)
	}
	w.told(t, mandate.TokenRevoked, 2)
	_, err := w.srv.RevokeToken(t.Context(), "mda_nothing")
	wantError(t, err, mandate.InvalidToken)
}

func people(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, secret := w.web(t)
	access, _ := w.signIn(t, id, secret, "ada")
	for i := range 2 {
		if err := st.PutConsent(t.Context(), store.Consent{Subject: "ada", ClientID: id, Scopes: "read", Updated: now()}); err != nil {
			t.Fatal(err)
		}
		if ended, err := w.ForgetConsent(t.Context(), "ada", id, i == 1); err != nil || ended != i {
			t.Fatalf("ForgetConsent = %d, %v, want %d grants", ended, err, i)
		}
		w.guarded(t, access, []int{http.StatusOK, http.StatusUnauthorized}[i])
		if list, err := st.FindConsents(t.Context(), "ada", store.Page{}); err != nil || len(list) != 0 {
			t.Fatalf("consents = %v, %v, want none", list, err)
		}
	}
}

// prune: all that is over goes, in more than one round.
func prune(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	at := now()
	for i := range 1200 {
		if err := st.UseOnce(t.Context(), "test", mandate.DigestOf(strconv.Itoa(i)), at.Add(-2*time.Hour), at.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.Prune(t.Context()); err != nil || n != 1200 {
		t.Errorf("Prune = %d, %v, want 1200", n, err)
	}
	if n, err := w.Prune(t.Context()); err != nil || n != 0 {
		t.Errorf("Prune again = %d, %v, want 0", n, err)
	}
}
