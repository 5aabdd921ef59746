package server

import (
	"context"

	mandate "github.com/go-mandate/mandate/core"
)

type clientGrant struct{}

// ClientCredentials is the grant type of RFC 6749, section 4.4: a client acts for itself. Its tokens have no subject, and no
// refresh token goes with them.
func ClientCredentials() GrantType { return clientGrant{} }

// Name implements [GrantType].
func (clientGrant) Name() string { return grantClient }

// Token implements [GrantType].
func (clientGrant) Token(ctx context.Context, r *TokenRequest) (*Issue, error) {
	if r.Client.Method() == "none" {
		return nil, mandate.Errorf(mandate.UnauthorizedClient, nil, "a public client cannot act for itself")
	}
	scopes, err := r.Scopes()
	if err != nil {
		return nil, err
	}
	audience, err := r.Audience("")
	if err != nil {
		return nil, err
	}
	if r.issue.Rich, err = r.Rich(ctx, ""); err != nil {
		return nil, err
	}
	r.issue.Scopes, r.issue.Audience = scopes, audience
	return &r.issue, nil
}
