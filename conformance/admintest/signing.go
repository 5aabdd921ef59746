package admintest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// sealedSecrets: what an HMAC needs is sealed from the first secret on, and a digest never becomes one.
func sealedSecrets(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	hashed, _ := w.machine(t, nil)
	_, err := w.Update(t.Context(), hashed, func(c *store.Client) error { c.Metadata.AuthMethod = "client_secret_jwt"; return nil })
	wantError(t, err, nil, `client "`+hashed+`" authenticates by client_secret_jwt and has a secret of the form "sha256", which nobody can read: it needs a new secret`)
	moved, err := w.Update(t.Context(), hashed, func(c *store.Client) error {
		c.Metadata.AuthMethod = "client_secret_jwt"
		_, kept := w.srv.NewSecretFor(c)
		c.Secrets = []store.Secret{kept}
		return nil
	})
	if err != nil || moved.Secrets[0].Form != store.Sealed {
		t.Fatalf("a new secret with the new method = %+v, %v", moved, err)
	}

	c, err := admin.NewClient(admin.Machine)
	if err != nil {
		t.Fatal(err)
	}
	c.Metadata.AuthMethod = "client_secret_jwt"
	c, first, err := w.Create(t.Context(), c)
	if err != nil || first == "" {
		t.Fatalf("Create = %q, %v", first, err)
	}
	second, c, err := w.RotateSecret(t.Context(), c.ID, time.Hour)
	if err != nil || len(c.Secrets) != 2 || len(second) < 64 {
		t.Fatalf("RotateSecret = %+v, %v", c, err)
	}
	for _, k := range c.Secrets {
		if k.Form != store.Sealed {
			t.Errorf("a secret is kept as %s", k.Form)
		}
	}

	changes, err := w.Apply(t.Context(), []admin.Spec{{ID: "spec", Kind: admin.Machine, Metadata: c.Metadata}})
	if err != nil || len(changes) != 1 || changes[0].Secret == "" {
		t.Fatalf("Apply = %+v, %v", changes, err)
	}
	if c, err = w.Client(t.Context(), "spec"); err != nil || c.Secrets[0].Form != store.Sealed {
		t.Errorf("a client of a file keeps %+v, %v", c, err)
	}
}

// signingClients: a client with a private key has no secret and is given none.
func signingClients(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.NewKeySet(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	c, err := admin.NewClient(admin.Machine)
	if err != nil {
		t.Fatal(err)
	}
	c.Metadata.AuthMethod, c.Metadata.JWKS = "private_key_jwt", keys
	c, secret, err := w.Create(t.Context(), c)
	if err != nil || secret != "" || len(c.Secrets) > 0 {
		t.Fatalf("Create = %+v, %q, %v, want no secret", c, secret, err)
	}
	_, _, err = w.RotateSecret(t.Context(), c.ID, 0)
	wantError(t, err, nil, `authenticates by private_key_jwt and has no secret: change its keys instead`)
	_, err = w.Update(t.Context(), c.ID, func(c *store.Client) error { c.Secrets = []store.Secret{server.ClearSecret("x")}; return nil })
	wantError(t, err, nil, `server.ClearSecret, which is for Config.Clients alone`)
	changes, err := w.Apply(t.Context(), []admin.Spec{{ID: "spec", Kind: admin.Machine, Metadata: c.Metadata}})
	if err != nil || len(changes) != 1 || changes[0].Secret != "" {
		t.Errorf("Apply = %+v, %v, want no secret", changes, err)
	}
}
