package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oidc"
	"github.com/go-mandate/mandate/core/store"
)

// LogoutNotice is a provider's word that a session has ended: end those of the application that began with it.
type LogoutNotice struct {
	App     string
	Issuer  string
	Subject string // the [Profile.Subject] of OpenID Connect; it may be empty, and then SessionID is not
	// SessionID is what sign-ins of the session have as IDToken["sid"]. Empty: all sessions of Subject have ended.
	SessionID string
}

// BackChannelLogout returns the endpoint to which the provider posts that sessions have ended (OpenID Connect Back-Channel Logout 1.0, section 2.5), to be
// registered by hand for POST, where MountLogin does not. It is called by the provider itself: no cookie comes along, and no CSRF check may stand before it.
func (r *Remote) BackChannelLogout() mandate.Endpoint {
	if r == nil {
		return noApp("backchannel_logout", Steps{})
	}
	return r.backChannel(defaultPrefix + "/" + r.name + "/backchannel-logout")
}

func (r *Remote) backChannel(path string) mandate.Endpoint {
	return mandate.Endpoint{Name: "backchannel_logout", Origin: r.reg.origin, Path: path, Methods: []string{"POST"}, Handle: func(ctx context.Context, req *mandate.Request) *mandate.Response {
		code, err := r.receive(ctx, req)
		if err == nil {
			return &mandate.Response{Status: 200, Header: noStore()}
		}
		body, _ := json.Marshal(map[string]string{"error": string(code), "error_description": "The logout was not done."}) // strings alone: no error
		return &mandate.Response{
			Status: 400, Err: asError(r.name, err), Body: body,
			Header: append(noStore(), mandate.Field{Name: "Content-Type", Value: "application/json"}),
		}
	}}
}

// receive verifies a logout token and tells the application. The code is what the provider hears: whether it is worth to try again (section 2.8).
func (r *Remote) receive(ctx context.Context, req *mandate.Request) (mandate.Code, error) {
	c := r.reg.config
	p, ok := r.protocol.(Identifying)
	if !ok || c.BackChannelLogout == nil {
		return mandate.ServerError, r.fault("it takes no logout tokens: it is no app of OpenID Connect, or Config.BackChannelLogout is nil")
	}
	form, err := req.Form()
	if err != nil {
		return mandate.InvalidRequest, &Error{Kind: Malformed, App: r.name, Cause: err}
	}
	raw, once := form.Only("logout_token")
	if raw == "" || !once {
		return mandate.InvalidRequest, &Error{Kind: Malformed, App: r.name, Cause: errors.New("logout_token is missing, or there twice")}
	}
	v, err := p.Verifier(ctx)
	if err != nil {
		return mandate.TemporarilyUnavailable, err
	}
	now := c.Now()
	var tok *oidc.LogoutToken
	switch tok, err = v.LogoutToken(ctx, raw, now); {
	case errors.Is(err, jose.ErrInvalid):
		return mandate.InvalidRequest, unproven(r.name, "logout token", err)
	case err != nil:
		return mandate.TemporarilyUnavailable, unproven(r.name, "logout token", err)
	}
	// Burned first: who replays it must not log the user out of the session that he began since.
	err = c.Replay.UseOnce(ctx, "client logout", mandate.DigestOf(r.reg.cookie+r.name+" "+tok.Issuer+" "+tok.ID), now, tok.Until)
	switch {
	case errors.Is(err, store.ErrUsed):
		return mandate.InvalidRequest, &Error{Kind: Mismatch, App: r.name, Cause: errors.New("the logout token came before")}
	case err != nil:
		return mandate.TemporarilyUnavailable, &Error{Kind: Fault, App: r.name, Cause: fmt.Errorf("remember the logout token: %w", err)}
	}
	if err := c.BackChannelLogout(ctx, &LogoutNotice{App: r.name, Issuer: tok.Issuer, Subject: tok.Subject, SessionID: tok.SessionID}); err != nil {
		return mandate.ServerError, &Error{Kind: Fault, App: r.name, Cause: fmt.Errorf("end the sessions: %w", err)}
	}
	return "", nil
}
