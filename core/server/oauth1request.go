package server

import (
	"context"
	"encoding/json"
	"errors"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
	"github.com/go-mandate/mandate/core/store"
)

// The endpoints of RFC 5849, section 2.
const (
	endpointTemporary = "oauth1_request_token"
	endpointConsent1  = "oauth1_authorize"
	endpointToken1    = "oauth1_access_token"
)

// oauth1Paths are the paths of the endpoints that Config.OAuth1 adds.
//
//nolint:gochecknoglobals // constant by nature
var oauth1Paths = map[string]string{
	endpointTemporary: "/oauth1/request_token",
	endpointConsent1:  "/oauth1/authorize",
	endpointToken1:    "/oauth1/access_token",
}

// The states of temporary credentials.
const (
	temporaryPending  = "pending"
	temporaryApproved = "approved"
	temporaryDenied   = "denied"
)

// temporaryData is what the ticket of temporary credentials keeps beside its columns. The token is not in it.
type temporaryData struct {
	Callback string             `json:"c"`
	Details  store.Details      `json:"d"`
	Secret   string             `json:"s"` // sealed
	Flow     mandate.ShortKeyID `json:"k"` // of the MAC that the grant's id, its token and the verifier are made with
}

func temporaryOf(t store.Ticket) (temporaryData, error) {
	var d temporaryData
	if err := json.Unmarshal([]byte(t.Data), &d); err != nil {
		return d, fault("decode temporary credentials", err)
	}
	return d, nil
}

// oauth1Endpoints returns the endpoints that clients of OAuth 1.0a call.
func (m mounted) oauth1Endpoints() []mandate.Endpoint {
	if m.config.OAuth1 == nil {
		return nil
	}
	both := []string{"GET", "POST"}
	all := []string{"GET", "HEAD", "POST"} // HEAD by itself: the signature says which method it is for
	return []mandate.Endpoint{
		m.endpoint(endpointTemporary, mandate.Endpoint{Methods: all, Limit: limitOAuth1, Handle: m.handleTemporary}),
		m.endpoint(endpointConsent1, mandate.Endpoint{Methods: both, Limit: limitOAuth1, Handle: m.handleConsent1}),
		m.endpoint(endpointToken1, mandate.Endpoint{Methods: all, Limit: limitOAuth1, Handle: m.handleToken1}),
	}
}

// handleTemporary is the endpoint of temporary credentials (RFC 5849, section 2.1).
func (s *Server) handleTemporary(ctx context.Context, r *mandate.Request) *mandate.Response {
	m, err := parseSigned(r, "")
	if err != nil {
		return s.refuseEarly(ctx, r, m, err)
	}
	if m.Callback == "" {
		e := oauth1.Errorf(oauth1.ParameterAbsent, nil, "oauth_callback is missing: send %q where there is none", oob)
		e.Parameters = []string{"oauth_callback"}
		return s.refuseEarly(ctx, r, m, e)
	}
	v, err := s.verifySigned(ctx, m, nil)
	if err != nil {
		return s.refuseEarly(ctx, r, m, err)
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientAuthenticated, ClientID: v.client.ID})
	params, err := s.beginTemporary(ctx, r, &v)
	if err != nil {
		s.requestRefused(ctx, r, s.endpointOf(r), Client{Client: v.client}, GrantTypeOAuth1, err)
		return s.refuseSigned(err)
	}
	return formAnswer(200, params)
}

// refuseEarly refuses a client that has not proven who it is.
func (s *Server) refuseEarly(ctx context.Context, r *mandate.Request, m *oauth1.Message, err error) *mandate.Response {
	id := ""
	if m != nil {
		id = mandate.Printable(firstOf(m.ConsumerKey, maxSigned))
	}
	s.hooks.Tell(ctx, mandate.Event{Name: mandate.ClientRefused, Endpoint: s.endpointOf(r), ClientID: id, GrantType: GrantTypeOAuth1, Remote: s.remote(r), Err: causeOf(err)})
	return s.refuseSigned(err)
}

// causeOf returns what the log is told of err.
func causeOf(err error) error {
	if e := mandate.AsError(err); e.Cause != nil {
		return e.Cause
	}
	return err
}

// beginTemporary keeps what a proven client asks for, under new temporary credentials.
func (s *Server) beginTemporary(ctx context.Context, r *mandate.Request, v *signed) ([]mandate.Field, error) {
	o, now, c, m := s.config.OAuth1, s.now(), v.client, v.message
	switch {
	case m.Token != "":
		return nil, rejectedParameter("oauth_token", "oauth_token has no place in a request for temporary credentials")
	case !mayCallBack(c, m.Callback):
		return nil, rejectedParameter("oauth_callback", "oauth_callback is not registered for this client")
	}
	if err := s.refuseUnmet(c); err != nil {
		return nil, err
	}
	a := &Ask{Client: c, server: s, ctx: ctx, request: r, flow: s.newFlow(now), oauth1: new(temporary)}
	a.Request.RedirectURI = redirectOf(m.Callback)
	details := &a.Request.Details
	var err error
	if details.Scopes, err = s.realmsFor(c, m.Realm); err != nil {
		return nil, err
	}
	for _, e := range s.config.Extensions {
		if e.Begin != nil {
			if err := e.Begin(ctx, a, m.Params()); err != nil {
				return nil, err
			}
		}
	}
	extra, err := s.extraFor(ctx, OAuth1Issue{Client: c, Temporary: true, Realms: details.Scopes})
	if err != nil {
		return nil, err
	}
	token, secret := o.random(), o.random()
	key := s.oauth1Key(token)
	data, err := json.Marshal(temporaryData{
		Callback: m.Callback, Details: *details, Flow: a.flow.Key, Secret: s.sealToken(secret, string(key[:])),
	})
	if err != nil {
		return nil, fault("encode temporary credentials", err)
	}
	if err := s.useNonce(ctx, v); err != nil {
		return nil, err
	}
	err = s.store.PutTicket(ctx, store.Ticket{
		Kind: store.Temporary, Key: key, State: temporaryPending, ClientID: c.ID, Created: now, Expires: now.Add(o.RequestTokenTTL), Data: string(data),
	})
	if err != nil {
		return nil, fault("keep temporary credentials", err)
	}
	return append([]mandate.Field{
		{Name: "oauth_token", Value: token}, {Name: "oauth_token_secret", Value: secret}, {Name: "oauth_callback_confirmed", Value: "true"},
	}, extra...), nil
}

// realmsFor returns what c gets when it asks for realm, scopes that are parted by spaces. What it asks for must be its own; where it asks for
// nothing it gets its default, or nothing: most clients know no realms.
func (s *Server) realmsFor(c *store.Client, realm string) (mandate.Scopes, error) {
	if realm == s.config.OAuth1.Realm {
		realm = ""
	}
	if realm == "" {
		want := c.Policy.Default
		if want == "" {
			want = s.config.DefaultScopes
		}
		return want.Only(s.mayHave(c)), nil
	}
	scopes, err := s.scopesFor(c, realm)
	if err != nil {
		if e := mandate.AsError(err); e.Code == mandate.InvalidScope {
			return "", rejectedParameter("realm", "realm has one that is unknown or that this client may not have")
		}
	}
	return scopes, err
}

func (s *Server) extraFor(ctx context.Context, i OAuth1Issue) ([]mandate.Field, error) {
	if s.config.OAuth1.Extra == nil {
		return nil, nil
	}
	extra, err := s.config.OAuth1.Extra(ctx, i)
	if err == nil {
		err = checkExtra(extra)
	}
	return extra, err
}

func rejectedParameter(name, why string) error {
	e := oauth1.Errorf(oauth1.ParameterRejected, nil, "%s", why)
	e.Parameters = []string{name}
	return e
}

// redirectOf returns the URI that a browser is sent to with callback, or "" where it stays here.
func redirectOf(callback string) string {
	if callback == oob {
		return ""
	}
	return callback
}

// findTemporary is a findToken for temporary credentials, whatever their state.
func (s *Server) findTemporary(ctx context.Context, token string) (tokenCredential, error) {
	key := s.oauth1Key(token)
	t, err := s.ticketOf(ctx, key)
	if err != nil {
		return tokenCredential{}, err
	}
	d, err := temporaryOf(t)
	return tokenCredential{owner: t.ClientID, sealed: d.Secret, data: string(key[:]), ticket: &t}, err
}

// ticketOf returns the ticket of temporary credentials, also where they are over.
func (s *Server) ticketOf(ctx context.Context, key mandate.Digest) (store.Ticket, error) {
	t, err := s.store.Ticket(ctx, store.Temporary, key, s.now())
	if t.ClientID != "" && (errors.Is(err, store.ErrExpired) || errors.Is(err, store.ErrUsed)) {
		err = nil
	}
	return t, err
}
