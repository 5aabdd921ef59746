package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/store"
)

// handleToken1 is the endpoint of token credentials (RFC 5849, section 2.3).
func (s *Server) handleToken1(ctx context.Context, r *mandate.Request) *mandate.Response {
	m, err := parseSigned(r, "")
	if err != nil {
		return s.refuseEarly(ctx, r, m, err)
	}
	if m.Verifier == "" && m.Token != "" {
		e := oauth1.Errorf(oauth1.ParameterAbsent, nil, "oauth_verifier is missing")
		e.Parameters = []string{"oauth_verifier"}
		return s.refuseEarly(ctx, r, m, e)
	}
	v, err := s.verifySigned(ctx, m, s.findTemporary)
	if err != nil {
		return s.refuseEarly(ctx, r, m, err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientAuthenticated, ClientID: v.client.ID})
	params, err := s.exchangeTemporary(ctx, &v)
	if err != nil {
		s.requestRefused(ctx, r, s.endpointOf(r), Client{Client: v.client}, GrantTypeOAuth1, err)
		return s.refuseSigned(err)
	}
	return formAnswer(200, params)
}

// exchangeTemporary returns the token credentials that v's temporary ones were approved for. The generation of the grant is the gate: of any
// number of exchanges one comes through, with whatever nonces. Whoever comes later has proven to be the client itself, with both secrets, so
// that nobody need be alarmed.
func (s *Server) exchangeTemporary(ctx context.Context, v *signed) ([]mandate.Field, error) {
	now, t := s.now(), *v.token.ticket
	data, err := temporaryOf(t)
	if err != nil {
		return nil, err
	}
	over := oauth1.Errorf(oauth1.TokenExpired, store.ErrExpired, "oauth_token is over")
	switch {
	case t.State == temporaryDenied:
		return nil, oauth1.Errorf(oauth1.PermissionDenied, nil, "the user did not allow it")
	case t.State != temporaryApproved && !now.Before(t.Expires):
		return nil, over
	case t.State != temporaryApproved:
		return nil, oauth1.Errorf(oauth1.PermissionUnknown, nil, "the user has not decided yet")
	}
	id, token, verifier, ok := s.oauth1Names(&data, t.Key, now)
	if !ok || id != t.GrantID {
		return nil, over
	}
	if subtle.ConstantTimeCompare([]byte(verifier), []byte(v.message.Verifier)) != 1 {
		return nil, oauth1.Errorf(oauth1.VerifierInvalid, nil, "oauth_verifier is wrong")
	}
	g, err := s.store.Grant(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, over
	case err != nil:
		return nil, fault("read grant", err)
	case g.Generation > 0:
		return nil, errTemporaryUsed(store.ErrUsed)
	case !g.Revoked.IsZero():
		return nil, oauth1.Errorf(oauth1.TokenRevoked, store.ErrRevoked, "the user took it back")
	case !g.AliveAt(now) || !now.Before(g.Details.CodeEnds):
		return nil, over
	}
	secret, err := s.openToken(tokenCredential{sealed: g.Details.Sealed, data: g.ID}, now)
	if err != nil {
		return nil, err
	}
	extra, err := s.extraFor(ctx, OAuth1Issue{Client: v.client, Subject: g.Subject, GrantID: g.ID, Realms: g.Details.Scopes})
	if err != nil {
		return nil, err
	}
	if err := s.useNonce(ctx, v); err != nil {
		return nil, err
	}
	_, err = s.store.Redeem(ctx, store.Redemption{GrantID: g.ID, Now: now, Expires: time.Time{}, KeyID: g.KeyID})
	switch {
	case errors.Is(err, store.ErrUsed):
		return nil, errTemporaryUsed(err)
	case errors.Is(err, store.ErrRevoked):
		return nil, oauth1.Errorf(oauth1.TokenRevoked, err, "the user took it back")
	case errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrNotFound):
		return nil, over
	case err != nil:
		return nil, fault("redeem verifier", err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.TokenIssued, ClientID: g.ClientID, Subject: g.Subject, GrantID: g.ID, GrantType: GrantTypeOAuth1, Scopes: g.Details.Scopes})
	params := []mandate.Field{{Name: "oauth_token", Value: token}, {Name: "oauth_token_secret", Value: secret}}
	if g.Details.Scopes != "" {
		params = append(params, mandate.Field{Name: "oauth_authorized_realms", Value: string(g.Details.Scopes)})
	}
	return append(params, extra...), nil
}

func errTemporaryUsed(cause error) error {
	return oauth1.Errorf(oauth1.TokenUsed, cause, "oauth_token was exchanged before")
}
