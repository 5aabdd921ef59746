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
	return r.decided(r.readCode(ctx, &r.issue))
}

// readCode fills in i, which is empty.
func (r *TokenRequest) readCode(ctx context.Context, i *Issue) error {
	code, err := r.Require("code")
	if err != nil {
		return err
	}
	if !r.server.isKind(code, kindCode) {
		return mandate.Errorf(mandate.InvalidGrant, nil, "code is not valid")
	}
	g := &i.Grant
	i.From, err = r.server.present(ctx, r, code, g)
	if err != nil {
		return err
	}
	redirectURI, err := r.Param("redirect_uri")
	if err != nil {
		return err
	}
	if redirectURI != g.Details.RedirectURI {
		return mandate.Errorf(mandate.InvalidGrant, nil, "redirect_uri is not the one of the authorization request")
	}
	verifier, err := r.Param("code_verifier")
	switch {
	case err != nil:
		return err
	case g.Details.Challenge == "" && verifier != "":
		return mandate.Errorf(mandate.InvalidGrant, nil, "code_verifier was sent and the authorization request had no code_challenge")
	case g.Details.Challenge != "" && !oauth2.VerifyChallenge(g.Details.Challenge, verifier):
		return mandate.Errorf(mandate.InvalidGrant, nil, "code_verifier does not match the code_challenge")
	}
	audience, err := r.Audience(g.Details.Resources)
	if err != nil {
		return err
	}
	rich, err := r.richGranted(ctx, g.Details.Rich)
	if err != nil {
		return err
	}
	i.Spend, i.Scopes, i.Audience, i.Rich = true, g.Details.Scopes, audience, rich
	i.Refresh = r.Client.Metadata.Allows(grantRefresh) && r.server.grants[grantRefresh] != nil
	return nil
}
