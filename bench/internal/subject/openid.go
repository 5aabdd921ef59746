package subject

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oidc"
)

// fixed are keys that never change.
type fixed struct{ set *jose.KeySet }

func (f fixed) KeySet(context.Context, *jose.KeySet) (*jose.KeySet, error) { return f.set, nil }

// IDToken returns a function that verifies ID tokens of the issuer, two in turn, with nonce and at_hash.
func (j *JWT) IDToken() func() {
	v := must(oidc.NewVerifier(oidc.Config{Issuer: issuer, ClientID: "web", Keys: fixed{j.set}, Algs: []jose.Alg{j.alg}, Leeway: time.Minute}))
	access, now := opaque(), time.Now()
	e := oidc.Expect{Now: now, Nonce: opaque()[:22], AccessToken: access}
	var tokens [2]string
	for i := range tokens {
		c := jose.Claims{Issuer: issuer, Subject: opaque()[:20], Audience: []string{"web"}, Expires: now.Add(12 * time.Hour), IssuedAt: now.Add(-time.Second)}
		check(c.Set("nonce", e.Nonce))
		check(c.Set("at_hash", oidc.Hash(j.alg, access)))
		check(c.Set("email", "alice@example.com"))
		tokens[i] = must(jose.Sign(j.key, "JWT", c))
	}
	i, ctx := 0, context.Background()
	return func() {
		i = 1 - i
		must(v.IDToken(ctx, tokens[i], e))
	}
}

// provider is the metadata of an OpenID provider, without a network.
type provider struct{}

// Fetch implements mandate.Fetcher.
func (provider) Fetch(_ context.Context, r *mandate.FetchRequest) (*mandate.Response, error) {
	if r.Purpose != "metadata" {
		return nil, errors.New("nobody is there")
	}
	body := must(json.Marshal(map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/jwks",
		"response_types_supported": []string{"code"},
	}))
	return &mandate.Response{Status: 200, Body: body}, nil
}

// BeginLogin returns a function that begins a login with OpenID Connect: authorization URL with PKCE, state and nonce, and the sealed cookie.
func BeginLogin() func() {
	reg := must(client.NewRegistry(client.Config{
		BaseURL: "https://app.example.com", Secret: mandate.NewRandomSecret(), Fetcher: provider{},
		Apps: []client.App{client.OpenID{Name: "corp", Issuer: issuer, Credentials: client.Credentials{ID: "web", Secret: "secret"}}},
	}))
	app, ctx := reg.App("corp"), context.Background()
	return func() {
		req := &mandate.Request{Method: "GET", Origin: "https://app.example.com", Path: "/auth/corp/login", RawQuery: "return_to=/cart", Header: mandate.Fields{}}
		must(app.Begin(ctx, req, client.Begin{}))
	}
}
