package admintest

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/admin"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

func register(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, secret := w.machine(t, nil)
	w.guarded(t, w.token(t, id, secret), http.StatusOK)
	w.refused(t, id, "another")
	for _, kind := range []admin.Kind{admin.Confidential, admin.Public, admin.Native, admin.Machine} {
		c, err := admin.NewClient(kind)
		if err != nil {
			t.Fatal(err)
		}
		if kind != admin.Machine {
			c.Metadata.RedirectURIs = []string{"http://127.0.0.1/callback"}
		}
		made, secret, err := w.Create(t.Context(), c)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		have, err := w.Client(t.Context(), made.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := admin.KindOf(have); got != kind || have.Created.IsZero() || have.Revision != 1 {
			t.Errorf("%s is stored as %s: %+v", kind, got, have)
		}
		if needs := kind == admin.Confidential || kind == admin.Machine; (secret != "") != needs || (len(have.Secrets) == 1) != needs {
			t.Errorf("%s has the secret %q and keeps %d", kind, secret, len(have.Secrets))
		}
	}
	_, err := admin.NewClient("confidental")
	wantError(t, err, nil, `kind "confidental" is none of confidential, public, native, machine`)

	for name, tc := range map[string]struct {
		change func(c *store.Client)
		target error
		says   string
	}{
		"an id that is taken":                        {func(c *store.Client) { c.ID = id }, store.ErrExists, `client "` + id + `" is there already: update it, or choose another id`},
		"an id of the configuration":                 {func(c *store.Client) { c.ID = "fixed" }, nil, `client "fixed" is in server.Config.Clients: change it there`},
		"an id with a space":                         {func(c *store.Client) { c.ID = "a b" }, nil, `client id "a b" must be 1 to 512 visible ASCII characters`},
		"a grant type that the server does not know": {func(c *store.Client) { c.Metadata.GrantTypes = []string{"password"} }, nil, `has the grant type "password", which is not among GrantTypes: [authorization_code client_credentials refresh_token]`},
		"a scope that the server does not know":      {func(c *store.Client) { c.Metadata.Scope = "admin" }, nil, `has the scope "admin", which is not among Scopes`},
		"a method that the server does not know":     {func(c *store.Client) { c.Metadata.AuthMethod = "tls_client_auth" }, nil, `has AuthMethod "tls_client_auth", which is not among ClientAuthMethods: [client_secret_basic client_secret_post none private_key_jwt client_secret_jwt]`},
		"a signature without keys":                   {func(c *store.Client) { c.Metadata.AuthMethod = "private_key_jwt" }, nil, `authenticates by private_key_jwt and has no keys: give it jwks or jwks_uri`},
		"code without a redirect URI":                {func(c *store.Client) { c.Metadata.GrantTypes = []string{"authorization_code"} }, nil, `has the grant authorization_code and no redirect URI: add one, or set GrantTypes`},
		"a redirect URI with a fragment": {func(c *store.Client) {
			c.Metadata.GrantTypes, c.Metadata.RedirectURIs = []string{"authorization_code"}, []string{"https://a.test/#x"}
		}, nil, `https://a.test/#x`},
		"public and a machine":     {func(c *store.Client) { c.Metadata.AuthMethod = "none" }, nil, `cannot have client_credentials without a secret (RFC 6749, section 4.4)`},
		"a rotation of no kind":    {func(c *store.Client) { c.Policy.Rotation = "often" }, nil, `has Rotation "often", which is none of ["always" "public" "never"]`},
		"a consent of no kind":     {func(c *store.Client) { c.Policy.Consent = "no" }, nil, `has Consent "no", which is none of`},
		"an introspect of no kind": {func(c *store.Client) { c.Policy.Introspect = "ALL" }, nil, `has Introspect "ALL", which is none of ["all"]`},
		"a grace over the limit":   {func(c *store.Client) { c.Policy.Grace = time.Hour }, nil, `has Grace 1h0m0s, which is over 5m0s`},
		"a code over the limit":    {func(c *store.Client) { c.Policy.CodeTTL = time.Hour }, nil, `has CodeTTL 1h0m0s, which is over 10m0s`},
		"a resource that is none":  {func(c *store.Client) { c.Policy.Serves = "orders" }, nil, `Resources and Serves:`},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := admin.NewClient(admin.Machine)
			if err != nil {
				t.Fatal(err)
			}
			tc.change(c)
			_, secret, err := w.Create(t.Context(), c)
			wantError(t, err, tc.target, tc.says)
			if secret != "" {
				t.Errorf("a secret for a client that was refused")
			}
		})
	}
}

func update(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, _ := w.machine(t, nil)
	c, err := w.Update(t.Context(), id, func(c *store.Client) error {
		c.Metadata.Name = "Nightly"
		return nil
	})
	if err != nil || c.Revision != 2 || c.Metadata.Name != "Nightly" {
		t.Fatalf("Update = %+v, %v, want revision 2 and the name", c, err)
	}
	if c, err = w.Update(t.Context(), id, func(*store.Client) error { return nil }); err != nil || c.Revision != 2 {
		t.Errorf("an update that changes nothing = revision %d, %v, want 2: nothing is written", c.Revision, err)
	}
	raced := false
	c, err = w.Update(t.Context(), id, func(c *store.Client) error {
		if !raced { // somebody else is quicker
			raced = true
			if _, err := w.Update(t.Context(), id, func(c *store.Client) error { c.Metadata.ClientURI = "https://a.test"; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		c.Metadata.Name = "Daily"
		return nil
	})
	if err != nil || c.Metadata.Name != "Daily" || c.Metadata.ClientURI != "https://a.test" {
		t.Errorf("two updates at once = %+v, %v, want both", c.Metadata, err)
	}
	_, err = w.Update(t.Context(), "nobody", func(*store.Client) error { return nil })
	wantError(t, err, store.ErrNotFound, `there is no client "nobody"`)
	_, err = w.Update(t.Context(), "fixed", func(*store.Client) error { return nil })
	wantError(t, err, nil, `client "fixed" is in server.Config.Clients: change it there`)
	_, err = w.Update(t.Context(), id, func(c *store.Client) error { c.Metadata.GrantTypes = []string{"implicit"}; return nil })
	wantError(t, err, nil, `has the grant type "implicit"`)
	_, err = w.Disable(t.Context(), "fixed")
	wantError(t, err, nil, `client "fixed" is in server.Config.Clients: change it there`)
	wantError(t, w.Enable(t.Context(), "nobody"), store.ErrNotFound, `there is no client "nobody"`)
}

func overlap(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, first := w.machine(t, nil)
	second, c, err := w.RotateSecret(t.Context(), id, time.Hour)
	if err != nil || len(c.Secrets) != 2 {
		t.Fatalf("RotateSecret = %+v, %v", c, err)
	}
	if left := time.Until(c.Secrets[0].Expires); left < 59*time.Minute || left > time.Hour || !c.Secrets[1].Expires.IsZero() {
		t.Errorf("the old secret ends in %v, and the new at %v; want an hour and never", left, c.Secrets[1].Expires)
	}
	w.token(t, id, first)
	w.token(t, id, second)
	end := c.Secrets[0].Expires
	third, c, err := w.RotateSecret(t.Context(), id, 48*time.Hour)
	if err != nil || len(c.Secrets) != 3 || !c.Secrets[0].Expires.Equal(end) {
		t.Fatalf("a longer overlap moved the end of the first: %+v, %v", c, err)
	}
	fourth, c, err := w.RotateSecret(t.Context(), id, 0)
	if err != nil || len(c.Secrets) != 1 {
		t.Fatalf("no overlap leaves %+v, %v, want the new one alone", c, err)
	}
	for _, old := range []string{first, second, third} {
		w.refused(t, id, old)
	}
	w.token(t, id, fourth)
	fifth, c, err := w.AddSecret(t.Context(), id)
	if err != nil || len(c.Secrets) != 2 {
		t.Fatalf("AddSecret = %+v, %v", c, err)
	}
	if err := w.EndSecret(t.Context(), id, c.Secrets[0].ID); err != nil {
		t.Fatal(err)
	}
	w.refused(t, id, fourth)
	w.token(t, id, fifth)
	wantError(t, w.EndSecret(t.Context(), id, c.Secrets[0].ID), nil, `has no secret "`+c.Secrets[0].ID+`": its secrets are ["`+c.Secrets[1].ID+`"]`)
	wantError(t, w.EndSecret(t.Context(), id, c.Secrets[1].ID), nil, `is the last of client "`+id+`": rotate it, or disable the client`)
	for range 9 {
		if _, _, err := w.AddSecret(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = w.AddSecret(t.Context(), id)
	wantError(t, err, nil, `has 10 secrets, and may have 10: end some first`)

	public, err := admin.NewClient(admin.Public)
	if err != nil {
		t.Fatal(err)
	}
	public.Metadata.RedirectURIs = []string{callback}
	if public, _, err = w.Create(t.Context(), public); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.RotateSecret(t.Context(), public.ID, 0)
	wantError(t, err, nil, `is public and has no secret`)
}

// deleteKills: PROTOCOL for clients that go: no token, stored or JWT, of a user or the client's own, outlives it.
func deleteKills(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, secret := w.web(t)
	access, refresh := w.signIn(t, id, secret, "ada")
	machine, machineSecret := w.machine(t, nil)
	own := w.token(t, machine, machineSecret)
	signed, signedSecret := w.machine(t, func(c *store.Client) { c.Policy.TokenFormat = string(server.JWT) })
	jwt := w.token(t, signed, signedSecret)
	others, otherSecret := w.machine(t, nil)
	other := w.token(t, others, otherSecret)
	for _, token := range []string{access, own, jwt, other} {
		w.guarded(t, token, http.StatusOK)
	}
	for _, gone := range []string{id, machine, signed} {
		if ended, err := w.Delete(t.Context(), gone); err != nil || ended != 1 {
			t.Errorf("Delete = %d, %v, want 1 grant", ended, err)
		}
		if _, err := st.Client(t.Context(), gone); err == nil {
			t.Error("the client is still there")
		}
	}
	for _, token := range []string{access, own, jwt} {
		w.guarded(t, token, http.StatusUnauthorized)
	}
	w.guarded(t, other, http.StatusOK)
	status, body := w.post(t, "/token", id, secret, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	if status != http.StatusUnauthorized || member(t, body, "error") != string(mandate.InvalidClient) {
		t.Errorf("refresh = %d %s, want 401 invalid_client", status, body)
	}
	_, err := w.Delete(t.Context(), id)
	wantError(t, err, store.ErrNotFound, `there is no client "`+id+`"`)

	// Another client of that ID does not inherit the grant.
	c := &store.Client{ID: machine, Metadata: oauth2.ClientMetadata{GrantTypes: []string{"client_credentials"}}}
	_, again, err := w.Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	w.guarded(t, w.token(t, machine, again), http.StatusOK)
	w.guarded(t, own, http.StatusUnauthorized)
}

// deleteStops: a delete that fails halfway leaves a client that nobody serves, and goes on when it is done again; what a request made
// that came in between dies too.
func deleteStops(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, secret := w.machine(t, nil)
	token := w.token(t, id, secret)
	r := newRacing(st)
	r.revokeFails = true
	beside := newWorld(t, r)
	_, err := beside.Delete(t.Context(), id)
	wantError(t, err, errDown, "revoke grants")
	if c, err := w.Client(t.Context(), id); err != nil || !c.Disabled {
		t.Fatalf("after a delete that stopped: %+v, %v, want the client disabled", c, err)
	}
	w.refused(t, id, secret)
	r.revokeFails = false
	late := store.Grant{ID: "late", ClientID: id, Subject: "ada", Created: now(), Expires: now().Add(time.Hour)}
	r.beforeDelete = func() {
		if err := st.CreateGrant(t.Context(), late); err != nil {
			t.Error(err)
		}
	}
	if ended, err := beside.Delete(t.Context(), id); err != nil || ended != 2 {
		t.Errorf("Delete again = %d, %v, want both grants ended", ended, err)
	}
	w.guarded(t, token, http.StatusUnauthorized)
	if g, err := st.Grant(t.Context(), "late"); err != nil || g.Revoked.IsZero() || g.Reason != store.ByAdmin {
		t.Errorf("the late grant = %+v, %v, want it revoked by the administrator", g, err)
	}
}

func disableKills(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	id, secret := w.web(t)
	access, refresh := w.signIn(t, id, secret, "ada")
	if ended, err := w.Disable(t.Context(), id); err != nil || ended != 1 {
		t.Fatalf("Disable = %d, %v, want 1 grant", ended, err)
	}
	w.guarded(t, access, http.StatusUnauthorized)
	w.refused(t, id, secret)
	if ended, err := w.Disable(t.Context(), id); err != nil || ended != 0 {
		t.Errorf("Disable again = %d, %v, want nothing", ended, err)
	}
	if err := w.Enable(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.guarded(t, access, http.StatusUnauthorized)
	status, body := w.post(t, "/token", id, secret, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	if status != http.StatusBadRequest || member(t, body, "error") != string(mandate.InvalidGrant) {
		t.Errorf("refresh = %d %s, want 400 invalid_grant", status, body)
	}
	w.signIn(t, id, secret, "ada")
	// A client that the server would not register any more can be stopped all the same.
	odd := &store.Client{ID: "odd", Metadata: oauth2.ClientMetadata{GrantTypes: []string{"password"}}}
	if err := newRacing(st).PutClient(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Disable(t.Context(), "odd"); err != nil {
		t.Error(err)
	}
	if c, err := w.Client(t.Context(), "odd"); err != nil || !c.Disabled {
		t.Errorf("odd = %+v, %v, want it disabled", c, err)
	}
}
