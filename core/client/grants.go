package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	wire "github.com/go-mandate/mandate/core/oauth2"
)

// Code redeems an authorization code (RFC 6749, section 4.1.3). verifier is that of PKCE (RFC 7636). [Registry] does this by itself.
func (r *TokenRequester) Code(ctx context.Context, code, redirectURI, verifier string, w Want) (*oauth2.Token, error) {
	return r.grant(ctx, "authorization_code", w, "code", code, "redirect_uri", redirectURI, "code_verifier", verifier)
}

// Refresh returns a new token (RFC 6749, section 6). It has the old refresh token where the answer has none. [GrantLost] means that the
// server takes the refresh token no more. Do not use it on what a [Source] or [Tokens] keeps.
func (r *TokenRequester) Refresh(ctx context.Context, refreshToken string, w Want) (*oauth2.Token, error) {
	if refreshToken == "" {
		return nil, r.fail(GrantLost, errors.New("there is no refresh token"))
	}
	tok, err := r.grant(ctx, "refresh_token", w, "refresh_token", refreshToken)
	if e, ok := errors.AsType[*Error](err); ok && lost(e) {
		e.Kind = GrantLost // made for this call, and nobody else's yet
	}
	if err != nil {
		return nil, err
	}
	if tok.RefreshToken == "" {
		tok.RefreshToken = refreshToken
	}
	return tok, nil
}

// lost reports whether a server says that it takes a refresh token no more. The second and third are what GitHub and Slack say.
func lost(e *Error) bool {
	return e.Kind == Provider && slices.Contains([]mandate.Code{mandate.InvalidGrant, "bad_refresh_token", "invalid_refresh_token"}, e.Code)
}

// ClientCredentials returns a token for the application itself (RFC 6749, section 4.4). See [NewSource] for one that is renewed.
func (r *TokenRequester) ClientCredentials(ctx context.Context, w Want) (*oauth2.Token, error) {
	return r.grant(ctx, "client_credentials", w)
}

// JWTBearer returns a token for an assertion (RFC 7523, section 2.1): see [Assertion.Sign].
func (r *TokenRequester) JWTBearer(ctx context.Context, assertion string, w Want) (*oauth2.Token, error) {
	return r.grant(ctx, wire.GrantJWTBearer, w, "assertion", assertion)
}

// InsecurePassword returns a token for a user's password (RFC 6749, section 4.3). INSECURE: this application sees the password, and no
// server that asks for more than one will do it (RFC 9700, section 2.4). It is for servers that cannot do anything else.
func (r *TokenRequester) InsecurePassword(ctx context.Context, name, password string, w Want) (*oauth2.Token, error) {
	return r.grant(ctx, "password", w, "username", name, "password", password)
}

// The types of tokens that can be exchanged (RFC 8693, section 3).
const (
	TypeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"  // #nosec G101 -- a name
	TypeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token" // #nosec G101 -- a name
	TypeIDToken      = "urn:ietf:params:oauth:token-type:id_token"      // #nosec G101 -- a name
	TypeJWT          = "urn:ietf:params:oauth:token-type:jwt"           // #nosec G101 -- a name
)

// Exchange is what is exchanged (RFC 8693, section 2.1). Subject is required; types are [TypeAccessToken] where they are empty.
type Exchange struct {
	Subject, SubjectType string // on behalf of whom
	Actor, ActorType     string // who acts; may be empty
	Requested            string // the type of the new token; may be empty
	Audiences            []string
}

// Exchange exchanges a token for another (RFC 8693). The type of the new one is in Extra("issued_token_type").
func (r *TokenRequester) Exchange(ctx context.Context, x Exchange, w Want) (*oauth2.Token, error) {
	orAccess := func(kind, token string) string {
		if kind == "" && token != "" {
			return TypeAccessToken
		}
		return kind
	}
	form := w.form("subject_token", x.Subject, "subject_token_type", orAccess(x.SubjectType, x.Subject),
		"actor_token", x.Actor, "actor_token_type", orAccess(x.ActorType, x.Actor), "requested_token_type", x.Requested)
	if len(x.Audiences) > 0 {
		form["audience"] = slices.Clone(x.Audiences)
	}
	form.Set("grant_type", wire.GrantTokenExchange)
	return r.Token(ctx, form)
}

const (
	deviceInterval = 5 * time.Second // RFC 8628, section 3.2, and the step of slow_down, section 3.5
	deviceLife     = 30 * time.Minute
)

// Device begins the device flow (RFC 8628): show the user UserCode and VerificationURI, and call DeviceToken.
func (r *TokenRequester) Device(ctx context.Context, w Want) (*oauth2.DeviceAuthResponse, error) {
	res, err := r.post(ctx, "device_authorization", w.form())
	if err != nil {
		return nil, err
	}
	m, fault := answer(res, r.c.ContentType)
	if fault != nil {
		fault.App = r.c.App
		return nil, fault
	}
	d := &oauth2.DeviceAuthResponse{
		DeviceCode: text(m["device_code"]), UserCode: text(m["user_code"]),
		VerificationURI: text(m["verification_uri"]), VerificationURIComplete: text(m["verification_uri_complete"]),
		Interval: int64(seconds(m["interval"]) / time.Second),
	}
	if d.VerificationURI == "" {
		d.VerificationURI = text(m["verification_url"]) // as drafts had it, and Google has it still
	}
	life := seconds(m["expires_in"])
	if life == 0 {
		life = deviceLife
	}
	d.Expiry = r.c.Now().Add(life)
	if d.DeviceCode == "" || d.UserCode == "" || d.VerificationURI == "" {
		fault = broken(res, "the answer has no device_code, user_code or verification_uri")
		fault.App = r.c.App
		return nil, fault
	}
	return d, nil
}

// DeviceToken waits until the user has decided, and returns the token. It asks as often as the server allows, more slowly when it is told
// to, and half as often each time that the server cannot be reached (RFC 8628, section 3.5). [Denied] is the user's no, [Expired] means that
// nobody has decided in time.
func (r *TokenRequester) DeviceToken(ctx context.Context, d *oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	if d == nil || d.DeviceCode == "" {
		return nil, r.fail(Fault, errors.New("there is no device code: call Device first"))
	}
	pause := max(time.Duration(d.Interval)*time.Second, time.Second)
	if d.Interval == 0 {
		pause = deviceInterval
	}
	for {
		if !d.Expiry.IsZero() && !r.c.Now().Add(pause).Before(d.Expiry) {
			return nil, r.fail(Expired, errors.New("nobody has entered the code in time"))
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, r.fail(Unreachable, err)
		}
		tok, err := r.grant(ctx, wire.GrantDeviceCode, Want{}, "device_code", d.DeviceCode)
		switch {
		case err == nil:
			return tok, nil
		case errors.Is(err, mandate.SlowDown):
			pause += deviceInterval
		case errors.Is(err, mandate.AuthorizationPending):
		case errors.Is(err, Unreachable) && ctx.Err() == nil:
			pause *= 2
		default:
			return nil, err
		}
	}
}

// sleep waits for d, or until ctx is over.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Revoke revokes tok (RFC 7009): the refresh token, and with it the grant, or the access token where there is none. A token that the server
// does not know is revoked already.
func (r *TokenRequester) Revoke(ctx context.Context, tok *oauth2.Token) error {
	if tok == nil || tok.AccessToken == "" && tok.RefreshToken == "" {
		return r.fail(Fault, errors.New("there is no token to revoke"))
	}
	form := url.Values{"token": {tok.RefreshToken}, "token_type_hint": {"refresh_token"}}
	if tok.RefreshToken == "" {
		form = url.Values{"token": {tok.AccessToken}, "token_type_hint": {"access_token"}}
	}
	res, err := r.revoke(ctx, tok, form)
	if err != nil {
		return err
	}
	m, _ := members(res, r.c.ContentType) // of a success nobody knows the body
	if fault := refusal(res, m); fault != nil {
		fault.App = r.c.App
		return fault
	}
	return nil
}

// revoke sends form, or the server's own request in its place.
func (r *TokenRequester) revoke(ctx context.Context, tok *oauth2.Token, form url.Values) (*mandate.Response, error) {
	if r.c.RevocationRequest == nil {
		return r.post(ctx, "revocation", form)
	}
	own, err := r.c.RevocationRequest(r.c.Credentials, tok)
	if err != nil {
		return nil, r.fail(Fault, fmt.Errorf("RevocationRequest: %w", err))
	}
	if err := checkURL("the URL of the RevocationRequest", bare(own.URL)); err != nil {
		return nil, r.fail(Fault, err)
	}
	own.Purpose, own.Trust, own.MaxBytes = "revocation", mandate.Operator, maxAnswer
	res, err := r.c.Fetcher.Fetch(ctx, own)
	if err != nil {
		return nil, r.fail(Unreachable, fmt.Errorf("revocation: %w", err))
	}
	return res, nil
}
