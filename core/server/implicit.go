package server

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

const (
	grantImplicit = "implicit"
	responseToken = "token"
	responseNone  = "none"
)

// NoneResponse is the response type "none" (OAuth 2.0 Multiple Response Type Encoding Practices, section 4): the user is asked, and the client
// is told that they agreed, and gets nothing else. Nothing comes beside it in one response_type. It is on where an [Extension] has it
// among Responses.
func NoneResponse() ResponseType {
	return ResponseType{Name: responseNone, Respond: func(context.Context, *Ask, store.Grant, func(name, value string)) error { return nil }}
}

// AccessToken makes an access token under g, the grant that was approved, and stores it: for response types that answer one in the
// authorization response. It never outlives g, and no refresh token goes with it. t is what it says.
func (a *Ask) AccessToken(ctx context.Context, g store.Grant) (text string, t *mandate.Token, err error) {
	s := a.server
	r := &TokenRequest{Client: Client{Client: a.Client}, Request: a.request, Now: s.now(), server: s, grantType: grantImplicit, answer: new(tokenAnswer)}
	if err := s.stillServed(ctx, g.ID, a.Client.ID, r.Now); err != nil {
		return "", nil, err
	}
	access, err := s.mintAndPut(ctx, r, &Issue{Grant: g, Under: true, Scopes: g.Details.Scopes, Audience: strings.Fields(g.Details.Resources), Rich: g.Details.Rich})
	if err != nil {
		return "", nil, err
	}
	s.hooks.Tell(ctx, mandate.Event{
		Name: mandate.TokenIssued, ClientID: a.Client.ID, Subject: g.Subject, GrantID: g.ID, GrantType: grantImplicit, Scopes: g.Details.Scopes,
		TokenID: access.token.ID(), Expires: access.token.Expires(),
	})
	return access.text, access.token, nil
}

// respondToken is the response type token (RFC 6749, section 4.2.2).
func (s *Server) respondToken(ctx context.Context, a *Ask, g store.Grant, add func(name, value string)) error {
	text, t, err := a.AccessToken(ctx, g)
	if err != nil {
		return err
	}
	add("access_token", text)
	add("token_type", t.Type())
	if ends := t.Expires(); !ends.IsZero() {
		add("expires_in", strconv.FormatInt(int64(ends.Sub(s.now())/time.Second), 10))
	}
	add("scope", string(t.Scopes()))
	return nil
}

// frontEnd returns the end of a grant that is answered with an access token at once.
func (s *Server) frontEnd(a *Ask, end, now time.Time) time.Time {
	if ttl := s.tokenTTL(a.Client, grantImplicit); slices.Contains(a.Request.ResponseTypes, responseToken) && ttl > 0 {
		return later(end, now.Add(ttl))
	}
	return end
}
