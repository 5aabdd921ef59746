package adaptertest

import (
	"context"
	"net/url"
	"testing"

	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
)

// posing is client credentials that name a user, which the contract has no room for.
type posing struct{ server.GrantType }

// Name implements server.GrantType.
func (posing) Name() string { return "urn:example:grant-type:posing" }

// Token implements server.GrantType.
func (p posing) Token(ctx context.Context, r *server.TokenRequest) (*server.Issue, error) {
	i, err := p.GrantType.Token(ctx, r)
	if err == nil {
		i.Grant.Subject = "alice"
	}
	return i, err
}

// two is a grant type that wants two refresh tokens and goes on with the first.
type two struct{}

// Name implements server.GrantType.
func (two) Name() string { return "urn:example:grant-type:two" }

// Token implements server.GrantType.
func (two) Token(ctx context.Context, r *server.TokenRequest) (*server.Issue, error) {
	first, err := r.Require("refresh_token")
	if err != nil {
		return nil, err
	}
	g, from, err := r.Present(ctx, first)
	if err != nil {
		return nil, err
	}
	second, err := r.Require("second")
	if err != nil {
		return nil, err
	}
	if _, _, err := r.Present(ctx, second); err != nil {
		return nil, err
	}
	return &server.Issue{Grant: g, Spend: true, From: from, Scopes: g.Details.Scopes, Refresh: true}, nil
}

// ownGrants are the cases of grant types that get something wrong.
func ownGrants() cases {
	start := func(t *testing.T, a Adapter) (*world, party) {
		t.Helper()
		p := party{"own", "own-secret-0123456789", "client_secret_basic", callback}
		return newWorld(t, a, func(s *setup) {
			c := p.client("authorization_code", "refresh_token", posing{}.Name(), two{}.Name())
			s.Clients = []*store.Client{c}
			s.GrantTypes = []server.GrantType{server.AuthorizationCode(), server.RefreshToken(), posing{server.ClientCredentials()}, two{}}
		}), p
	}
	return cases{
		"what stands under the client's own grant has no subject, whatever a grant type says": func(t *testing.T, a Adapter) {
			w, p := start(t, a)
			for range 2 {
				got, _ := w.token(p, url.Values{"grant_type": {posing{}.Name()}, "scope": {"read"}}).json(t)["access_token"].(string)
				if m := w.alive(got).json(t); m["sub"] != "" {
					t.Errorf("the guard sees %v, want no subject", m)
				}
			}
		},
		"a refresh token is never of another grant than was spent": func(t *testing.T, a Adapter) {
			w, p := start(t, a)
			first, second := w.login(p), w.login(p)
			w.token(p, url.Values{"grant_type": {two{}.Name()}, "refresh_token": {first.Refresh}, "second": {second.Refresh}}).refused(t, 500, "server_error")
			w.refresh(p, first.Refresh) // nothing was spent
			w.refresh(p, second.Refresh)
		},
	}
}
