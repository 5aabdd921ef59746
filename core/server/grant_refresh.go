package server

import (
	"context"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

type refreshGrant struct{}

// RefreshToken is the grant type of RFC 6749, section 6, with rotation and reuse detection (RFC 9700, section 4.14.2).
func RefreshToken() GrantType { return refreshGrant{} }

// Name implements [GrantType].
func (refreshGrant) Name() string { return grantRefresh }

// Token implements [GrantType]. A narrower scope or resource shapes the access token alone; a wider one is refused before
// anything is spent.
func (refreshGrant) Token(ctx context.Context, r *TokenRequest) (*Issue, error) {
	return r.decided(r.readRefresh(ctx, &r.issue))
}

// readRefresh fills in i, which is empty.
func (r *TokenRequest) readRefresh(ctx context.Context, i *Issue) error {
	token, err := r.Require("refresh_token")
	if err != nil {
		return err
	}
	g := &i.Grant
	var ticket *store.Ticket // of a token of another system
	switch {
	case r.server.isKind(token, kindRefresh):
		i.From, err = r.server.present(ctx, r, token, g)
	case r.server.mayBeImported(token):
		ticket, *g, err = r.server.presentImported(ctx, r, token)
	default:
		err = mandate.Errorf(mandate.InvalidGrant, nil, "refresh token is not valid")
	}
	if err != nil {
		return err
	}
	asked, err := r.Param("scope")
	if err != nil {
		return err
	}
	scopes := g.Details.Scopes.Only(r.server.mayHave(r.Client.Client)) // what was taken from the client since is over
	if scopes == "" && g.Details.Scopes != "" {
		return mandate.Errorf(mandate.InvalidScope, nil, "client may have none of the scopes that were granted any more")
	}
	if asked != "" {
		want, err := mandate.ParseScopes(asked)
		if err != nil {
			return err
		}
		if !scopes.Covers(want) {
			return mandate.Errorf(mandate.InvalidScope, nil, "scope is wider than what was granted")
		}
		scopes = r.server.ownScopes(want)
	}
	audience, err := r.Audience(g.Details.Resources)
	if err != nil {
		return err
	}
	rich, err := r.richGranted(ctx, g.Details.Rich)
	if err != nil {
		return err
	}
	i.New, i.Ticket = ticket != nil, ticket
	i.Scopes, i.Audience, i.Rich, i.Refresh = scopes, audience, rich, true
	if ticket == nil && r.server.rotates(r.Client.Client) {
		i.Spend, i.Grace = true, r.server.grace(r.Client.Client)
	}
	return nil
}

// rotates reports whether c's refresh tokens are replaced at every use.
func (s *Server) rotates(c *store.Client) bool {
	rotation := Rotation(c.Policy.Rotation)
	if rotation == "" {
		rotation = s.config.Rotation
	}
	return rotation != RotateNever && (rotation != RotatePublic || c.Metadata.Public())
}

// grace returns how long c's rotated refresh tokens are answered again.
func (s *Server) grace(c *store.Client) time.Duration {
	grace := s.config.Grace
	if c.Policy.Grace != 0 {
		grace = min(c.Policy.Grace, maxGrace)
	}
	return max(grace, 0)
}
