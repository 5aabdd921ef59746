package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// handleToken is the token endpoint (RFC 6749, section 3.2). Its order is fixed: read, authenticate the client, prove the
// grant, and only then spend and put in one step. Whatever fails before that has changed nothing.
func (s *Server) handleToken(ctx context.Context, r *mandate.Request) *mandate.Response {
	form, err := r.Form()
	if err != nil {
		return s.Refuse(err)
	}
	if err := checkForm(form); err != nil {
		return s.Refuse(err)
	}
	name := form.Get("grant_type")
	if name == "" {
		return s.Refuse(mandate.Errorf(mandate.InvalidRequest, nil, "parameter grant_type is missing"))
	}
	client, err := s.authenticate(ctx, r, form)
	if err != nil {
		return s.Refuse(err)
	}
	resp, err := s.grant(ctx, r, form, client, name)
	if err != nil {
		s.requestRefused(ctx, r, "token", client, name, err)
		return s.Refuse(err)
	}
	return resp
}

// grant answers a request of a proven client.
func (s *Server) grant(ctx context.Context, r *mandate.Request, form mandate.Params, client Client, name string) (*mandate.Response, error) {
	grant := s.grants[name]
	switch {
	case grant == nil:
		return nil, mandate.Errorf(mandate.UnsupportedGrantType, nil, "grant_type is not supported")
	case !client.Metadata.Allows(name):
		return nil, mandate.Errorf(mandate.UnauthorizedClient, nil, "client may not use this grant_type")
	}
	if err := s.refuseUnmet(client.Client); err != nil {
		return nil, err
	}
	req := s.takeRequest()
	req.Client, req.Request, req.Tickets, req.Now, req.form, req.server, req.grantType = client, r, s.store, s.now(), form, s, name
	defer s.giveBack(req, grant)
	issue, err := grant.Token(ctx, req)
	if err != nil {
		return nil, err
	}
	return s.issue(ctx, req, issue, name)
}

// takeRequest returns an empty TokenRequest, one that was used before where there is one: it is the largest thing that
// a request allocates.
func (s *Server) takeRequest() *TokenRequest {
	if r, ok := s.requests.Get().(*TokenRequest); ok {
		return r
	}
	return new(TokenRequest)
}

// giveBack lets r be used again, unless an application's grant type or an extension has seen it.
func (s *Server) giveBack(r *TokenRequest, grant GrantType) {
	switch grant.(type) {
	case codeGrant, refreshGrant, clientGrant:
		if len(s.config.Extensions) == 0 {
			*r = TokenRequest{}
			s.requests.Put(r)
		}
	}
}

// issue carries out what a grant type decided.
func (s *Server) issue(ctx context.Context, r *TokenRequest, i *Issue, grantType string) (*mandate.Response, error) {
	if i.Grant.Subject != "" && i.Grant.Subject == r.Client.ID {
		return nil, fmt.Errorf("grant type %s: the subject is the client's own id", grantType)
	}
	if i.Ticket != nil && (!i.New || i.Grant.ID == "") {
		return nil, fmt.Errorf("grant type %s: a ticket needs a grant of NewGrant, and New", grantType)
	}
	if i.Refresh && (r.handle == (handle{}) || i.Grant.ID == "" || i.Grant.Key != r.key) {
		return nil, fmt.Errorf("grant type %s: a refresh token needs the grant that Present or NewGrant returned last", grantType)
	}
	if i.Under && (i.New || i.Spend || i.Refresh || i.Grant.ID == "") || i.Standing != "" && (i.Grant.ID != "" || i.Grant.Subject == "" || i.Refresh) {
		return nil, fmt.Errorf("grant type %s: Under needs a stored grant, Standing a subject and no grant; both rule New, Spend and Refresh out", grantType)
	}
	r.answer = new(tokenAnswer)
	access, kid, err := s.carryOut(ctx, r, i, grantType)
	if err != nil {
		return nil, err
	}
	resp := TokenResponse{AccessToken: access.text, TokenType: access.token.Type(), Expires: access.token.Expires(), Scopes: i.Scopes, Members: i.Members}
	if i.Rich != "" {
		resp.Members = maps.Clone(resp.Members)
		if resp.Members == nil {
			resp.Members = make(map[string]any, 1)
		}
		resp.Members[paramDetails] = json.RawMessage(i.Rich) // RFC 9396, section 7
	}
	if i.Refresh {
		if resp.RefreshToken, err = s.nextRefresh(r, i, kid); err != nil {
			return nil, err
		}
	}
	if len(s.config.Extensions) > 0 {
		if resp, err = s.extend(ctx, i, access.token, resp); err != nil {
			return nil, err
		}
	}
	if s.hooks.On != nil {
		s.hooks.Tell(ctx, mandate.Event{
			Name: mandate.TokenIssued, ClientID: r.Client.ID, Subject: i.Grant.Subject, GrantID: i.Grant.ID, GrantType: grantType, Scopes: i.Scopes,
			TokenID: access.token.ID(), Expires: access.token.Expires(),
		})
	}
	return resp.write(r.Now, r.answer)
}

// extend lets the extensions complete an answer.
func (s *Server) extend(ctx context.Context, i *Issue, t *mandate.Token, resp TokenResponse) (TokenResponse, error) {
	for _, e := range s.config.Extensions {
		if e.Issued != nil {
			if err := e.Issued(ctx, i, t, &resp); err != nil {
				return resp, err
			}
		}
	}
	return resp, nil
}

// carryOut mints the access token and makes the issue true in the store: it spends the generation and puts the
// token in one step, or creates the grant first. It returns the name of the key that the next refresh
// token is made with.
func (s *Server) carryOut(ctx context.Context, r *TokenRequest, i *Issue, grantType string) (access minted, kid string, err error) {
	switch {
	case i.Grant.ID == "" && i.Standing == "":
		return s.underStanding(ctx, r, i)
	case i.Grant.ID == "":
		access, err = s.underVouched(ctx, r, i)
		return access, s.kid, err
	case i.Under:
		access, err = s.mintAndPut(ctx, r, i)
		if errors.Is(err, store.ErrRevoked) {
			err = mandate.Errorf(mandate.InvalidGrant, err, "grant is over")
		}
		return access, s.kid, err
	}
	if access, err = s.mint(ctx, r, i); err != nil {
		return access, "", err
	}
	if err = s.useUp(ctx, r, i); err != nil {
		return access, "", err
	}
	if !i.New {
		kid, err = s.redeem(ctx, r, i, access, grantType)
		return access, kid, err
	}
	i.Grant.Expires = s.nextEnd(r, i, access)
	if i.Ticket != nil {
		err = s.beginFrom(ctx, r, i, grantType)
	} else if err = s.store.CreateGrant(ctx, i.Grant); err != nil {
		err = fault("create grant", err)
	}
	if err != nil {
		return access, "", err
	}
	if err := s.stillServed(ctx, i.Grant.ID, r.Client.ID, r.Now); err != nil {
		return access, "", err
	}
	if access.stored {
		err := s.store.PutToken(ctx, access.key, access.token)
		switch {
		case errors.Is(err, store.ErrRevoked): // in between
			return access, "", mandate.Errorf(mandate.InvalidGrant, err, "grant is over")
		case err != nil:
			return access, "", fault("put token", err)
		}
	}
	return access, s.kid, nil
}

// useUp uses up what is good once: the client's assertion, then what the grant type names. It comes after everything that can fail, and may
// be called again.
func (s *Server) useUp(ctx context.Context, r *TokenRequest, i *Issue) error {
	if err := s.SpendProof(ctx, r.Client); err != nil || i.Once == nil {
		return err
	}
	switch err := s.store.UseOnce(ctx, i.Once.Space, i.Once.Key, r.Now, i.Once.Expires); {
	case errors.Is(err, store.ErrUsed):
		return mandate.Errorf(mandate.InvalidGrant, err, "assertion was used before")
	case err != nil:
		return fault("use up assertion", err)
	}
	i.Once = nil
	return nil
}

func (s *Server) redeem(ctx context.Context, r *TokenRequest, i *Issue, access minted, grantType string) (string, error) {
	if i.From >= maxGeneration {
		return "", mandate.Errorf(mandate.InvalidGrant, nil, "grant was refreshed too often")
	}
	kid, err := s.store.Redeem(ctx, store.Redemption{
		GrantID: i.Grant.ID, From: i.From, Grace: i.Grace, Now: r.Now, Expires: s.nextEnd(r, i, access),
		KeyID: s.kid, Key: access.key, Token: access.record(), Keep: !i.Spend,
	})
	switch {
	case err == nil:
		if i.Spend && i.Grant.Generation != i.From {
			s.hooks.Tell(ctx, mandate.Event{Name: mandate.GrantRepeated, ClientID: r.Client.ID, Subject: i.Grant.Subject, GrantID: i.Grant.ID, GrantType: grantType})
		}
		return kid, nil
	case errors.Is(err, store.ErrUsed):
		return "", s.reused(ctx, r, i, grantType, err)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrRevoked), errors.Is(err, store.ErrExpired):
		return "", mandate.Errorf(mandate.InvalidGrant, err, "grant is over")
	}
	return "", fault("redeem", err)
}

// reused ends the family of a code or refresh token that was proven to be used twice: one of the two who
// have it is a thief, and nobody can tell which (RFC 6749, section 4.1.2; RFC 9700, section 4.14.2).
func (s *Server) reused(ctx context.Context, r *TokenRequest, i *Issue, grantType string, cause error) error {
	alarm, cancel := alarmed(ctx)
	defer cancel()
	if err := s.store.RevokeGrant(alarm, i.Grant.ID, store.ByReuse, r.Now); err != nil {
		return fault("revoke reused grant", err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.GrantReused, ClientID: r.Client.ID, Subject: i.Grant.Subject, GrantID: i.Grant.ID, GrantType: grantType, Err: cause})
	return mandate.Errorf(mandate.InvalidGrant, cause, "code or refresh token was used before; everything that came of it is revoked")
}

// nextEnd returns the grant's end after a redemption: the idle time, within the absolute end, and not before
// the access token's own.
func (s *Server) nextEnd(r *TokenRequest, i *Issue, access minted) time.Time {
	ends := i.Grant.Details.Ends
	if !i.Refresh {
		return later(i.Grant.Expires, access.token.Expires())
	}
	idle := s.refreshIdle(r.Client.Client)
	if idle < 0 {
		return ends
	}
	end := r.Now.Add(idle)
	if !i.Spend && end.Sub(i.Grant.Expires) < time.Minute {
		end = i.Grant.Expires // a token that stays need not be written for at every use
	}
	end = later(end, access.token.Expires())
	if !ends.IsZero() && end.After(ends) {
		return ends
	}
	return end
}

// later returns the later of two ends; zero is never.
func later(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}

// nextRefresh returns the refresh token that follows the generation that was spent. For a repeat it is
// the same to the byte.
func (s *Server) nextRefresh(r *TokenRequest, i *Issue, kid string) (string, error) {
	next := i.From + 1
	switch {
	case i.New:
		next = i.Grant.Generation
	case !i.Spend:
		next = i.From
	}
	id, ok := s.keyNamed(kid)
	if !ok {
		return "", fmt.Errorf("grant %s names the key %q", i.Grant.ID, kid)
	}
	text, ok := s.write(credential{id, r.handle, next}, &r.answer.refresh)
	if !ok {
		return "", mandate.Errorf(mandate.InvalidGrant, nil, "the key of this refresh token is gone")
	}
	return text, nil
}
