package server

import (
	"context"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
)

const (
	grantCode    = oauth2.GrantAuthorizationCode
	grantRefresh = oauth2.GrantRefreshToken
	grantClient  = oauth2.GrantClientCredentials
)

type codeGrant struct{}

// AuthorizationCode is the grant type of RFC 6749, section 4.1, with PKCE (RFC 7636).
func AuthorizationCode() GrantType { return codeGrant{} }

// Name implements [GrantType].
func (codeGrant) Name() string { return grantCode }

// Token implements [GrantType]. The code is proven by client, redirect URI and verifier before
// anything is spent: a stranger who has the code alone changes nothing.
func (codeGrant) Token(ctx context.Context, r *TokenRequest) (*Issue, error) {
	code, err := r.Require("code")
	if err != nil {
		return nil, err
	}
	if !r.server.isKind(code, kindCode) {
		return nil, mandate.Errorf(mandate.InvalidGrant, nil, "code is not valid")
	}
	g, from, err := r.Present(ctx, code)
	if err != nil {
		return nil, err
	}
	redirectURI, err := r.Param("redirect_uri")
	if err != nil {
		return nil, err
	}
	if redirectURI != g.Details.RedirectURI {
		return nil, mandate.Errorf(mandate.InvalidGrant, nil, "redirect_uri is not the one of the authorization request")
	}
	verifier, err := r.Param("code_verifier")
	switch {
	case err != nil:
		return nil, err
	case g.Details.Challenge == "" && verifier != "":
		return nil, mandate.Errorf(mandate.InvalidGrant, nil, "code_verifier was sent and the authorization request had no code_challenge")
	case g.Details.Challenge != "" && !oauth2.VerifyChallenge(g.Details.Challenge, verifier):
		return nil, mandate.Errorf(mandate.InvalidGrant, nil, "code_verifier does not match the code_challenge")
	}
	audience, err := r.Audience(g.Details.Resources)
	if err != nil {
		return nil, err
	}
	rich, err := r.richGranted(ctx, g.Details.Rich)
	if err != nil {
		return nil, err
	}
	i := &r.issue
	i.Rich = rich
	i.Grant, i.Spend, i.From, i.Scopes, i.Audience = g, true, from, g.Details.Scopes, audience
	i.Refresh = r.Client.Metadata.Allows(grantRefresh) && r.server.grants[grantRefresh] != nil
	return i, nil
}
