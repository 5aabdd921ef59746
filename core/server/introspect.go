package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

// inactive is the one answer for a token that is not good, not known or not the caller's to know of (RFC 7662, section 2.2).
//
//nolint:gochecknoglobals // constant by nature
var inactive = []byte(`{"active":false}`)

// introspection is the answer of RFC 7662, section 2.2.
type introspection struct {
	Active    bool                  `json:"active"`
	Scope     mandate.Scopes        `json:"scope,omitempty"`
	ClientID  string                `json:"client_id,omitempty"`
	TokenType string                `json:"token_type,omitempty"`
	Expires   int64                 `json:"exp,omitempty"`
	IssuedAt  int64                 `json:"iat,omitempty"`
	Subject   string                `json:"sub,omitempty"`
	Audience  []string              `json:"aud,omitempty"`
	Issuer    string                `json:"iss,omitempty"`
	ID        string                `json:"jti,omitempty"`
	AuthTime  int64                 `json:"auth_time,omitempty"`
	ACR       string                `json:"acr,omitempty"`
	Confirmed *mandate.Confirmation `json:"cnf,omitempty"`
}

// handleIntrospection is the introspection endpoint (RFC 7662). A confidential client sees its own tokens and those that are meant
// for it.
func (s *Server) handleIntrospection(ctx context.Context, r *mandate.Request) *mandate.Response {
	client, token, err := s.tokenRequest(ctx, r)
	if err == nil && client.Method() == methodNone {
		err = &clientError{refusal: mandate.Errorf(mandate.InvalidClient, nil, "a public client cannot introspect")}
	}
	var body []byte
	if err == nil {
		body, err = s.introspect(ctx, client, token)
	}
	resp := &mandate.Response{Status: 200, Header: jsonHeader, Body: body}
	if err == nil && s.config.SignedIntrospection != nil && wantsSigned(r) {
		resp, err = s.answerSigned(ctx, client, body)
	}
	if err == nil {
		err = s.SpendProof(ctx, client)
	}
	if err != nil {
		if client.Client != nil { // it is proven
			s.requestRefused(ctx, r, "introspection", client, "", err)
		}
		return s.Refuse(err)
	}
	return resp
}

// introspect returns the JSON object that client learns of token.
func (s *Server) introspect(ctx context.Context, client Client, token string) ([]byte, error) {
	if c, ok := s.read(token); ok {
		return s.introspectRefresh(ctx, client, c)
	}
	t, err := s.Verify(ctx, token, s.now())
	switch {
	case errors.Is(err, mandate.InvalidToken) && s.mayBeImported(token):
		return s.introspectImported(ctx, client, token)
	case errors.Is(err, mandate.InvalidToken):
		return inactive, nil
	case err != nil:
		return nil, err
	case !mayIntrospect(client.Client, t.ClientID(), t.Audience()):
		return inactive, nil
	}
	info := t.Info()
	out := introspection{
		Active: true, Scope: info.Scopes, ClientID: info.ClientID, TokenType: t.Type(), Subject: info.Subject, Audience: info.Audience,
		Issuer: s.config.Issuer, ID: info.ID, ACR: info.ACR, Expires: unix(info.Expires), IssuedAt: unix(info.IssuedAt), AuthTime: unix(info.AuthTime),
	}
	if info.Confirmed != (mandate.Confirmation{}) {
		out.Confirmed = &info.Confirmed
	}
	return s.introspected(ctx, Introspected{Client: client, Token: t}, out, info.Claims)
}

// introspectRefresh answers for a refresh token. One that was rotated away is inactive, without an alarm; a code is no token.
func (s *Server) introspectRefresh(ctx context.Context, client Client, c credential) ([]byte, error) {
	g, err := s.store.GrantByKey(ctx, c.handle.key())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return inactive, nil
	case err != nil:
		return nil, fault("read grant", err)
	case c.generation == 0 || c.generation != g.Generation || !g.AliveAt(s.now()) || !mayIntrospect(client.Client, g.ClientID, strings.Fields(g.Details.Resources)):
		return inactive, nil
	}
	more := ""
	if g.Details.Rich != "" {
		more = `{"` + paramDetails + `":` + g.Details.Rich + `}`
	}
	return s.introspected(ctx, Introspected{Client: client, Grant: g}, introspection{
		Active: true, Scope: g.Details.Scopes, ClientID: g.ClientID, Subject: g.Subject, Issuer: s.config.Issuer,
		Expires: unix(g.Expires), IssuedAt: unix(g.Advanced), AuthTime: unix(g.Details.AuthTime), ACR: g.Details.ACR,
	}, more)
}

// tokenRequest reads a request of RFC 7009 or RFC 7662: who asks, and about which token. What proved the client is not used up yet.
func (s *Server) tokenRequest(ctx context.Context, r *mandate.Request) (Client, string, error) {
	client, err := s.ProveClient(ctx, r)
	if err != nil {
		return client, "", err
	}
	form, err := r.Form()
	if err != nil {
		return client, "", err
	}
	token := form.Get("token")
	if token == "" {
		return client, "", mandate.Errorf(mandate.InvalidRequest, nil, "parameter token is missing")
	}
	return client, token, nil
}

// mayIntrospect reports whether c may know of a token of clientID that is for audience.
func mayIntrospect(c *store.Client, clientID string, audience []string) bool {
	if c.ID == clientID || c.Policy.Introspect == "all" {
		return true
	}
	for serves := range strings.FieldsSeq(c.Policy.Serves) {
		if slices.ContainsFunc(audience, func(a string) bool { return oauth2.SameResource(a, serves) }) {
			return true
		}
	}
	return false
}

// unix returns t in whole seconds; zero stays zero.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
