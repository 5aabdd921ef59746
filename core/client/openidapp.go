package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/internal/issuer"
	"github.com/go-mandate/mandate/core/jose"
	wire "github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/oidc"
)

// openidApp is an OpenID that is connected.
type openidApp struct {
	*oauth2App

	o             OpenID
	keys          *issuer.Keys   // nil: the client secret is the key
	fixedVerifier *oidc.Verifier // nil: the metadata decides
}

// How keys are kept.
const (
	keysTimeout  = 10 * time.Second
	keysInterval = 30 * time.Second
	keysOutage   = 24 * time.Hour
)

// remoteKeys returns the provider's keys, which are where JWKSURL or the metadata says.
func (a *openidApp) remoteKeys() *issuer.Keys {
	return issuer.NewKeys(issuer.KeysConfig{
		Fetcher: a.w.Fetcher, Now: a.w.Now, Timeout: keysTimeout, Interval: keysInterval, Outage: keysOutage,
		Failed: func(err error, until time.Time) { tellKept(a.w, a.Name, "keys", err, until) },
		Locate: func(ctx context.Context, again bool) (string, error) {
			if a.o.JWKSURL != "" {
				return a.o.JWKSURL, nil
			}
			m, err := a.meta.Get(ctx)
			if err == nil && again {
				if newer, err := a.meta.Newer(ctx, m); err == nil {
					m = newer
				}
			}
			switch {
			case err != nil:
				return "", err
			case m.JWKSURI == "":
				return "", errors.New("the metadata has no jwks_uri: set JWKSURL")
			}
			return m.JWKSURI, checkURL("jwks_uri", m.JWKSURI)
		},
	})
}

// describe reads the metadata (OpenID Connect Discovery 1.0, section 4.3).
func (a *openidApp) describe(body []byte) (*described, error) {
	want := a.o.Issuer
	if raw, ok := jose.Peek(body, "issuer"); ok && want == "" || strings.Contains(want, oidc.TenantPart) {
		named, _ := jose.Text(raw)
		if want != "" && !oidc.IsTenantIssuer(want, named) {
			return nil, fmt.Errorf("the metadata is of the issuer %.200q, want %q", named, want)
		}
		want = named // one tenant's metadata pins its issuer
	}
	m, err := wire.ParseServerMetadata(body, want)
	if err != nil {
		return nil, err
	}
	d := &described{ServerMetadata: m}
	if d.openid, err = oidc.ProviderOf(m); err == nil {
		d.verifier, err = a.newVerifier(want, d.openid)
	}
	for _, u := range []struct{ member, url string }{{"userinfo_endpoint", d.openid.UserInfoEndpoint}, {"end_session_endpoint", d.openid.EndSessionEndpoint}} {
		if err == nil && u.url != "" {
			err = checkURL(u.member, u.url)
		}
	}
	return d, err
}

// newVerifier returns what verifies the tokens of a provider that describes itself so.
func (a *openidApp) newVerifier(iss string, p oidc.Provider) (*oidc.Verifier, error) {
	c := oidc.Config{
		Issuer: iss, CheckIssuer: a.o.CheckIssuer, ClientID: a.Credentials.ID, Audiences: a.o.Audiences, Algs: a.o.Algs, Leeway: a.o.ClockSkew,
		AnyLogoutType: a.o.AnyLogoutType,
	}
	if len(c.Algs) == 0 {
		c.Algs = oidc.Asymmetric(p.IDTokenAlgs)
	}
	if a.keys == nil {
		c.Secret = a.Credentials.Secret
	} else {
		c.Keys = a.keys
		c.UserInfoAlgs = oidc.Asymmetric(p.UserInfoAlgs)
	}
	return oidc.NewVerifier(c)
}

// Verifier implements [Identifying].
func (a *openidApp) Verifier(ctx context.Context) (*oidc.Verifier, error) {
	if a.fixedVerifier != nil {
		return a.fixedVerifier, nil
	}
	d, err := a.meta.Get(ctx)
	if err != nil {
		return nil, &Error{Kind: Unreachable, App: a.Name, Cause: fmt.Errorf("metadata of %s: %w", a.Issuer, err)}
	}
	return d.verifier, nil
}

// Begin implements [Protocol].
func (a *openidApp) Begin(ctx context.Context, f *Flow) (string, error) {
	if f.Scopes != nil {
		f.Scopes = withOpenID(f.Scopes)
	}
	f.Secret = ""
	for _, params := range [...]mandate.Params{a.AuthParams, f.Params} { // the second counts
		if maxAge := params.Get("max_age"); maxAge != "" {
			if n, err := strconv.ParseUint(maxAge, 10, 31); err != nil {
				return "", &Error{Kind: Fault, App: a.Name, Cause: fmt.Errorf("max_age is %d seconds: %w", n, err)}
			}
			f.Secret = maxAge
		}
	}
	return a.authorize(ctx, f, true)
}

// Finish implements [Protocol].
func (a *openidApp) Finish(ctx context.Context, f *Flow, answer mandate.Params) (*SignIn, error) {
	tok, err := a.exchange(ctx, f, answer)
	if err != nil {
		return nil, err
	}
	raw, _ := tok.Extra("id_token").(string)
	if raw == "" {
		return nil, a.mismatch(errors.New("the answer has no id_token: the provider does not take this for a request of OpenID Connect"))
	}
	e := oidc.Expect{
		Now: a.w.Now(), Nonce: f.Nonce, NonceQuirk: a.o.NonceQuirk, NonceOptional: a.o.InsecureNonceOptional, AccessToken: tok.AccessToken, Code: answer.Get("code"), ACR: a.o.ACR,
	}
	if f.Secret != "" {
		seconds, err := strconv.ParseUint(f.Secret, 10, 31)
		if err != nil {
			return nil, &Error{Kind: Fault, App: a.Name, Cause: fmt.Errorf("max_age of the login: %w", err)}
		}
		e.AuthAfter = f.Begun.Add(-time.Duration(seconds) * time.Second) // #nosec G115 -- it has 31 bits
	}
	id, err := a.verify(ctx, raw, e)
	if err != nil {
		return nil, err
	}
	if iss := answer.Get("iss"); iss != "" && iss != id.Issuer {
		return nil, a.mismatch(fmt.Errorf("the answer is of the issuer %.200q, its ID token of %q", iss, id.Issuer))
	}
	in := &SignIn{Token: tok, IDToken: id.Claims()}
	a.scopes(in, f)
	g := &Granted{Token: tok, IDToken: in.IDToken, Params: answer, asks: a.asks(tok)}
	if g.UserInfo, err = a.moreOf(ctx, tok, in); err != nil {
		return nil, err
	}
	in.UserInfo = g.UserInfo
	if a.Profile != nil {
		in.Profile, err = a.profile(ctx, g)
		return in, err
	}
	in.Profile = ProfileOf(g.Claims())
	return in, nil
}

// verify verifies an ID token.
func (a *openidApp) verify(ctx context.Context, raw string, e oidc.Expect) (*oidc.Token, error) {
	v, err := a.Verifier(ctx)
	if err != nil {
		return nil, err
	}
	id, err := v.IDToken(ctx, raw, e)
	if err != nil {
		return nil, a.unproven("ID token", err)
	}
	return id, nil
}

func (a *openidApp) unproven(what string, err error) *Error { return unproven(a.Name, what, err) }

// unproven is the error of a token that was not verified.
func unproven(app, what string, err error) *Error {
	kind := Unreachable
	if errors.Is(err, jose.ErrInvalid) {
		kind = Mismatch
	}
	return &Error{Kind: kind, App: app, Cause: fmt.Errorf("%s: %w", what, err)}
}

func (a *openidApp) mismatch(cause error) *Error {
	return &Error{Kind: Mismatch, App: a.Name, Cause: cause}
}

// verifyFor is how long a renewed token waits for the keys of its ID token: it is lost if the process ends before it is stored.
const verifyFor = 3 * time.Second

// renewed checks the ID token of a refresh against the one before (OpenID Connect Core, section 12.2). One that is about another user is the end of the
// grant. One that is not proven, having run out, for example, is left out: the one before stays.
func (a *openidApp) renewed(ctx context.Context, before string, tok *oauth2.Token) (*oauth2.Token, error) {
	raw, _ := tok.Extra("id_token").(string)
	if raw == "" {
		return tok, nil
	}
	if was, now := whose(before), whose(raw); was != nil && now != nil && (was.Issuer != now.Issuer || was.Subject != now.Subject) {
		return nil, a.mismatch(errors.New("the ID token of the refresh is about another user than the one before, or of another issuer"))
	}
	ctx, cancel := context.WithTimeout(ctx, verifyFor)
	defer cancel()
	if _, err := a.verify(ctx, raw, oidc.Expect{Now: a.w.Now(), NoNonce: true, AccessToken: tok.AccessToken}); err != nil {
		return without(tok, "id_token"), nil
	}
	return tok, nil
}

// whose returns the claims of an ID token, verified or not; nil: there are none.
func whose(raw string) *jose.Claims {
	_, payload, err := jose.Unverified(raw)
	if err != nil {
		return nil
	}
	c, err := jose.ParseClaims(payload)
	if err != nil {
		return nil
	}
	return c
}

// without returns tok without a member of the answer.
func without(tok *oauth2.Token, name string) *oauth2.Token {
	extra := map[string]any{}
	for _, member := range []string{"scope", "refresh_expires_in", "refresh_token_expires_in"} {
		if v := tok.Extra(member); v != nil && member != name {
			extra[member] = v
		}
	}
	c := *tok
	return c.WithExtra(extra)
}
