package admintest

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func signingKeys(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	if keys, err := w.srv.SigningKeys(t.Context()); err != nil || len(keys) != 0 {
		t.Fatalf("before the first token there are %v, %v: a list makes none", keys, err)
	}
	id, secret := w.machine(t, signedTokens)
	old := w.token(t, id, secret)
	keys, err := w.srv.SigningKeys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].State != jose.Signing || keys[0].Alg != jose.ES256 || keys[0].ID == "" {
		t.Fatalf("SigningKeys = %+v, %v, want one that signs", keys, err)
	}
	for range 2 { // the second time there is a new one already
		if err := w.srv.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	keys, err = w.srv.SigningKeys(t.Context())
	if err != nil || len(keys) != 2 || keys[0].State != jose.Signing || keys[1].State != jose.Published {
		t.Fatalf("SigningKeys after a rotation = %+v, %v, want one that signs and one that is published", keys, err)
	}
	if !keys[1].Signs.Equal(keys[0].Ends) || !keys[0].Gone.After(keys[0].Ends) || time.Until(keys[1].Signs) < 9*time.Minute {
		t.Errorf("the times of the keys = %+v", keys)
	}
	w.guarded(t, old, http.StatusOK)
}

// signedTokens gives a client JWTs.
func signedTokens(c *store.Client) { c.Policy.TokenFormat = string(server.JWT) }

// roots returns a secret whose roots are made of letters.
func roots(t *testing.T, letters ...string) mandate.Secret {
	t.Helper()
	list := make([][]byte, len(letters))
	for i, l := range letters {
		list[i] = bytes.Repeat([]byte(l), 32)
	}
	s, err := mandate.NewSecret(list...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sealed returns what a store keeps of a secret that a protocol needs back, under the first root of s.
func sealed(s mandate.Secret, id, secret string) store.Secret {
	return store.Secret{ID: "sealed", Form: store.Sealed, Value: s.Sealer("at rest", issuer).Seal([]byte(secret), []byte(id), now())}
}

// withSealed registers a client whose secret is sealed under the first root of s.
func (w *world) withSealed(t *testing.T, s mandate.Secret, id, secret string) {
	t.Helper()
	w.machine(t, func(c *store.Client) { c.ID, c.Secrets = id, []store.Secret{sealed(s, id, secret)} })
}

// rewrap: a server starts with [old], goes on with [new, old], is rewrapped, and with [new] alone everything is as before.
func rewrap(t *testing.T, st store.Store) {
	before := newWorld(t, st, roots(t, "o"))
	for _, id := range []string{"one", "two", "three"} {
		before.withSealed(t, roots(t, "o"), id, "secret of "+id)
	}
	for i := range 120 { // more than a page
		before.withSealed(t, roots(t, "o"), "many-"+strconv.Itoa(i), "secret")
	}
	signer, signerSecret := before.machine(t, signedTokens)
	jwt := before.token(t, signer, signerSecret)
	opaque := before.token(t, "one", "secret of one")
	kid, err := before.srv.SigningKeys(t.Context())
	if err != nil || len(kid) != 1 {
		t.Fatalf("SigningKeys = %v, %v", kid, err)
	}

	both := newWorld(t, st, roots(t, "n", "o"))
	both.withSealed(t, roots(t, "n"), "four", "secret of four") // made after the rotation: nothing to rewrite
	done, err := both.srv.Rewrap(t.Context())
	if want := (server.Rewrapped{Keys: 1, Clients: 123}); err != nil || done != want {
		t.Fatalf("Rewrap = %+v, %v, want %+v", done, err, want)
	}
	if done, err := both.srv.Rewrap(t.Context()); err != nil || done != (server.Rewrapped{}) {
		t.Errorf("Rewrap again = %+v, %v, want nothing to do", done, err)
	}

	after := newWorld(t, st, roots(t, "n"))
	for _, w := range []*world{both, after} {
		w.guarded(t, jwt, http.StatusOK)
		w.guarded(t, opaque, http.StatusOK)
		for _, id := range []string{"one", "two", "three", "four"} {
			w.token(t, id, "secret of "+id)
			w.refused(t, id, "secret of another")
		}
		keys, err := w.srv.SigningKeys(t.Context())
		if err != nil || len(keys) != 1 || keys[0].ID != kid[0].ID {
			t.Errorf("SigningKeys = %+v, %v, want the one of before", keys, err)
		}
		if done, err := w.srv.Rewrap(t.Context()); err != nil || done != (server.Rewrapped{}) {
			t.Errorf("Rewrap = %+v, %v, want nothing to do", done, err)
		}
	}
	// A process that has not heard of the new root yet cannot read any more: that is why it comes first everywhere.
	behind := newWorld(t, st, roots(t, "o"))
	_, err = behind.srv.SigningKeys(t.Context())
	wantError(t, err, mandate.ErrSealed, "is Config.Secret the one that they were made under?")
	behind.refused(t, "one", "secret of one")
}

// rewrapTooLate: what cannot be opened is named, and the rest is rewritten.
func rewrapTooLate(t *testing.T, st store.Store) {
	w := newWorld(t, st, roots(t, "n", "o"))
	w.withSealed(t, roots(t, "x"), "lost", "secret of lost")
	w.withSealed(t, roots(t, "o"), "safe", "secret of safe")
	over := sealed(roots(t, "x"), "over", "secret of over")
	over.Expires = now().Add(-time.Hour)
	w.machine(t, func(c *store.Client) { c.ID, c.Secrets = "over", []store.Secret{over} })
	for range 2 {
		done, err := w.srv.Rewrap(t.Context())
		wantError(t, err, mandate.ErrSealed, `client "lost", secret "sealed"`, "is the root that it was sealed under among those of Config.Secret?")
		if done.Clients > 1 {
			t.Errorf("Rewrap = %+v, want the one that can be", done)
		}
	}
	newWorld(t, st, roots(t, "n")).token(t, "safe", "secret of safe")

	if err := st.PutSigningKeys(t.Context(), issuer, []byte("what nobody sealed, and too long for a nonce"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := w.srv.Rewrap(t.Context())
	wantError(t, err, mandate.ErrSealed, "signing keys of "+issuer)
}

// rewrapBeside: a client that changes meanwhile keeps the change, and one that goes meanwhile stays away.
func rewrapBeside(t *testing.T, st store.Store) {
	w := newWorld(t, st, roots(t, "o"))
	w.withSealed(t, roots(t, "o"), "busy", "secret of busy")
	r := newRacing(st)
	r.beforePut = func() {
		if _, err := w.Update(t.Context(), "busy", func(c *store.Client) error { c.Metadata.Name = "Busy"; return nil }); err != nil {
			t.Error(err)
		}
	}
	both := newWorld(t, r, roots(t, "n", "o"))
	if done, err := both.srv.Rewrap(t.Context()); err != nil || done.Clients != 1 {
		t.Fatalf("Rewrap = %+v, %v, want one client", done, err)
	}
	c, err := st.Client(t.Context(), "busy")
	if err != nil || c.Metadata.Name != "Busy" {
		t.Errorf("busy = %+v, %v, want the name that somebody gave it meanwhile", c, err)
	}
	newWorld(t, st, roots(t, "n")).token(t, "busy", "secret of busy")

	w.withSealed(t, roots(t, "o"), "gone", "secret of gone")
	r.beforePut = func() {
		if _, err := w.Delete(t.Context(), "gone"); err != nil {
			t.Error(err)
		}
	}
	if done, err := both.srv.Rewrap(t.Context()); err != nil || done.Clients != 0 {
		t.Errorf("Rewrap = %+v, %v, want nothing rewritten", done, err)
	}
	_, err = w.Client(t.Context(), "gone")
	wantError(t, err, store.ErrNotFound, `there is no client "gone"`)
}
