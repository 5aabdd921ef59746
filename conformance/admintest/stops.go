package admintest

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/store"
)

// deleteStopsLate: a delete that fails when the client is gone already ends what was made in between when it is done again.
func deleteStopsLate(t *testing.T, st store.Store) {
	r := newRacing(st)
	w := newWorld(t, r)
	id, _ := w.machine(t, nil)
	r.afterDelete = func() {
		if err := st.CreateGrant(t.Context(), store.Grant{ID: "late", ClientID: id, Subject: "ada", Created: now(), Expires: now().Add(time.Hour)}); err != nil {
			t.Error(err)
		}
		r.revokeFails = true
	}
	_, err := w.Delete(t.Context(), id)
	wantError(t, err, errDown, "revoke grants")
	r.revokeFails = false
	if ended, err := w.Delete(t.Context(), id); err != nil || ended != 1 {
		t.Errorf("Delete again = %d, %v, want the late grant ended", ended, err)
	}
	if g, err := st.Grant(t.Context(), "late"); err != nil || g.Revoked.IsZero() {
		t.Errorf("the late grant = %+v, %v, want it revoked", g, err)
	}
	_, err = w.Delete(t.Context(), id)
	wantError(t, err, store.ErrNotFound, `there is no client "`+id+`"`)
}

// applyStops: a secret that was made for a client is shown, also where what follows fails.
func applyStops(t *testing.T, st store.Store) {
	r := newRacing(st)
	r.revokeFails = true
	w := newWorld(t, r)
	done, err := w.Apply(t.Context(), specs(t, `{"clients": [{"id": "later", "kind": "machine", "disabled": true, "metadata": {}}]}`))
	wantError(t, err, errDown, "revoke grants")
	if len(done) != 1 || done[0].Action != admin.Created || done[0].Secret == "" {
		t.Fatalf("Apply = %+v, want what was done, and the secret that is nowhere else", done)
	}
	if err := w.Enable(t.Context(), "later"); err != nil {
		t.Fatal(err)
	}
	w.token(t, "later", done[0].Secret)
}

// disableBetween: a client that is disabled while it is served gets nothing that lives.
func disableBetween(t *testing.T, st store.Store) {
	for name, before := range map[string]bool{"its first token": false, "a token after a revocation": true} {
		t.Run(name, func(t *testing.T) {
			r := newRacing(st)
			w := newWorld(t, r)
			id, secret := w.machine(t, nil)
			if before {
				w.token(t, id, secret)
				if _, err := w.srv.RevokeGrants(t.Context(), store.GrantQuery{ClientID: id}, store.ByAdmin); err != nil {
					t.Fatal(err)
				}
			}
			r.beforeCreate = func() {
				if _, err := w.Disable(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
			status, body := w.post(t, "/token", id, secret, url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}})
			if r.beforeCreate != nil {
				t.Fatal("no grant was made")
			}
			if token := member(t, body, "access_token"); token != "" {
				w.guarded(t, token, http.StatusUnauthorized)
			}
			if status != http.StatusBadRequest || member(t, body, "error") != "invalid_grant" {
				t.Errorf("token = %d %s, want 400 invalid_grant", status, body)
			}
		})
	}
}

// answerLost: where a client was written and the answer was lost, the secret that was made for it is not.
func answerLost(t *testing.T, st store.Store) {
	r := newRacing(st)
	w := newWorld(t, r)
	r.answerLost = true
	id, secret := w.machine(t, nil)
	w.token(t, id, secret)
	r.answerLost = true
	rotated, _, err := w.RotateSecret(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.token(t, id, rotated)
	r.answerLost = true
	done, err := w.Apply(t.Context(), specs(t, `{"clients": [{"id": "later", "kind": "machine", "metadata": {}}]}`))
	if err != nil || len(done) != 1 || done[0].Action != admin.Created {
		t.Fatalf("Apply = %+v, %v, want it created", done, err)
	}
	w.token(t, "later", done[0].Secret)
}
