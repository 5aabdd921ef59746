package server

import (
	"context"
	"errors"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// handleRevocation is the revocation endpoint (RFC 7009). A refresh token ends its whole grant, an access token itself. What is
// unknown is revoked already; what is another client's is refused, and nothing changes. token_type_hint only ever said where to
// look first, and here a token says itself what it is.
func (s *Server) handleRevocation(ctx context.Context, r *mandate.Request) *mandate.Response {
	client, token, err := s.tokenRequest(ctx, r)
	if err == nil {
		if c, ok := s.read(token); ok {
			err = s.revokeRefresh(ctx, client, c)
		} else if err = s.revokeAccess(ctx, client, token); err == nil && s.mayBeImported(token) {
			err = s.revokeImported(ctx, client, token)
		}
	}
	if err == nil {
		err = s.SpendProof(ctx, client) // where there was nothing to revoke
	}
	if err != nil {
		if client.Client != nil { // it is proven
			s.requestRefused(ctx, r, "revocation", client, "", err)
		}
		return s.Refuse(err)
	}
	return &mandate.Response{Status: 200, Header: mandate.Fields{{Name: "Cache-Control", Value: "no-store"}}}
}

func (s *Server) revokeRefresh(ctx context.Context, client Client, c credential) error {
	if c.generation == 0 {
		return nil // a code is no token
	}
	g, err := s.store.GrantByKey(ctx, c.handle.key())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fault("read grant", err)
	case g.ClientID != client.ID:
		return errForeign
	case !g.Revoked.IsZero():
		return nil
	}
	if err := s.SpendProof(ctx, client); err != nil {
		return err
	}
	return s.revokeGrant(ctx, g, store.ByClient)
}

// errForeign answers who would revoke another client's token: it must not be able to log others out.
var errForeign = mandate.Errorf(mandate.InvalidGrant, nil, "token was issued to another client")

func (s *Server) revokeAccess(ctx context.Context, client Client, token string) error {
	t, key, err := s.toRevoke(ctx, token, s.now())
	switch {
	case errors.Is(err, mandate.InvalidToken):
		return nil
	case err != nil:
		return err
	case t.ClientID() != client.ID:
		return errForeign
	}
	if err := s.SpendProof(ctx, client); err != nil {
		return err
	}
	return s.revokeToken(ctx, t, key)
}

// revokeToken ends the token t, which the store knows by key.
func (s *Server) revokeToken(ctx context.Context, t *mandate.Token, key mandate.Digest) error {
	until := t.Expires()
	if until.IsZero() {
		until = s.now().Add(forever)
	}
	alarm, cancel := alarmed(ctx)
	defer cancel()
	if err := s.store.RevokeToken(alarm, key, until); err != nil {
		return fault("revoke token", err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.TokenRevoked, ClientID: t.ClientID(), Subject: t.Subject(), GrantID: t.GrantID()})
	return nil
}

// clockSkew is how far the clocks of two processes may be apart when a JWT of one is revoked at the other.
const clockSkew = 10 * time.Second

// toRevoke returns the access token that raw is, and what the store knows it by.
func (s *Server) toRevoke(ctx context.Context, raw string, now time.Time) (*mandate.Token, mandate.Digest, error) {
	if strings.Count(raw, ".") != 2 {
		t, err := s.Verify(ctx, raw, now)
		return t, mandate.DigestOf(raw), err
	}
	info, err := s.readJWT(ctx, raw, now, clockSkew)
	if err != nil {
		return nil, mandate.Digest{}, err
	}
	return mandate.NewToken(info), mandate.DigestOf(info.ID), nil
}

// forever is how long the revocation of a token without an end is remembered.
const forever = 100 * 365 * 24 * time.Hour
